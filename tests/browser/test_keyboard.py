"""Buying with nothing but Tab, arrows, Enter, Space and letters."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import TABLET
from tests.browser.widths import at_both_widths
from tests.shop import ANNA

MOST_TABS = 60


async def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the focus is where it is wanted."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


@at_both_widths
async def test_buying(page: Page, width: int) -> None:
    keyboard = page.keyboard
    await page.goto("/")
    await keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await keyboard.press("Enter")
    await tab_to(page, page.locator("main").get_by_role("link", name="See all products"))
    await keyboard.press("Enter")
    await expect(page).to_have_url("/products")
    await tab_to(page, page.get_by_role("link", name="Speckled mug"))
    await keyboard.press("Enter")

    await expect(page).to_have_url("/products/speckled-mug")
    await tab_to(page, page.get_by_role("radio", name=re.compile("^Oat")))
    await keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name=re.compile("^Moss"))).to_be_checked()
    await keyboard.press("Tab")
    await keyboard.press("ArrowUp")
    await keyboard.press("Tab")
    await keyboard.press("Space")
    await expect(page.locator("#live")).to_have_text("Speckled mug, Moss added, 2 in cart")
    await keyboard.press("Tab")
    await expect(page.get_by_role("link", name="View cart")).to_be_focused()

    await page.goto("/products")
    await tab_to(page, page.locator("#cart-badge"))
    await keyboard.press("Enter")
    await expect(page.locator("#cart .line")).to_have_count(1)
    assert page.url.endswith("/products" if width >= TABLET else "/cart")
    await tab_to(page, page.get_by_role("button", name="One less of Speckled mug, Moss"))
    await keyboard.press("Enter")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await tab_to(page, page.get_by_role("link", name="Go to checkout"))
    await keyboard.press("Enter")

    await expect(page).to_have_url("/checkout")
    for name, text in ANNA.items():
        await tab_to(page, page.locator(f"#{name}"))
        await keyboard.type("Oregon" if name == "address_level1" else "" if name == "country" else text)
    await tab_to(page, page.get_by_role("radio", name=re.compile("^Standard delivery")))
    await expect(page.locator("#address_level1")).to_have_value("OR")
    await tab_to(page, page.locator("#pay"))
    await keyboard.press("Enter")

    await expect(page).to_have_url(re.compile("/sandbox/pay/"))
    for label, text in {"Card number": "4242424242424242", "Expiry": "1240", "Security code": "123"}.items():
        await tab_to(page, page.get_by_label(label))
        await keyboard.type(text)
    await keyboard.press("Enter")
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")
