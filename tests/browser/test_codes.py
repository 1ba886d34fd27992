"""The cart's discount code, with a mouse, a thumb and a keyboard, with and without JavaScript."""

from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import PHONE, window
from tests.browser.conftest import Open
from tests.browser.shopping import MUG, SOAP, enter_code, fill, put
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import Running


@at_both_widths
async def test_a_wrong_code_keeps_its_text_and_a_right_one_becomes_a_chip(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await put(page, SOAP, 3)
    await page.goto("/cart")
    await enter_code(page, "WELCOM10")
    field = page.get_by_label("Discount code")
    await expect(page.locator("#live")).to_contain_text("There is no code WELCOM10.")
    await expect(field).to_have_value("WELCOM10")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(
        "Error: There is no code WELCOM10. Please check how you typed it."
    )
    await field.fill("welcome10")
    await page.get_by_role("button", name="Apply").click()
    chip = page.get_by_role("button", name="Remove the discount code WELCOME10")
    await expect(chip).to_be_focused()
    await expect(page.locator("#live")).to_have_text("WELCOME10: $2.55 off.")
    await expect(page.locator(".sums")).to_contain_text("-$2.55")
    await page.keyboard.press("Enter")
    await expect(page.locator("#live")).to_have_text("Code removed.")
    await expect(page.locator(".code summary")).to_be_focused()
    await expect(page.locator(".sums")).not_to_contain_text("-$2.55")


@at_both_widths
async def test_what_is_typed_stays_while_the_cart_changes(page: Page) -> None:
    await put(page, SOAP, 3)
    await page.goto("/cart")
    await page.get_by_text("Add a discount code").click()
    await page.get_by_label("Discount code").fill("WELC")
    await page.get_by_role("button", name="One more of Lavender soap").click()
    await expect(page.get_by_label("Quantity of Lavender soap")).to_have_value("4")
    await expect(page.get_by_label("Discount code")).to_be_visible()
    await expect(page.get_by_label("Discount code")).to_have_value("WELC")


async def test_in_the_drawer_it_is_said_aloud_there(open_browser: Open) -> None:
    page = await open_browser(1280)
    await put(page, SOAP, 3)
    await page.goto("/")
    await page.locator("#cart-badge").click()
    await enter_code(page, "welcome10")
    await expect(page.locator("#drawer-live")).to_have_text("WELCOME10: $2.55 off.")
    await expect(page.get_by_role("button", name="Remove the discount code WELCOME10")).to_be_focused()


@at_both_widths
async def test_the_discount_is_read_again_before_paying_and_charged(page: Page) -> None:
    await put(page, MUG, 2)
    await page.goto("/cart")
    await enter_code(page, "welcome10")
    await expect(page.locator("#code-remove")).to_be_visible()
    await page.get_by_role("link", name="Go to checkout").click()
    await expect(page.locator(".checkout-summary .sums")).to_contain_text("Discount WELCOME10")
    await fill(page)
    total = await page.locator(".checkout-summary .sums-total dd").inner_text()
    await page.locator("#pay").click()
    await expect(page.get_by_text("Discount")).to_be_visible()
    await expect(page.locator("body")).to_contain_text(total.removesuffix(" USD"))


async def test_without_javascript(browser: Browser, shop: Running) -> None:
    context = await window(browser, shop.url, PHONE, java_script_enabled=False)
    page = await context.new_page()
    await put(page, SOAP, 3)
    await page.goto("/cart")
    await enter_code(page, "WELCOM10")
    await expect(page.get_by_label("Discount code")).to_have_value("WELCOM10")
    await expect(page.locator("#code-error")).to_contain_text("There is no code WELCOM10.")
    await page.get_by_label("Discount code").fill("welcome10")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".sums")).to_contain_text("-$2.55")
    await page.get_by_role("button", name="Remove the discount code WELCOME10").click()
    await expect(page.locator(".sums")).not_to_contain_text("Discount")
    await context.close()
