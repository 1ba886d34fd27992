"""One shop and one Chromium for all; every test gets clean browsers in it, watched for anything that goes wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import NoChromium, chromium, window
from tests.browser.orders import prepared_orders
from tests.browser.watch import Watch
from tests.conftest import missing
from tests.shop import Running, running_shop

Open: TypeAlias = Callable[..., Awaitable[Page]]
Browsers: TypeAlias = Callable[[bool], Awaitable[Browser]]
Contexts: TypeAlias = dict[str, BrowserContext]
# Only a failing test waits so long; the machine may be busy with other things.
expect.set_options(timeout=10_000)
HERE = Path(__file__).resolve().parent
HELP = "Install one: apt-get install chromium fonts-liberation (or set CHROMIUM to its path)."


def pytest_itemcollected(item: pytest.Item) -> None:
    # One browser serves every test, and it lives in the loop that started it.
    if item.get_closest_marker("asyncio") and HERE in item.path.parents:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("browser-shop")
    with running_shop(folder, f"sqlite+aiosqlite:///{folder / 'shop.db'}") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def orders(shop: Running) -> dict[str, str]:
    """The pages of orders in every state, by the state's name."""
    return await prepared_orders(shop)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    """Gives the running Chromium, the whole one or its quick shell; each is started when it is first asked for."""
    async with AsyncExitStack() as stack:
        started: dict[bool, Browser] = {}

        async def running(whole: bool) -> Browser:
            if whole not in started:
                try:
                    started[whole] = await stack.enter_async_context(chromium(whole=whole))
                except NoChromium:
                    missing("Chromium", HELP)
            return started[whole]

        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browser(request: pytest.FixtureRequest, browsers: Browsers) -> Browser:
    """Chromium; the whole one for tests that are marked so."""
    return await browsers(request.node.get_closest_marker("whole_chromium") is not None)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def contexts(browsers: Browsers) -> AsyncIterator[Contexts]:
    """The windows that were opened so far. Making one takes longer than most tests: they are used again, emptied."""
    made: Contexts = {}
    yield made
    for context in made.values():
        await context.close()


@pytest.fixture(autouse=True)
def watch() -> Iterator[Watch]:
    """Fails the test for any CSP violation, console message, page error, unanswered request or error status
    that the test did not expect."""
    watching = Watch()
    yield watching
    assert watching.verdict() == []


@pytest_asyncio.fixture(loop_scope="session")
async def open_browser(
    browser: Browser, contexts: Contexts, shop: Running, watch: Watch
) -> AsyncIterator[Open]:
    """Opens a page in a browser without a past: `await open_browser(width, java_script_enabled=False)`.
    Pages of one width are one shopper's, unless `who` says otherwise."""
    used: list[BrowserContext] = []

    async def open_one(width: int, who: str = "", **options: Any) -> Page:
        kind = f"{id(browser)} {who} {width} {sorted(options.items())}"
        if kind not in contexts:
            contexts[kind] = await window(browser, shop.url, width, **options)
        if contexts[kind] not in used:
            used.append(contexts[kind])
            watch.over(contexts[kind])
        return await contexts[kind].new_page()

    yield open_one
    for context in used:
        for page in context.pages:
            await page.close()
        await context.clear_cookies()
        watch.leave(context)
