"""Buying end to end through the sandbox's payment page, whatever happens there."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.orders import ASKS, DECLINED, PAYS, order_of
from tests.browser.shopping import SOAP, count, pay_with, to_payment
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import Running, eventually

ORDER = re.compile("/orders/")


async def paid(page: Page) -> None:
    """The order's page says that the order is paid, without being reloaded."""
    await expect(page).to_have_url(ORDER)
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, your order is paid")
    await expect(page.locator("#cart-badge")).to_have_attribute("aria-label", "Cart, empty")
    assert await count(page) == 0


@at_both_widths
async def test_a_card_that_pays(page: Page) -> None:
    await to_payment(page)
    await page.get_by_label("Card number").fill("4242 4242 4242 4242")
    await page.get_by_label("Expiry").fill("12 / 40")
    await page.get_by_label("Security code").fill("123")
    await page.get_by_role("button", name=re.compile("^Pay ")).click()
    await paid(page)


@at_both_widths
async def test_a_declined_card_and_then_one_that_pays(page: Page, watch: Watch) -> None:
    watch.expect("^402 ", "^422 ")
    await to_payment(page)
    await pay_with(page, DECLINED)
    await expect(page.locator("#error")).to_contain_text("declined")
    await pay_with(page, PAYS)
    await paid(page)


@pytest.mark.parametrize("answer", ["approve", "fail"])
@at_both_widths
async def test_a_bank_that_asks(page: Page, answer: str, watch: Watch) -> None:
    watch.expect("^402 ", "^422 ")
    await to_payment(page)
    await pay_with(page, ASKS)
    await page.locator(f"#{answer}").click()
    if answer == "fail":
        await expect(page.locator("#error")).to_be_visible()
        await pay_with(page, PAYS)
    await paid(page)


@at_both_widths
async def test_a_bank_debit_takes_its_time_and_the_page_waits_for_it(page: Page) -> None:
    await to_payment(page)
    session = page.url.rpartition("/")[2]
    await page.locator("#bank").click()
    await expect(page).to_have_url(ORDER)
    status = page.locator("#order-status")
    await expect(status).to_have_attribute("data-status", "awaiting")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your payment is on its way")
    assert await count(page) == 0
    await _control(page, "settle", session)

    async def reloaded() -> bool:
        await page.reload()
        return await status.get_attribute("data-status") == "paid"

    await eventually(reloaded)


@at_both_widths
async def test_turning_back_keeps_the_cart_and_the_form(page: Page) -> None:
    await to_payment(page)
    await page.locator("#back").click()
    await expect(page).to_have_url("/cart")
    await expect(page.locator("#notice")).to_contain_text("You have not paid, and nothing was charged")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await page.get_by_role("link", name="Go to checkout").click()
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    await pay_with(page, PAYS)
    await paid(page)


@at_both_widths
async def test_the_order_page_goes_to_paid_by_itself(page: Page, shop: Running) -> None:
    await to_payment(page)
    session = page.url.rpartition("/")[2]
    await page.goto(await order_of(shop, session))
    status = page.locator("#order-status")
    await expect(status).to_have_attribute("data-status", "pending")
    await page.evaluate("window.sameDocument = true")
    await page.get_by_role("button", name="Cancel the order").focus()
    await _control(page, "pay", session)
    await expect(status).to_have_attribute("data-status", "paid")
    await expect(page.locator(".order-head[role=status] h1")).to_have_text("Thank you, your order is paid")
    assert await page.evaluate("window.sameDocument")
    assert not await status.get_attribute("hx-get"), "a final page asks no more"


@at_both_widths
async def test_an_order_can_be_paid_again_cancelled_and_put_back(page: Page, shop: Running) -> None:
    await to_payment(page, SOAP)
    path = await order_of(shop, page.url.rpartition("/")[2])
    await page.goto(path)
    await page.locator("#order-pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    await page.goto(path)
    await page.get_by_role("button", name="Cancel the order").click()
    await expect(page.locator("#notice")).to_contain_text("The order is cancelled. Nothing was charged.")
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "cancelled")
    await page.get_by_role("button", name="Put these things into the cart").click()
    await expect(page).to_have_url("/cart")
    await expect(page.locator("#notice")).to_contain_text("in your cart already")


async def _control(page: Page, action: str, session: str) -> None:
    answer = await page.context.request.post(f"/sandbox/control/{action}", form={"session": session})
    assert answer.ok, await answer.text()
