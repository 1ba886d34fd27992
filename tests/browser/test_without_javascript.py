"""The whole shop as plain pages and forms."""

import re

from playwright.async_api import Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import Open
from tests.browser.orders import order_of
from tests.browser.shopping import MUG, SOAP, fill, put
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import GERMAN, Running


@at_both_widths
async def test_buying(plain_page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    page = plain_page
    await page.goto("/")
    await page.get_by_role("link", name="See all products").click()
    await page.get_by_role("link", name="Speckled mug").click()
    await page.get_by_label("Moss").check()
    await page.get_by_label("Quantity").fill("2")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page).to_have_url("/cart")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 2")
    await page.get_by_role("link", name="Go to checkout").click()
    await page.locator("#email").fill("anna@")
    await page.locator("#pay").click()
    await expect(page).to_have_title(re.compile("^Error: "))
    await expect(page.locator(".errors")).to_contain_text("There is a problem")
    await expect(page.locator("#email")).to_have_value("anna@")
    await page.locator(".errors").get_by_role("link").first.click()
    await expect(page.locator("#email")).to_be_focused()
    await fill(page)
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    await page.locator("#card-4242424242424242").click()
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")
    await expect(page.locator("#cart-badge")).to_have_attribute("aria-label", "Cart, empty")


@at_both_widths
async def test_changing_the_cart(plain_page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    page = plain_page
    await put(page, SOAP)
    await put(page, MUG)
    await page.goto("/cart")
    field = page.get_by_label("Quantity of Lavender soap")
    await field.fill("5")
    await field.press("Enter")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 6")
    await page.get_by_role("button", name="One more of Lavender soap").click()
    await expect(field).to_have_value("6")
    await field.fill("200")
    await field.press("Enter")
    await expect(page.locator(".field-error")).to_have_text("You can order at most 99 of one thing.")
    await expect(field).to_have_value("200")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 7")
    await page.get_by_role("button", name="Remove Lavender soap").click()
    await expect(page.locator(".removed")).to_contain_text("Removed Lavender soap.")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 7")
    await expect(field).to_have_value("6")


@at_both_widths
async def test_another_country_by_its_button(plain_page: Page, watch: Watch) -> None:
    watch.expect("^409 POST")
    page = plain_page
    await put(page, SOAP)
    await page.goto("/checkout")
    await page.locator("#email").fill("anna@example.org")
    await page.locator("#country").select_option("DE")
    await page.locator("#field-country").get_by_role("button", name="Update").click()
    await expect(page).to_have_url("/checkout")
    await expect(page.locator("#pay")).to_contain_text("$18.40")
    await expect(page.locator("#email")).to_have_value("anna@example.org")
    await expect(page.get_by_label("Postal code")).to_be_visible()
    await page.get_by_label("Express delivery").check()
    await fill(page, **GERMAN)
    await page.locator("#pay").click()
    await expect(page.locator("#checkout-form .notice")).to_contain_text("from $18.40 to $33.40")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


@at_both_widths
async def test_looking_around(plain_page: Page) -> None:
    page = plain_page
    await page.goto("/products")
    await page.get_by_label("Sort by").select_option("-price")
    await page.get_by_role("button", name="Show").click()
    # A plain form sends what was left empty too.
    await expect(page).to_have_url("/products?price=&option=&sort=-price")
    await expect(page.locator("#cards .card-title").first).to_have_text("Lambswool throw")
    await page.get_by_role("link", name="Load more").click()
    await expect(page.get_by_role("link", name="Waffle washcloths")).to_have_count(0)
    await expect(page.get_by_role("link", name="Cedar pencils")).to_be_visible()
    await page.get_by_role("link", name="Back to the first page").click()
    await expect(page).to_have_url("/products?sort=-price")
    await page.locator("#site-q").fill("candle")
    await page.locator(".site-search-go").click()
    await expect(page).to_have_url("/search?q=candle")
    await expect(page.locator("#shown")).to_have_text("6 products")
    await page.get_by_label("In stock (5)").check()
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("#shown")).to_have_text("5 products")
    await page.get_by_label("Chosen filters").get_by_role("link").click()
    await expect(page).to_have_url("/search?q=candle")


async def test_an_open_order_asks_again_by_itself(open_browser: Open, shop: Running) -> None:
    page = await open_browser(PHONE, java_script_enabled=False)
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    session = page.url.rpartition("/")[2]
    await page.goto(await order_of(shop, session))
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "pending")
    paid = await page.context.request.post("/sandbox/control/pay", form={"session": session})
    assert paid.ok
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")
