"""The cart's drawer on wide screens: a native dialog over the page, and the cart's own page on phones."""

import re

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.conftest import Open
from tests.browser.shopping import APRON, MUG, SOAP, put
from tests.browser.watch import Watch

# What has the focus is in the drawer's head, or below it.
IN_SIGHT = """() => {
  const head = document.querySelector(".drawer-head"), { activeElement: has } = document;
  return head.contains(has) || has.getBoundingClientRect().top >= head.getBoundingClientRect().bottom;
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def wide(open_browser: Open) -> Page:
    return await open_browser(DESKTOP)


async def opened(page: Page, path: str = "/products") -> None:
    await page.goto(path)
    await page.locator("#cart-badge").click()
    await expect(page.get_by_role("dialog", name="Your cart")).to_be_visible()
    await expect(page.locator("#cart > *").first).to_be_visible()


async def test_it_opens_holds_the_focus_and_gives_it_back(wide: Page) -> None:
    await put(wide, SOAP)
    await opened(wide)
    assert wide.url.endswith("/products")
    for _ in range(12):
        await wide.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert await wide.evaluate(inside)
    await wide.keyboard.press("Escape")
    await expect(wide.get_by_role("dialog")).to_have_count(0)
    await expect(wide.locator("#cart-badge")).to_be_focused()
    await wide.keyboard.press("Enter")
    await wide.get_by_role("button", name="Close cart").click()
    await expect(wide.locator("#cart-badge")).to_be_focused()


async def test_the_cart_can_be_changed_in_it(wide: Page) -> None:
    await put(wide, SOAP)
    await put(wide, MUG)
    await opened(wide)
    await wide.get_by_role("button", name="One more of Lavender soap").click()
    await expect(wide.locator("#cart-badge")).to_have_text("Cart 3")
    await expect(wide.locator("#drawer-live")).to_have_text("Lavender soap added, 3 in cart")
    await wide.get_by_role("button", name="Remove Speckled mug").click()
    await expect(wide.get_by_role("button", name="Undo")).to_be_focused()
    await wide.keyboard.press("Enter")
    await expect(wide.locator("#cart .line")).to_have_count(2)
    assert await wide.evaluate("!!document.activeElement.closest('#cart')")
    await wide.get_by_role("link", name="Go to checkout").click()
    await expect(wide).to_have_url("/checkout")


async def test_it_speaks_the_language_of_the_page(wide: Page) -> None:
    await put(wide, SOAP)
    await wide.goto("/de/products")
    await wide.locator("#cart-badge").click()
    dialog = wide.get_by_role("dialog", name="Ihr Warenkorb")
    await expect(dialog.get_by_role("link", name="Zur Kasse")).to_have_attribute("href", "/de/checkout")
    await expect(dialog).not_to_contain_text("Checkout")


async def test_it_says_that_nothing_came(wide: Page, watch: Watch) -> None:
    watch.expect("^403 GET")
    await wide.goto("/products")
    await wide.route("**/cart", lambda route: route.fulfill(status=403, body="Not for you"))
    await wide.locator("#cart-badge").click()
    dialog = wide.get_by_role("dialog")
    await expect(dialog).to_contain_text("The shop did not answer.")
    await expect(dialog).not_to_contain_text("Not for you")


async def test_what_it_refuses_is_not_said_beside_the_button_below_it(wide: Page, watch: Watch) -> None:
    watch.expect("^422 ")
    await put(wide, SOAP)
    await opened(wide, f"/products/{MUG}")
    await wide.get_by_label("Quantity of Lavender soap").fill("200")
    await expect(wide.locator(".line .field-error")).to_contain_text("at most 99")
    await expect(wide.locator("#add-message")).to_be_empty()


async def test_it_shows_what_was_added_meanwhile(wide: Page) -> None:
    await wide.goto(f"/products/{SOAP}")
    await wide.get_by_role("button", name="Add to cart").click()
    await expect(wide.locator("#cart-badge")).to_have_text("Cart 1")
    await put(wide, MUG)
    await wide.locator("#cart-badge").click()
    await expect(wide.locator("#cart .line")).to_have_count(2)


async def test_trouble_is_said_inside_it(wide: Page, watch: Watch) -> None:
    watch.expect("^503 POST", "no answer", "Failed to fetch")
    await put(wide, SOAP)
    await opened(wide)
    dialog = wide.get_by_role("dialog")
    await wide.route("**/cart/items/*", lambda route: route.fulfill(status=503, body="busy"))
    await wide.get_by_role("button", name="One more of Lavender soap").click()
    spoken = dialog.locator("[aria-live=polite]", has=wide.get_by_role("button", name="Try again"))
    await expect(spoken).to_contain_text("The shop did not answer. Nothing is lost.")
    await wide.unroute("**/cart/items/*")
    await wide.get_by_role("button", name="One more of Lavender soap").click()
    await expect(wide.locator("#cart-badge")).to_have_text("Cart 2")
    await expect(dialog).not_to_contain_text("did not answer")


async def test_trouble_is_seen_wherever_it_was_scrolled_to(wide: Page, watch: Watch) -> None:
    watch.expect("^503 POST", "no answer", "Failed to fetch")
    await wide.set_viewport_size({"width": DESKTOP, "height": 480})
    for slug in (SOAP, MUG, APRON):
        await put(wide, slug)
    await opened(wide)
    await wide.route("**/cart/items/*", lambda route: route.fulfill(status=503, body="busy"))
    await wide.get_by_role("button", name="Remove Linen apron").focus()
    await wide.evaluate("document.getElementById('cart-drawer').scrollTo(0, 9999)")
    assert await wide.evaluate("document.getElementById('cart-drawer').scrollTop") > 50
    await wide.keyboard.press("Enter")
    await expect(wide.get_by_role("button", name="Try again")).to_be_in_viewport(ratio=1)
    for _ in range(6):
        await wide.keyboard.press("Shift+Tab")
        assert await wide.evaluate(IN_SIGHT), await wide.evaluate("document.activeElement.outerHTML")


async def test_what_failed_last_is_what_is_offered_again(wide: Page, watch: Watch) -> None:
    """Of two failures in two places the older one is no longer offered, which would ask the other's question."""
    watch.expect("^503 ", "no answer", "Failed to fetch")
    await put(wide, SOAP)
    await wide.goto("/products")
    await wide.route("**/search*", lambda route: route.fulfill(status=503, body="busy"))
    await wide.locator("#site-q").press_sequentially("so")
    again = wide.locator("[data-again]")
    await expect(again).to_have_count(1)
    await wide.locator("#cart-badge").click()
    await expect(wide.locator("#cart > *").first).to_be_visible()
    await wide.route("**/cart/items/*", lambda route: route.fulfill(status=503, body="busy"))
    await wide.get_by_role("button", name="One more of Lavender soap").click()
    await expect(wide.get_by_role("dialog").get_by_role("button", name="Try again")).to_be_visible()
    await expect(again).to_have_count(1)
    await wide.unroute("**/cart/items/*")
    await again.click()
    await expect(wide.locator("#cart-badge")).to_have_text("Cart 2")
    await expect(again).to_have_count(0)


async def test_on_a_phone_the_badge_leads_to_the_page(open_browser: Open) -> None:
    page = await open_browser(PHONE)
    await put(page, SOAP)
    await page.goto("/products")
    await page.locator("#cart-badge").click()
    await expect(page).to_have_url("/cart")


async def test_a_new_tab_is_the_page_too(wide: Page) -> None:
    await put(wide, SOAP)
    await wide.goto("/products")
    async with wide.context.expect_page() as coming:
        await wide.locator("#cart-badge").click(modifiers=["ControlOrMeta"])
    tab = await coming.value
    await expect(tab).to_have_url(re.compile("/cart$"))
    await expect(wide.get_by_role("dialog")).to_have_count(0)
