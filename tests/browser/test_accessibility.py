"""Every page in every state, light and dark, narrow and wide: axe finds nothing, nothing is too small or too wide,
and Tab goes everywhere."""

import asyncio
from collections.abc import Iterable

import pytest
from playwright.async_api import Page

from tests.browser.chromium import DESKTOP, HEIGHTS, PHONE
from tests.browser.conftest import Open
from tests.browser.gallery import GALLERY, ONLY_HERE
from tests.browser.looks import COLOURS, Findings, axe, small_targets, tab_walk, too_wide
from tests.browser.scene import Scene
from tests.browser.states import ALONE, MEANT, NOT_OURS, STATES, WIDE_ONLY
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
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
    """One window walks through it: narrow by day, wide by night. Messages are no pages with landmarks."""
    page = await open_browser(PHONE, "Anna", **LOOK)
    found: Findings = []
    for name in list(ONLY_HERE)[part::GALLERY_PARTS]:
        await _widen(page, PHONE)
        await page.emulate_media(color_scheme="light")
        await GALLERY[name](Scene(page, shop, {}))
        found += [f"{name}: {one}" for one in await axe(page, MAIL if "-mail-" in name else None)]
        found += [f"{name}: {one}" for one in await too_wide(page)]
        await _widen(page, DESKTOP)
        await page.emulate_media(color_scheme="dark")
        found += [f"{name}, wide and dark: {one}" for one in await axe(page, COLOURS)]
    assert found == []


async def _look(page: Page, name: str) -> Findings:
    found: Findings = []
    for width in (DESKTOP,) if name in WIDE_ONLY else (PHONE, DESKTOP):
        await _widen(page, width)
        await page.emulate_media(color_scheme="light")
        seen = await axe(page) + await small_targets(page) + await too_wide(page)
        await page.emulate_media(color_scheme="dark")
        seen += [f"dark: {one}" for one in await axe(page, COLOURS)]
        found += [f"at {width}: {one}" for one in seen]
    await _widen(page, 320)
    found += [f"at 320: {one}" for one in await too_wide(page)]
    for width in () if name in NOT_OURS else (DESKTOP, PHONE):
        await _widen(page, width)
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        found += [f"at {width}, text at 200 %: {one}" for one in await too_wide(page)]
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
