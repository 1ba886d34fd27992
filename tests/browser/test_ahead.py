"""Pages that the browser fetches before their link is followed: products, and nothing else ever."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.browser.chromium import DESKTOP
from tests.browser.conftest import Open
from tests.browser.shopping import MUG, SOAP

DELIVERED = "performance.getEntriesByType('navigation')[0].deliveryType"


class Ahead:
    """What a window's Chromium would fetch ahead, and what it has."""

    def __init__(self) -> None:
        self.would: set[str] = set()
        self.has: dict[str, asyncio.Event] = {}

    @classmethod
    async def of(cls, page: Page) -> "Ahead":
        ahead = cls()
        wire = await page.context.new_cdp_session(page)
        wire.on("Preload.preloadingAttemptSourcesUpdated", ahead._sources)
        wire.on("Preload.prefetchStatusUpdated", ahead._status)
        await wire.send("Preload.enable")
        return ahead

    def ready(self, path: str) -> asyncio.Event:
        return self.has.setdefault(path, asyncio.Event())

    def _sources(self, event: dict[str, Any]) -> None:
        keys = [one["key"] for one in event["preloadingAttemptSources"]]
        assert {key["action"] for key in keys} <= {"Prefetch"}
        self.would |= {urlsplit(key["url"]).path for key in keys}

    def _status(self, event: dict[str, Any]) -> None:
        if event["status"] == "Ready":
            self.ready(urlsplit(event["prefetchUrl"]).path).set()


async def test_a_product_is_fetched_while_its_card_is_pointed_at(open_browser: Open) -> None:
    page = await open_browser(DESKTOP)
    ahead = await Ahead.of(page)
    await page.goto(f"/products/{SOAP}")
    other = page.locator(".card-title a").first
    path = str(await other.get_attribute("href"))
    await other.hover()
    async with asyncio.timeout(10):
        await ahead.ready(path).wait()
    # The page that lies ready is older than the cart.
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#cart-badge")).to_have_attribute("data-count", "1")
    await page.locator(".card-title a").first.click()
    await expect(page).to_have_url(path)
    assert await page.evaluate(DELIVERED) == "navigational-prefetch"
    await expect(page.locator("#cart-badge")).to_have_attribute("data-count", "1")


async def test_nothing_but_products_is_ever_fetched_ahead(open_browser: Open) -> None:
    page = await open_browser(DESKTOP)
    ahead = await Ahead.of(page)
    for path in (
        "/products",
        "/",
        f"/products/{MUG}",
        "/collections",
        "/search?q=soap",
        "/cart",
        "/checkout",
    ):
        await page.goto(path, wait_until="load")
    assert len(ahead.would) >= 24
    for path in ahead.would:
        kind, _, slug = path.removeprefix("/de").lstrip("/").partition("/")
        assert kind == "products", path
        assert slug, path
        assert "/" not in slug, path
