"""What the shop window hands out is what the shop itself would answer, and only to whom it can."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from storefront.web.edge import ASGI, Receive, Scope, Send
from storefront.web.window import Window
from tests.compiled import open_database
from tests.shop import HTMX
from tests.web.inside import quick_settings, shop_inside

PAGES = [
    "/",
    "/products",
    "/products?sort=price",
    "/products/lavender-soap",
    "/search?q=soap",
    "/sitemap.xml",
]
CART = "cart=" + "t" * 43


@dataclass
class Front:
    """The shop with a count of those who walked in."""

    client: httpx.AsyncClient
    entered: list[str]
    file: str
    headers: dict[str, str] = field(default_factory=lambda: {"accept-encoding": "identity"})

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, bool]:
        """The answer, and whether the window gave it."""
        before = len(self.entered)
        request = self.client.build_request(method, path, headers={**self.headers, **headers})
        answer = await self.client.send(request)
        return answer, len(self.entered) == before


@pytest.fixture
async def front(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Front]:
    entered: list[str] = []

    def counting(app: ASGI) -> ASGI:
        async def walk_in(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                entered.append(scope["path"])
            await app(scope, receive, send)

        return walk_in

    monkeypatch.setattr("storefront.app.Window", lambda app, *others: Window(counting(app), *others))
    # However slow the machine is, no look at the version comes between.
    monkeypatch.setattr("storefront.catalogue.change.LOOK_EVERY", 60.0)
    settings = quick_settings(sqlite_template, tmp_path)
    async with shop_inside(settings) as client:
        yield Front(client, entered, settings.database)


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize("cookie", ["", f"{CART}; cart_n=7", "other=1"])
@pytest.mark.parametrize("encoding", ["identity", "gzip, br"])
async def test_the_second_asker_gets_the_same_from_the_window(
    front: Front, cookie: str, encoding: str
) -> None:
    headers = {"accept-encoding": encoding} | ({"cookie": cookie} if cookie else {})
    for path in PAGES:
        first, at_once = await front.get(path, **headers)
        assert not at_once, path
        second, at_once = await front.get(path, **headers)
        assert at_once, path
        assert (second.status_code, second.content, told(second)) == (200, first.content, told(first))
        again, at_once = await front.get(path, **headers, **{"if-none-match": first.headers["etag"]})
        assert at_once, path
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        head, at_once = await front.get(path, "HEAD", **headers)
        assert at_once, path
        assert (head.status_code, head.content, told(head)) == (200, b"", told(first))


async def test_the_badge_is_the_askers_own(front: Front) -> None:
    await front.get("/products")
    for number in ("0", "3", "99"):
        answer, at_once = await front.get("/products", cookie=f"a=b; {CART}; cart_n={number}; c=d")
        assert at_once
        assert f'data-count="{number}"' in answer.text
    answer, at_once = await front.get("/products", cookie="cart_n=3")
    assert at_once
    assert 'data-count="0"' in answer.text, "a number without a cart counts nothing"


@pytest.mark.parametrize(
    "cookie",
    [
        CART,
        f"{CART}; cart_n=x",
        f"{CART}; cart_n=12345",
        f"{CART}; cart_n=1; cart_n=2",
        f"{CART}; cart_n=1; notice=empty",
    ],
)
async def test_who_must_be_looked_up_walks_in(front: Front, cookie: str) -> None:
    await front.get("/products")
    answer, at_once = await front.get("/products", cookie=cookie)
    assert not at_once
    assert answer.status_code == 200


async def test_who_is_offered_another_language_walks_in(front: Front) -> None:
    await front.get("/products")
    for wish, answered in (("en", True), ("de", False), ("fr", True)):
        answer, at_once = await front.get("/products", **{"accept-language": wish})
        assert (at_once, "Diese Seite auf Deutsch" in answer.text) == (answered, not answered)


async def test_a_notice_is_said_once(front: Front) -> None:
    await front.get("/products")
    answer, _ = await front.get("/products", cookie="notice=empty")
    assert "nothing to check out" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert answer.headers["set-cookie"].startswith("notice=;")
    answer, at_once = await front.get("/products")
    assert at_once
    assert "nothing to check out" not in answer.text


async def test_htmx_walks_in_and_gets_its_fragment(front: Front) -> None:
    await front.get("/products")
    answer, at_once = await front.get("/products", **HTMX)
    assert not at_once
    assert "<html" not in answer.text
    answer, at_once = await front.get("/products", **HTMX)
    assert not at_once
    answer, at_once = await front.get("/products")
    assert at_once
    assert "<html" in answer.text


async def test_other_hosts_and_addresses_have_pages_of_their_own(front: Front) -> None:
    await front.get("/products")
    for host in ("localhost:8000", "127.0.0.2"):
        answer, at_once = await front.get("/products", host=host)
        assert not at_once
        assert f'href="http://{host}/products"' in answer.text
    for path in ("/products?after=1~1", "/products/", "/products?sort=title"):
        assert not (await front.get(path))[1], path
    refused, _ = await front.get("/products", host="elsewhere.example")
    assert refused.status_code == 400


async def test_what_is_not_there_is_not_kept(front: Front) -> None:
    for _ in range(2):
        answer, at_once = await front.get("/products/unicorn")
        assert (answer.status_code, at_once) == (404, False)


async def test_a_change_of_the_catalogue_empties_the_window(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.catalogue.change.LOOK_EVERY", 0.0)
    await front.get("/products/lavender-soap")
    other = open_database(front.file)
    async with other.writes() as session:
        await session.execute(text("UPDATE products SET title = 'Rose soap' WHERE slug = 'lavender-soap'"))
        await session.execute(text("UPDATE catalogue_version SET number = number + 1"))
    await other.close()
    answer, at_once = await front.get("/products/lavender-soap")
    assert not at_once
    assert "Rose soap" in answer.text
