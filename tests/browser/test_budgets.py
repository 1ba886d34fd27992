"""What the pages may weigh, as experience.md promises it. `pytest -rP` shows the figures."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import httpx
import pytest
from playwright.async_api import Browser, Page

from tests.browser.chromium import PHONE, window
from tests.browser.shopping import MUG, SOAP, put
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.lines import listening
from tests.shop import Running

LINKED = re.compile(r'<(?:script[^>]* src|link rel="stylesheet"[^>]* href)="([^"]+)"')
PAGES = {
    "home": "/",
    "listing": "/products",
    "product": f"/products/{MUG}",
    "cart": "/cart",
    "checkout": "/checkout",
}
HTML = {"listing": 10_000, "product": 6_000}
COLD = {"listing": 250_000, "product": 300_000}

# Shifts that nobody caused, and everything that was loaded, with its size on the wire.
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""


# Whether anything is painted, waited for.
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver(() => done(true)).observe({ type: "paint", buffered: true });
  setTimeout(() => done(false), 5000);
})"""


def size(shop: Running, path: str, cookies: dict[str, str] | None = None) -> tuple[int, str]:
    """How many bytes an address takes on the wire with gzip, and its text."""
    headers = {"accept-encoding": "gzip"}
    with (
        httpx.Client(base_url=shop.url, headers=headers, cookies=cookies, trust_env=False) as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.status_code == 200, path
        assert answer.headers["content-encoding"] == "gzip", path
        raw = b"".join(answer.iter_raw())
    return len(raw), httpx.Response(200, headers={"content-encoding": "gzip"}, content=raw).text


@pytest.mark.parametrize("name", ["home", "listing", "product"])
def test_scripts_and_styles(name: str, shop: Running) -> None:
    _, text = size(shop, PAGES[name])
    linked = LINKED.findall(text)
    sizes = {path: size(shop, path)[0] for path in linked}
    script = {path: number for path, number in sizes.items() if path.endswith(".js")}
    everywhere = sum(number for path, number in script.items() if "/js/shop." in path)
    own = sum(number for path, number in script.items() if "/vendor/" not in path)
    styles = sum(sizes.values()) - sum(script.values())
    print(f"{name}: {len(linked)} files; scripts {sum(script.values())} B, own {own} B; styles {styles} B")
    assert len(linked) <= 5
    assert sum(script.values()) <= 16_000
    assert everywhere <= 1_500
    assert own <= 2_400, "with what only some pages need"
    assert styles <= 10_000


@pytest.mark.parametrize("name", HTML)
def test_pages(name: str, shop: Running) -> None:
    number, _ = size(shop, PAGES[name])
    print(f"{name}: {number} B of HTML")
    assert number <= HTML[name]


@pytest.mark.parametrize("name", COLD)
async def test_a_first_visit_on_a_phone(name: str, browser: Browser, shop: Running) -> None:
    context = await window(browser, shop.url, PHONE)
    weight = await _weigh(await context.new_page(), PAGES[name])
    await context.close()
    print(f"{name}: {weight} B for a first visit on a phone")
    assert weight <= COLD[name]


async def _weigh(page: Page, path: str) -> int:
    """Bytes on the wire, headers included, until the page is quiet."""
    sizes: list[int] = []
    wire = await page.context.new_cdp_session(page)
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await wire.send("Network.enable")
    await page.goto(path, wait_until="networkidle")
    return int(sum(sizes))


@pytest.mark.parametrize("name", PAGES)
@at_both_widths
async def test_nothing_moves_while_it_loads(name: str, page: Page) -> None:
    await put(page, SOAP)
    await page.goto(PAGES[name], wait_until="load")
    moved = await page.evaluate(SHIFTS)
    print(f"{name}: shifts {moved}")
    assert moved == 0


@asynccontextmanager
async def slow_line(shop: Running, split: str, pieces: int = 999) -> AsyncIterator[str]:
    """An address at which the shop's pages come in pieces, and break off after so many. Gives it."""
    address = httpx.URL(shop.url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        shops, to_shop = await asyncio.open_connection(address.host, address.port)
        try:
            asked = re.sub(rb"(?mi)^(accept-encoding|connection): .*\r\n", b"", asked)
            asked = re.sub(rb"(?mi)^host: .*", b"Host: " + address.netloc + b"\r", asked)
            to_shop.write(asked[:-2] + b"Connection: close\r\n\r\n")
            text = await shops.read()
        finally:
            to_shop.close()
        parts = re.split(split.encode(), text) if b"<!doctype" in text else [text]
        for part in parts[:pieces]:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.1)
        if len(parts) > pieces:
            await asyncio.Event().wait()

    async with listening(carry, limit=1_000_000) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("name", PAGES)
@at_both_widths
async def test_nothing_moves_when_a_page_comes_in_pieces(name: str, page: Page, shop: Running) -> None:
    """Half a row of the header first, and half of the listing's form next."""
    await put(page, SOAP)
    async with slow_line(shop, "(?<=</form>)|(?<=</label>)") as line:
        await page.goto(line + PAGES[name], wait_until="networkidle")
        moved = await page.evaluate(SHIFTS)
    assert moved == 0


@pytest.mark.parametrize("name", ["home", "listing", "product"])
@at_both_widths
async def test_what_has_come_of_a_page_is_seen_when_the_line_stalls(
    name: str, page: Page, shop: Running, watch: Watch
) -> None:
    # What the page asks for besides is broken off with it.
    watch.expect("^no answer ", "^console warning: Load failed or canceled ")
    async with slow_line(shop, '(?=<footer class="site-footer")', pieces=1) as line:
        await page.goto(line + PAGES[name], wait_until="commit")
        assert await page.evaluate(PAINTED)


def test_what_never_changes_is_kept_for_ever(shop: Running) -> None:
    _, text = size(shop, "/products")
    pictures = {
        path for srcset in re.findall(r'srcset="([^"]+)"', text) for path in re.findall(r"/\S+", srcset)
    }
    assert len(pictures) >= 24 * 4
    for path in {
        *LINKED.findall(text),
        *re.findall(r'<img[^>]* src="([^"]+)"', text),
        *sorted(pictures)[:20],
    }:
        answer = httpx.head(urljoin(shop.url, path), trust_env=False)
        assert "immutable" in answer.headers["cache-control"], path
