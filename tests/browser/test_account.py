"""Having an account, in a browser."""

import re

import pyotp
import pytest
from playwright.async_api import Page, expect

from tests.accounts.people import PASSWORD, mailed, new_email, new_person
from tests.browser.accounts import enter, signed_in
from tests.browser.chromium import DESKTOP
from tests.browser.conftest import Open
from tests.browser.shopping import MUG, SOAP, count, fill, put
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import Running, shopper_at


async def _register(page: Page, shop: Running) -> str:
    email = new_email()
    await page.goto("/account/sign-in")
    await page.get_by_role("link", name="Create an account").click()
    await page.locator("#email").fill(email)
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    await page.goto(await mailed(shop, email, "account-register"))
    await page.locator("#new_password").fill(PASSWORD)
    await page.get_by_role("button", name="Create the account").click()
    await expect(page).to_have_url("/account")
    await expect(page.locator("main")).to_contain_text(email)
    return email


@at_both_widths
async def test_registering_signing_out_and_in(page: Page, shop: Running) -> None:
    email = await _register(page, shop)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url("/")
    await expect(page.locator("#notice")).to_contain_text("signed out")
    await page.goto("/account")
    await expect(page).to_have_url("/account/sign-in?next=/account")
    await enter(page, email)
    await expect(page).to_have_url("/account")


@at_both_widths
async def test_registering_without_javascript(plain_page: Page, shop: Running) -> None:
    await _register(plain_page, shop)


@at_both_widths
async def test_a_mistake_is_said_and_nothing_is_lost(page: Page, shop: Running, watch: Watch) -> None:
    watch.expect("^422 ")
    person = await new_person(shop)
    await page.goto("/account/sign-in?next=/checkout")
    await enter(page, person.email, "not this one")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("is not right")
    await expect(alert).to_be_focused()
    await expect(page.locator("#email")).to_have_value(person.email)
    await page.locator("#email").fill("")
    await page.get_by_role("button", name="Sign in").click()
    summary = page.locator(".errors")
    await expect(summary).to_be_focused()
    await expect(page).to_have_title(re.compile("^Error: "))
    await summary.get_by_role("link").first.click()
    await expect(page.locator("#email")).to_be_focused()
    await page.locator("#email").fill(person.email)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#password").press("Enter")
    await expect(page).to_have_url("/cart")


@at_both_widths
async def test_a_cart_filled_before_signing_in_is_there_afterwards(page: Page, shop: Running) -> None:
    await put(page, SOAP, 2)
    person = await signed_in(page, shop, "/cart")
    await expect(page.locator("#cart .line")).to_have_count(1)
    assert await count(page) == 2
    await page.goto("/account")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url("/")
    await put(page, MUG)
    await page.goto("/account/sign-in?next=/cart")
    await enter(page, person.email)
    await expect(page.locator("#cart .line")).to_have_count(2)
    await expect(page.locator("#cart-badge")).to_have_text("Cart 3")


@at_both_widths
async def test_credits_lead_to_signing_in_and_back_to_what_was_typed(page: Page, shop: Running) -> None:
    person = await new_person(shop)
    await page.goto("/pricing")
    await page.locator("main").get_by_role("button").first.click()
    await expect(page.locator("#live")).to_contain_text("in cart")
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page, email="somebody.else@example.org")
    await page.locator("#pay").click()
    await expect(page).to_have_url("/account/sign-in?next=/checkout")
    await enter(page, person.email)
    await expect(page).to_have_url("/checkout")
    await expect(page.locator("#email")).to_have_value("somebody.else@example.org")


@pytest.mark.parametrize("path", ["/account", "/account/orders", "/admin"])
async def test_back_after_signing_out_shows_nothing(open_browser: Open, shop: Running, path: str) -> None:
    page = await open_browser(DESKTOP)
    await signed_in(page, shop, path, role="owner")
    await page.goto("/account")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url("/")
    await page.go_back()
    await page.go_back()
    await expect(page.locator("#password")).to_be_visible()


@at_both_widths
async def test_a_sign_in_after_too_many_mistakes_says_only_that(
    page: Page, shop: Running, watch: Watch
) -> None:
    watch.expect("^4(22|29) ")
    person = await new_person(shop)
    async with shopper_at(shop.url) as guesser:
        for _ in range(9):
            await guesser.post("/account/sign-in", {"email": person.email, "password": "not this one"})
    await page.goto("/account/sign-in")
    alert = page.get_by_role("alert")
    await enter(page, person.email, "not this one")
    await expect(alert).to_contain_text("is not right")
    await enter(page, person.email)
    await expect(alert).to_contain_text(re.compile("minutes? and try again"))
    await expect(alert).to_be_focused()
    await expect(page.locator("main")).not_to_contain_text("is not right")
    await expect(page.locator("#email")).to_have_value(person.email)
    await alert.get_by_role("link", name="Set a new password").click()
    await expect(page).to_have_url("/account/reset")


@at_both_widths
async def test_recovery_codes_stand_alone_once_the_second_step_is_on(page: Page, shop: Running) -> None:
    await signed_in(page, shop, "/account/two-step")
    await page.locator("#password").fill(PASSWORD)
    await page.get_by_role("button", name="Set it up").click()
    await expect(page).to_have_url("/account/two-step/set-up")
    key = await page.locator(".account-steps code").inner_text()
    await page.locator("#code").fill(pyotp.TOTP(key.replace(" ", "")).now())
    await page.get_by_role("button", name="Turn it on").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    await expect(page).to_have_title(re.compile("^Your recovery codes"))
    await expect(page.locator(".codes code")).to_have_count(10)
    await expect(page.locator(".account-page > section")).to_be_focused()
    assert key not in await page.locator("body").inner_text()
