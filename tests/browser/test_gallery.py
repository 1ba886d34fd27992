"""A product's pictures: swiped, scrolled, or chosen by links, with and without JavaScript."""

from playwright.async_api import Page, expect

from tests.browser.shopping import MUG
from tests.browser.widths import at_both_widths
from tests.shop import eventually

# Which picture stands in the frame, from 0, and whether the whole frame is it.
IN_FRAME = """(frame) => frame.scrollLeft / frame.clientWidth"""


async def stands(page: Page, number: int) -> None:
    frame = page.locator(".gallery-pictures")
    await expect(page.locator(f"#picture-{number + 1} img")).to_be_in_viewport(ratio=0.5)

    async def arrived() -> bool:
        return bool(abs(await frame.evaluate(IN_FRAME) - number) < 0.02)

    await eventually(arrived)


@at_both_widths
async def test_small_pictures_lead_to_the_big_ones_without_javascript(plain_page: Page) -> None:
    page = plain_page
    await page.goto(f"/products/{MUG}")
    thumbs = page.locator(".thumb")
    assert await thumbs.count() == await page.locator(".gallery-picture").count() == 3
    await thumbs.nth(2).click()
    await expect(page.locator("#picture-3 img")).to_be_in_viewport(ratio=0.5)
    await expect(page.locator("#picture-1 img")).not_to_be_in_viewport()
    await expect(thumbs.nth(2)).to_be_in_viewport()
    await thumbs.first.click()
    await expect(page.locator("#picture-1 img")).to_be_in_viewport(ratio=0.5)


@at_both_widths
async def test_keys_go_through_the_pictures(page: Page) -> None:
    await page.goto(f"/products/{MUG}")
    frame = page.locator(".gallery-pictures")
    await frame.evaluate("(frame) => frame.addEventListener('scrollend', () => (window.rested = true))")
    await frame.focus()
    await page.keyboard.press("ArrowRight")
    await stands(page, 1)

    async def rested() -> bool:
        return bool(await page.evaluate("window.rested === true"))

    # A scroll by key that has not ended takes a jump by a link back.
    await eventually(rested)
    await page.keyboard.press("Tab")
    await expect(page.locator(".thumb").first).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.locator(".thumb").nth(2)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"/products/{MUG}#picture-3")
    await stands(page, 2)
