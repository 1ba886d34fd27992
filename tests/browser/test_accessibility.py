"""Every page in every state, light and dark, narrow and wide: axe finds nothing, nothing is too small or too wide,
and Tab goes everywhere."""

import asyncio
from collections.abc import Iterable

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import DESKTOP, HEIGHTS, LARGE_LETTERS, PHONE, NoChromium, chromium, window
from tests.browser.conftest import HELP, Open
from tests.browser.gallery import GALLERY, ONLY_HERE
from tests.browser.looks import COLOURS, Findings, axe, broken_words, small_targets, tab_walk, too_wide
from tests.browser.scene import Scene
from tests.browser.states import ALONE, MEANT, NOT_OURS, STATES, WIDE_ONLY
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.conftest import missing
from tests.shop import Running

PAGES = sorted({name.partition("-")[0] for name in STATES})
WALKED = (
    "home",
    "listing",
    "product",
    "cart",
    "checkout-errors",
    "order-pending",
    "search-results",
    "entry-mistaken",
    "account-overview",
)
IN_LARGE_LETTERS = (
    "home",
    "listing",
    "product",
    "search-results",
    "collections",
    "cart",
    "checkout",
    "order-paid",
    "order-withdraw",
    "order-lookup",
    "page-terms",
)
MAIL = [*COLOURS, "html-has-lang", "image-alt", "link-name", "list", "document-title"]
GALLERY_PARTS = 4
LOOK = {"bypass_csp": True, "mobile": False, "reduced_motion": "reduce"}


@pytest.mark.parametrize("page_name", PAGES)
async def test_nothing_is_in_anybodys_way(
    page_name: str, open_browser: Open, shop: Running, orders: dict[str, str], watch: Watch
) -> None:
    watch.expect(*MEANT)
    names = [name for name in STATES if name.partition("-")[0] == page_name]
    together = [name for name in names if name not in ALONE]

    async def visit(some: Iterable[str], who: str) -> dict[str, Findings]:
        found = {}
        for name in some:
            page = await open_browser(DESKTOP if name in WIDE_ONLY else PHONE, who, **LOOK)
            await page.context.clear_cookies()
            await STATES[name](Scene(page, shop, orders))
            found[name] = await _look(page, name)
            await page.close()
        return found

    one, other = await asyncio.gather(visit(together[::2], "Anna"), visit(together[1::2], "Ben"))
    found = one | other | await visit(sorted(ALONE.intersection(names)), "Anna")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("part", range(GALLERY_PARTS))
async def test_nothing_in_the_gallery_is_in_anybodys_way(
    part: int, open_browser: Open, shop: Running
) -> None:
    """One window walks through it. Messages are no pages with landmarks, and look the same in the dark."""
    page = await open_browser(PHONE, "Anna", **LOOK)
    found: Findings = []
    for name in list(ONLY_HERE)[part::GALLERY_PARTS]:
        mail = "-mail-" in name
        await GALLERY[name](Scene(page, shop, {}))
        for width in (PHONE, DESKTOP):
            await _widen(page, width)
            await page.emulate_media(color_scheme="light")
            seen = await axe(page, MAIL if mail else None) + await too_wide(page)
            await page.emulate_media(color_scheme="dark")
            seen += [f"dark: {one}" for one in await axe(page, COLOURS)]
            found += [f"{name} at {width}: {one}" for one in seen]
    assert found == []


async def test_large_letters(shop: Running, orders: dict[str, str]) -> None:
    """On a phone, in both languages: somebody set letters twice as large, and buttons are still read in words."""
    found: Findings = []
    try:
        async with chromium(LARGE_LETTERS, whole=False) as browser:
            page = await (await window(browser, shop.url, PHONE, mobile=False)).new_page()
            for name in IN_LARGE_LETTERS:
                await STATES[name](Scene(page, shop, orders))
                for language in ("en", "de"):
                    await page.locator(f".languages [lang={language}]").click()
                    await expect(page.locator("html")).to_have_attribute("lang", language)
                    assert await page.evaluate("matchMedia('(width <= 12rem)').matches")
                    seen = await too_wide(page) + await broken_words(page)
                    found += [f"{name} in {language}: {one}" for one in seen]
    except NoChromium:
        missing("Chromium", HELP)
    assert found == []


COVERED = """() => {
  const [bag, number] = ["svg", ".cart-badge-count"].map(
    (part) => document.querySelector(`.cart-badge ${part}`).getBoundingClientRect());
  const side = (from, to) => Math.max(0, Math.min(bag[to], number[to]) - Math.max(bag[from], number[from]));
  return side("left", "right") * side("top", "bottom") / (bag.width * bag.height);
}"""


async def test_the_bag_is_seen_below_its_number_in_large_letters(open_browser: Open, shop: Running) -> None:
    page = await open_browser(PHONE)
    await STATES["cart"](Scene(page, shop, {}))
    assert 0 < await page.evaluate(COVERED) < 0.5
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert 0 < await page.evaluate(COVERED) < 0.5


async def _look(page: Page, name: str) -> Findings:
    found: Findings = []
    for width in (DESKTOP,) if name in WIDE_ONLY else (PHONE, DESKTOP):
        await _widen(page, width)
        await page.emulate_media(color_scheme="light")
        seen = await axe(page) + await small_targets(page) + await too_wide(page)
        await page.emulate_media(color_scheme="dark")
        seen += [f"dark: {one}" for one in await axe(page, COLOURS)]
        found += [f"at {width}: {one}" for one in seen + await broken_words(page)]
    await _widen(page, 320)
    found += [f"at 320: {one}" for one in await too_wide(page)]
    for width in () if name in NOT_OURS else (DESKTOP, PHONE, 320):
        await _widen(page, width)
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        found += [f"at {width}, text at 200 %: {one}" for one in await too_wide(page)]
    await page.evaluate("document.documentElement.style.fontSize = ''; document.documentElement.dir = 'rtl'")
    found += [f"from right to left: {one}" for one in await too_wide(page)]
    return found


async def _widen(page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": HEIGHTS[width]})


@pytest.mark.parametrize("state", WALKED)
@at_both_widths
async def test_tab_goes_everywhere_in_order_and_out_again(
    page: Page, shop: Running, orders: dict[str, str], state: str, watch: Watch
) -> None:
    watch.expect(*MEANT)
    await STATES[state](Scene(page, shop, orders))
    # From the very beginning, wherever the page had put the focus.
    await page.evaluate("() => { document.body.tabIndex = -1; document.body.focus(); scrollTo(0, 0); }")
    assert await tab_walk(page) == []


async def test_tab_stays_in_the_drawer(open_browser: Open, shop: Running, orders: dict[str, str]) -> None:
    page = await open_browser(DESKTOP)
    await STATES["drawer"](Scene(page, shop, orders))
    assert await tab_walk(page) == []
