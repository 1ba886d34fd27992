"""How many statements a page may cost (the session machinery is dear, so tests count)."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from storefront.database import Database
from storefront.settings import Settings
from tests.shop import ANNA, HTMX, new_thing
from tests.web.inside import shop_inside
from tests.web.page import Answer

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE", "--")
THE_VERSION = "FROM catalogue_version"

seen_now: list[str] | None = None


def note(statement: str) -> None:
    """Count a statement, but for the look at the catalogue's version once a second."""
    if (
        seen_now is not None
        and not statement.lstrip().startswith(NOT_COUNTED)
        and THE_VERSION not in statement
    ):
        seen_now.append(" ".join(statement.split()))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are made inside."""
    global seen_now
    found: list[str] = []
    seen_now = found
    try:
        yield found
    finally:
        seen_now = None


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On SQLite the database itself tells what it is asked, whoever asks; on PostgreSQL the engine."""
    connect = sqlite3.connect

    def connect_and_tell(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(note)
        return connection

    def tell(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection.dialect.name != "sqlite":
            note(statement)

    monkeypatch.setattr(sqlite3, "connect", connect_and_tell)
    event.listen(Engine, "before_cursor_execute", tell)
    yield
    event.remove(Engine, "before_cursor_execute", tell)


@pytest.fixture
async def client(database: Database, tmp_path: Path, listening: None) -> AsyncIterator[httpx.AsyncClient]:
    """A shop in this process whose worker sleeps."""
    settings = Settings(
        _env_file=None,
        DATABASE_URL=database.url,
        OUTBOX_DIR=tmp_path,
        WORKER="separate",
        STRIPE_SECRET_KEY="sk_test_" + "nobody",
        STRIPE_API_BASE="http://127.0.0.1:9",
        STRIPE_CONNECTIVITY_CHECK="false",
    )
    async with shop_inside(settings) as made:
        yield made


async def cost(client: httpx.AsyncClient, path: str, **headers: str) -> list[str]:
    with statements() as seen:
        assert (await client.get(path, headers=headers)).status_code == 200
    return seen


async def test_a_kept_page_costs_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/", "/products", "/products?sort=price", "/products/speckled-mug", "/collections/ceramics"):
        await client.get(path)
        assert await cost(client, path) == [], path
        assert await cost(client, path, cookie="cart=x; cart_n=2") == [], path
        assert await cost(client, f"{path}{'&' if '?' in path else '?'}utm_source=x") == [], path


async def test_a_listing_costs_two(client: httpx.AsyncClient) -> None:
    await client.get("/")
    for path in (
        "/products",
        "/products?sort=-price",
        "/products?collection=ceramics",
        "/collections/ceramics",
    ):
        assert len(await cost(client, path)) <= 2, path


async def test_a_product_costs_one(client: httpx.AsyncClient) -> None:
    await client.get("/")
    assert len(await cost(client, "/products/speckled-mug")) <= 1


async def test_the_badge_costs_nothing_while_its_number_is_there(client: httpx.AsyncClient) -> None:
    assert await cost(client, "/cart/badge", cookie="cart=x; cart_n=2") == []
    assert await cost(client, "/cart/badge") == []
    assert len(await cost(client, "/cart/badge", cookie="cart=x")) == 1


async def test_cart_and_add_and_count(client: httpx.AsyncClient, database: Database) -> None:
    things = [await new_thing(database) for _ in range(4)]
    data = [{"variant_id": str(thing.variant_id), "quantity": "1"} for thing in things]
    for pairs in data[:3]:
        await client.post("/cart/items", data=pairs)
    rates = "FROM delivery_rates"
    cart = await cost(client, "/cart")
    assert len([one for one in cart if rates not in one]) == 1, cart
    assert len(cart) <= 2
    assert len([one for one in await cost(client, "/cart", **HTMX) if rates not in one]) == 1
    assert len(await cost(client, "/api/cart/count")) == 1
    for pairs in (data[0], data[3]):
        with statements() as seen:
            assert (await client.post("/cart/items", data=pairs)).status_code == 303
        # PostgreSQL needs one more to lock the cart; on SQLite the write transaction is that lock.
        assert len([one for one in seen if "FOR UPDATE" not in one]) <= 2, seen


async def test_placing_an_order_is_short(client: httpx.AsyncClient, database: Database) -> None:
    thing = await new_thing(database)
    await client.post("/cart/items", data={"variant_id": str(thing.variant_id), "quantity": "1"})
    page = Answer(await client.get("/checkout"))
    form = dict(page.form("/checkout").filled({}, None)) | ANNA
    with statements() as seen:
        answer = await client.post("/checkout", data=form)
    assert answer.status_code == 503, "nobody is at Stripe's address"
    assert len(seen) <= 40, seen
