"""Narrowing a listing down, with how many products each choice would leave."""

import re
from collections.abc import AsyncIterator
from itertools import product as every

import httpx
import pytest
from sqlalchemy import select

from storefront.catalogue.counts import price_ranges, read_counts
from storefront.catalogue.filters import NO_END, Filters, read_range
from storefront.catalogue.models import Collection
from storefront.catalogue.queries import PAGE, count_products, listing, read_cursor
from storefront.database import Database
from storefront.seed.big import load_big
from storefront.settings import Settings
from tests.shop import HTMX
from tests.web.inside import shop_inside
from tests.web.page import Answer

COUNTED = re.compile(r"\((\d+)\)$")


@pytest.fixture
async def client(database: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    own = {"DATABASE_URL": database.url, "WORKER": "separate", "OUTBOX_DIR": settings.outbox_dir}
    async with shop_inside(Settings(_env_file=None, **own)) as made:
        yield made


async def test_counts_are_those_of_the_lists_under_every_combination(database: Database) -> None:
    await load_big(database, "USD", 300, lambda _: None)
    counts = await read_counts(database.glance)
    assert counts is not None
    ranges = price_ranges(counts.prices, "USD")
    assert len(ranges) >= 3
    async with database.reads() as session:
        shelf = await session.scalar(select(Collection.id).where(Collection.slug == "candles"))
    assert shelf
    options = (None, next(iter(counts.options)), ("Colour", "nothing"))
    for price, option, available, collection in every(
        (None, *ranges[:2]), options, (False, True), (None, shelf)
    ):
        filters = Filters(price, option, available)
        found = counts.chosen(filters) & counts.in_collection(collection)
        assert found.bit_count() == await count_products(database.glance, collection, filters), filters
        shown = await pages(database, collection, filters)
        assert len(shown) == len(set(shown)) == found.bit_count()
        assert counts.keep(shown, filters) == shown
        assert counts.among(shown) == found
    assert (await listing(database.glance, "USD", collection_id=None, sort="price", after=None)).cards


async def pages(database: Database, collection: int | None, filters: Filters) -> list[int]:
    """The ids of every page of a listing."""
    seen: list[int] = []
    after = None
    while True:
        found = await listing(
            database.glance,
            "USD",
            collection_id=collection,
            sort="-price",
            after=after,
            few=True,
            filters=filters,
        )
        seen += [card.id for card in found.cards]
        if not found.after:
            return seen
        assert len(found.cards) == PAGE
        after = read_cursor(found.after, "-price")


async def test_the_form_offers_what_is_there_and_chips_take_it_away(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/products?collection=candles-and-scent"))
    form = page.form("/products")
    offered = {one.attrs["value"]: one.text for one in form.node.all("option") if one.attrs["value"]}
    choice, text = next((value, text) for value, text in offered.items() if value.startswith("Scent:"))
    number = int(COUNTED.findall(text)[0])
    pairs = form.filled({"option": choice, "available": "1"}, None)
    assert "available" in form.node.all("input", type="checkbox")[0].attrs["name"]
    narrowed = Answer(await client.get("/products", params=httpx.QueryParams(pairs)))
    assert len(narrowed.root.all("li", class_name="card")) <= number
    assert 'name="robots" content="noindex"' in narrowed.text
    chips = [one for one in narrowed.root.all("a", class_name="chip")]
    assert [one.text for one in chips] == [
        "Remove Candles & scent", f"Remove {choice.replace(':', ': ')}", "Remove In stock",
    ]  # fmt: skip
    back = Answer(await client.get(chips[1].attrs["href"]))
    assert choice.replace(":", ": ") not in back.words
    pushed = await client.get("/products", params=httpx.QueryParams(pairs), headers=HTMX)
    assert "price=" not in pushed.headers["hx-push-url"], "what was left empty stands in no address"
    assert "option=" in pushed.headers["hx-push-url"]


UNREADABLE = (
    "price=abc", "price=5-2", "price=-", "price=1-2-3", "price=99999999999-", "price=%D9%A3-", "option=x", "option=:",
    "option=%3Cscript%3E:1" + "x" * 99, "available=yes", "price[]=1-2", "sort=rm&after=~~&shown=-1",
)  # fmt: skip


async def test_what_cannot_be_read_is_passed_over(client: httpx.AsyncClient) -> None:
    plain = Answer(await client.get("/products"))
    for query in UNREADABLE:
        odd = Answer(await client.get(f"/products?{query}"))
        assert odd.status == 200, query
        assert odd.element("shown").text == plain.element("shown").text, query
        assert not odd.root.all("a", class_name="chip"), query


async def test_nothing_left_says_so(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/products?price=1-2&option=%3Cb%3E:%22x"))
    assert "Nothing is left with these filters" in page.words
    assert len(page.root.all("a", class_name="chip")) == 2
    assert "<b>" not in page.text


async def test_results_can_be_narrowed_too(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/search?q=candle"))
    [checkbox] = page.root.all("label", class_name="narrow-check")
    number = int(COUNTED.findall(checkbox.text)[0])
    narrowed = Answer(await client.get("/search?q=candle&available=1"))
    assert len(narrowed.root.all("li", class_name="card")) == number
    fragment = Answer(
        await client.get("/search?q=candle&available=1", headers={**HTMX, "HX-Target": "div#results"})
    )
    assert fragment.has("results")


def test_ranges() -> None:
    assert read_range("2000-5000") == (2000, 5000)
    assert read_range("-2000") == (0, 2000)
    assert read_range("5000-") == (5000, NO_END)
    assert price_ranges([], "USD") == price_ranges([500] * 9, "USD") == []
    assert price_ranges([900, 1900, 2900, 5200, 9000], "JPY")[-1][1] == NO_END
