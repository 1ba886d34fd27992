"""Back, Forward and other tabs: the badge is right, what was typed is there, nothing is done twice."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import DESKTOP, window
from tests.browser.conftest import Open
from tests.browser.orders import PAYS
from tests.browser.shopping import MUG, SOAP, add, count, fill, pay_with, put, to_payment
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import Running

pytestmark = pytest.mark.whole_chromium
STAYED = "window.stayed === true"


async def back(page: Page, path: str) -> None:
    """Back, as people press it: the page may come as it was left."""
    await page.go_back(wait_until="commit")
    await expect(page).to_have_url(path)


@at_both_widths
async def test_the_badge_is_right_on_a_page_that_was_left(page: Page) -> None:
    await page.goto("/products")
    await page.evaluate("window.stayed = true")
    await add(page, SOAP)
    badge = page.locator("#cart-badge")
    await expect(badge).to_have_text("Cart 1")
    await back(page, "/products")
    assert await page.evaluate(STAYED), "Chromium kept the page, as it does for people"
    await expect(badge).to_have_text("Cart 1")
    await expect(badge).to_have_attribute("aria-label", "Cart, 1 item")
    await page.go_forward(wait_until="commit")
    await expect(badge).to_have_text("Cart 1")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(badge).to_have_text("Cart 2")


@at_both_widths
async def test_the_badge_is_right_where_pages_are_not_kept(page: Page) -> None:
    await page.add_init_script("addEventListener('unload', () => {})")
    await page.goto("/products")
    await page.evaluate("window.stayed = true")
    await add(page, SOAP)
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await back(page, "/products")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")


async def test_a_drawer_does_not_come_back_open(open_browser: Open) -> None:
    page = await open_browser(DESKTOP)
    await put(page, SOAP)
    await page.goto("/products")
    await page.locator("#cart-badge").click()
    await page.get_by_role("link", name="Go to checkout").click()
    await expect(page).to_have_url("/checkout")
    await back(page, "/products")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")


@at_both_widths
async def test_back_from_payment_shows_the_form_as_it_was(page: Page) -> None:
    await to_payment(page)
    await back(page, "/checkout")
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await expect(page.locator("#postal_code")).to_have_value("97201")
    await expect(page.locator("#address_level1")).to_have_value("OR")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    await pay_with(page, PAYS)
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")


@at_both_widths
async def test_back_after_paying_orders_nothing_again(page: Page) -> None:
    await to_payment(page)
    await pay_with(page, PAYS)
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")
    await page.goto("/checkout")
    await expect(page).to_have_url("/cart")
    await expect(page.locator("#cart")).to_contain_text("Your cart is empty")
    await expect(page.locator("#cart-badge")).to_have_attribute("aria-label", "Cart, empty")


@at_both_widths
async def test_a_form_that_was_left_is_there_again(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await expect(page.locator("#field-postal_code .tick")).to_be_visible()
    await page.goto("/pages/terms")
    await back(page, "/checkout")
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await page.reload()
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await expect(page.locator("#address_line1")).to_have_value("12 Mill Lane")


@at_both_widths
async def test_the_other_tab_learns_of_it_when_it_is_looked_at(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/products")
    other = await page.context.new_page()
    await add(other, MUG)
    await expect(other.locator("#cart-badge")).to_have_text("Cart 2")
    await page.bring_to_front()
    # Headless tabs are never hidden, so the event that looking at one brings is sent by hand.
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 2")


@at_both_widths
async def test_two_tabs_change_one_cart(page: Page, watch: Watch) -> None:
    watch.expect("^404 POST")
    await put(page, SOAP)
    await put(page, MUG)
    await page.goto("/cart")
    other = await page.context.new_page()
    await other.goto("/cart")
    await other.get_by_role("button", name="Remove Lavender soap").click()
    await expect(other.locator("#cart-badge")).to_have_text("Cart 1")
    await page.get_by_role("button", name="One more of Lavender soap").click()
    await expect(page.locator("#cart")).to_contain_text("That is not in your cart any more.")
    await expect(page.locator("#cart .line")).to_have_count(1)
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await page.get_by_role("button", name="One more of Speckled mug").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 2")
    assert await count(page) == 2


@at_both_widths
async def test_two_tabs_at_checkout_order_once(page: Page) -> None:
    await put(page, SOAP)
    for tab in (page, await page.context.new_page()):
        await tab.goto("/checkout")
        await fill(tab)
        await tab.locator("#pay").click()
        await expect(tab).to_have_url(re.compile("/sandbox/pay/"))
    first, second = page.context.pages
    assert first.url == second.url


@at_both_widths
async def test_another_browser_sees_nothing_of_it(page: Page, browser: Browser, shop: Running) -> None:
    await put(page, SOAP)
    stranger = await window(browser, shop.url, DESKTOP)
    elsewhere = await stranger.new_page()
    await elsewhere.goto("/cart")
    await expect(elsewhere.get_by_text("Your cart is empty.")).to_be_visible()
    await elsewhere.goto("/products")
    assert await stranger.cookies() == []
    await stranger.close()
