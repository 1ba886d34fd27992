"""What was looked at last: kept by the browser alone, and by no cookie."""

from playwright.async_api import Page, expect

from tests.browser.chromium import PHONE
from tests.browser.conftest import Open
from tests.browser.shopping import APRON, MUG, SOAP
from tests.browser.widths import at_both_widths

BAD = (
    "nonsense", "{}", "[7, null]",
    '[{"url": "//evil.example", "title": "x", "image": "/x.svg"}]',
    '[{"url": "javascript:alert(1)", "title": "x", "image": "/x.svg"}]',
)  # fmt: skip


@at_both_widths
async def test_what_was_looked_at_is_shown_until_it_is_cleared(page: Page) -> None:
    await page.goto("/")
    await page.evaluate("localStorage.clear()")
    viewed = page.locator("#viewed")
    await page.goto(f"/products/{SOAP}")
    await expect(viewed).to_be_hidden()
    for slug in (MUG, APRON, MUG):
        await page.goto(f"/products/{slug}")
    await expect(viewed.get_by_role("link")).to_have_text(["Linen apron", "Lavender soap"])
    await viewed.get_by_role("link", name="Lavender soap").click()
    await expect(page).to_have_url(f"/products/{SOAP}")
    await expect(viewed.get_by_role("link")).to_have_text(["Speckled mug", "Linen apron"])
    await page.goto("/")
    await expect(viewed.get_by_role("link")).to_have_text(["Lavender soap", "Speckled mug", "Linen apron"])
    assert await page.context.cookies() == []
    await viewed.get_by_role("button", name="Clear this list").click()
    await expect(viewed).to_be_hidden()
    await expect(page.locator("#main")).to_be_focused()
    await page.go_back(wait_until="commit")
    await expect(page).to_have_url(f"/products/{SOAP}")
    await expect(viewed).to_be_hidden()


async def test_it_is_shown_in_the_language_of_the_page(open_browser: Open) -> None:
    page = await open_browser(PHONE)
    await page.goto(f"/de/products/{SOAP}")
    await page.goto("/")
    link = page.locator("#viewed").get_by_role("link")
    await expect(link).to_have_attribute("href", f"/products/{SOAP}")
    await page.goto("/de/")
    await expect(link).to_have_attribute("href", f"/de/products/{SOAP}")


@at_both_widths
async def test_what_the_browser_kept_is_not_believed(page: Page) -> None:
    for text in BAD:
        await page.goto("/")
        await page.evaluate("(text) => localStorage.setItem('viewed', text)", text)
        await page.reload()
        await expect(page.locator("#viewed")).to_be_hidden()
    await page.evaluate("localStorage.clear()")


@at_both_widths
async def test_without_a_script_there_is_no_list(plain_page: Page) -> None:
    await plain_page.goto(f"/products/{MUG}")
    await plain_page.goto(f"/products/{SOAP}")
    await expect(plain_page.locator("#viewed")).to_be_hidden()
