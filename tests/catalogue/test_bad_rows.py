"""Rows and pages that are not what Stripe promises: refused one by one, each with its reason, and the rest goes on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from storefront.catalogue.apply import Outcome
from storefront.catalogue.models import Product, Variant
from storefront.database import Database
from storefront.payments import sync as syncing
from storefront.payments.errors import UnknownOutcome
from storefront.payments.gateway import Gateway
from storefront.payments.sync import sync_catalogue, sync_product
from storefront.settings import Settings
from tests.catalogue.answers import Answers
from tests.shop import new_thing


class Reader:
    """The shop that reads those answers."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings, self.stripe = database, settings, Answers()
        self.gateway = Gateway(settings, self.stripe)

    async def sync(self, **options: Any) -> list[Outcome]:
        told: list[Outcome] = []
        await sync_catalogue(self.database, self.gateway, self.settings, on_outcome=told.append, **options)
        return told

    async def one(self, product_id: str) -> list[Outcome]:
        return await sync_product(self.database, self.gateway, self.settings, product_id)

    async def statuses(self) -> dict[str, str]:
        async with self.database.reads() as session:
            rows = await session.execute(select(Product.stripe_id, Product.status))
            return {row.stripe_id: row.status for row in rows if row.stripe_id}

    async def sold_at(self) -> dict[str, str]:
        """Stripe's id of the product by the price at which a variant of it is sold."""
        query = select(Variant.stripe_price_id, Product.stripe_id).join(
            Product, Product.id == Variant.product_id
        )
        async with self.database.reads() as session:
            rows = await session.execute(query.where(Variant.archived.is_(False)))
            return {str(row.stripe_price_id): str(row.stripe_id) for row in rows}


@pytest.fixture
async def reader(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reader]:
    for pause in ("PAUSE_AFTER_PAGE", "PAUSE_AFTER_BATCH"):
        monkeypatch.setattr(syncing, pause, 0)
    made = Reader(database, settings)
    yield made
    await made.gateway.close()


def refusals(told: list[Outcome]) -> list[str]:
    return [one.text for one in told if one.what == "refused"]


PRICE = {"object": "price", "active": True, "currency": "usd", "unit_amount": 700, "nickname": "Odd"}
BAD_PRICES: tuple[tuple[Any, str], ...] = (
    (None, "no object"),
    ("price_1", "no object"),
    ({**PRICE, "product": "prod_a"}, "without an id"),
    ({**PRICE, "id": "", "product": "prod_a"}, "without an id"),
    ({**PRICE, "id": "price_\x00", "product": "prod_a"}, "without an id"),
    ({**PRICE, "id": "price_1"}, "price_1 without its product"),
    ({**PRICE, "id": "price_1", "product": ["prod_a"]}, "price_1 without its product"),
    ({**PRICE, "id": "price_1", "product": {"name": "a"}}, "price_1 without its product"),
)


@pytest.mark.parametrize(("bad", "why"), BAD_PRICES)
async def test_a_price_that_nobody_could_find_again_is_refused(reader: Reader, bad: Any, why: str) -> None:
    reader.stripe.product("prod_a")
    gone = reader.stripe.price("price_gone", "prod_a", nickname="Gone")
    await reader.sync()
    before = await reader.sold_at()
    reader.stripe.product("prod_b")
    reader.stripe.prices.remove(gone)
    reader.stripe.prices.insert(0, bad)
    told = await reader.sync()
    assert [one.what for one in told] == ["refused", "created"]
    assert why in told[0].text
    assert "nothing is archived" in told[0].text
    assert await reader.sold_at() == before | {"price_of_prod_b": "prod_b"}, "it may be the one that is gone"
    [only] = [one for one in await reader.one("prod_a") if one.what == "refused"]
    assert why in only.text
    assert "price_gone" in await reader.sold_at()
    reader.stripe.prices.remove(bad)
    await reader.sync()
    assert "price_gone" not in await reader.sold_at()


@pytest.mark.parametrize(
    "bad", [None, "prod_x", [], {"object": "product", "active": True, "name": "x"}, {"id": 5, "name": "x"}]
)
async def test_a_product_that_nobody_could_find_again_is_refused(reader: Reader, bad: Any) -> None:
    reader.stripe.product("prod_a")
    gone = reader.stripe.product("prod_gone")
    await reader.sync()
    reader.stripe.products[:] = [bad, *[one for one in reader.stripe.products if one is not gone]]
    reader.stripe.product("prod_b")
    told = await reader.sync()
    assert [one.what for one in told] == ["refused", "created"]
    assert await reader.statuses() == {"prod_a": "active", "prod_gone": "active", "prod_b": "active"}
    reader.stripe.products.remove(bad)
    assert [(one.id, one.what) for one in await reader.sync()] == [("prod_gone", "archived")]


async def test_a_decimal_that_is_none_concerns_its_own_price_alone(reader: Reader) -> None:
    """Stripe's SDK reads nothing of a page with such a one."""
    reader.stripe.product("prod_a")
    reader.stripe.product("prod_b")
    reader.stripe.price("price_odd", "prod_a", nickname="Odd", unit_amount=None, unit_amount_decimal="a lot")
    reader.stripe.price("price_fine", "prod_b", nickname="Fine", unit_amount_decimal="a lot")
    told = await reader.sync()
    assert refusals(told) == ["prod_a: the price is no whole number of minor units (a lot)"]
    assert "price_odd" in {one.id for one in told if one.what == "refused"}
    assert (await reader.sold_at()).keys() == {"price_of_prod_a", "price_of_prod_b", "price_fine"}


@pytest.mark.parametrize("created", [("x", "y"), ([1], [2]), ({}, {"a": 1})])
async def test_prices_of_one_name_whose_age_is_no_number_are_refused(
    reader: Reader, created: tuple[Any, Any]
) -> None:
    reader.stripe.product("prod_a")
    for number, one in enumerate(created):
        reader.stripe.price(f"price_{number}", "prod_a", nickname="Same", created=one)
    told = await reader.sync()
    assert [one.what for one in told if one.id == "prod_a"] == ["created"]
    assert any("created is no number" in one for one in refusals(told))
    assert (await reader.sold_at())["price_of_prod_a"] == "prod_a"


async def test_a_price_that_stands_under_another_product_now_goes_there(reader: Reader) -> None:
    reader.stripe.product("prod_a")
    moved = reader.stripe.price("price_moved", "prod_a", nickname="Large")
    await reader.sync()
    reader.stripe.product("prod_b")
    reader.stripe.product("prod_c")
    moved["product"] = "prod_b"
    told = await reader.sync()
    assert refusals(told) == []
    sold = {"price_of_prod_a": "prod_a", "price_of_prod_b": "prod_b", "price_of_prod_c": "prod_c"}
    assert await reader.sold_at() == {**sold, "price_moved": "prod_b"}
    moved["product"] = "prod_c"
    assert refusals(await reader.one("prod_c")) == []
    assert (await reader.sold_at())["price_moved"] == "prod_c"


async def test_an_older_reading_does_not_take_a_price_away(reader: Reader) -> None:
    reader.stripe.product("prod_a")
    reader.stripe.product("prod_b")
    moved = reader.stripe.price("price_moved", "prod_a", nickname="Large")
    await reader.sync()
    moved["product"] = "prod_b"
    read_at = syncing.now()
    read = await syncing.read_product(reader.gateway, reader.settings, "prod_b")
    moved["product"] = "prod_a"
    await reader.one("prod_a")
    async with reader.database.writes() as session:
        told = await syncing.apply_one(session, reader.settings, "prod_b", read, read_at)
    assert ["by now" in one for one in refusals(told)] == [True]
    assert (await reader.sold_at())["price_moved"] == "prod_a"


async def test_what_the_database_refuses_does_not_keep_the_others(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else took the SKU meanwhile."""
    thing = await new_thing(reader.database)
    monkeypatch.setattr(
        "storefront.catalogue.apply.new_sku",
        lambda identity, _: {"price_of_b": thing.sku}.get(identity, identity),
    )
    for name in "abc":
        reader.stripe.products.append({"id": name, "active": True, "name": f"Soap {name}"})
        reader.stripe.price(f"price_of_{name}", name)
    told = await reader.sync()
    assert {one.id: one.what for one in told} == {"a": "created", "b": "refused", "c": "created"}
    assert refusals(told) == ["Soap b: the database refused it (IntegrityError)"]
    assert await reader.statuses() == {"a": "active", "c": "active"}
    assert refusals(await reader.one("b")) == ["Soap b: the database refused it (IntegrityError)"]


async def test_a_price_whose_sku_becomes_another_products_stays_as_it_was(reader: Reader) -> None:
    thing = await new_thing(reader.database)
    reader.stripe.product("prod_a")
    [price] = reader.stripe.prices
    await reader.sync()
    price["metadata"] = {"sku": thing.sku}
    assert [one.what for one in await reader.sync()] == ["refused"]
    assert await reader.statuses() == {"prod_a": "active"}
    assert await reader.sold_at() == {"price_of_prod_a": "prod_a", "None": "None"}


@pytest.mark.parametrize("what", ["product", "price"])
async def test_a_row_that_does_not_say_whether_it_is_active_is_refused(reader: Reader, what: str) -> None:
    reader.stripe.product("prod_a")
    await reader.sync()
    row = (reader.stripe.products if what == "product" else reader.stripe.prices)[0]
    del row["active"]
    for told in (await reader.sync(), await reader.one("prod_a")):
        [why] = refusals(told)
        assert "does not say whether it is active" in why
    assert await reader.statuses() == {"prod_a": "active"}
    assert await reader.sold_at() == {"price_of_prod_a": "prod_a"}
    row["active"] = None
    assert len(refusals(await reader.one("prod_a"))) == 1


async def test_another_product_than_the_one_that_was_asked_for_is_refused(reader: Reader) -> None:
    product = reader.stripe.product("prod_a")
    await reader.sync()
    for answer in ({**product, "id": "prod_b"}, {one: product[one] for one in product if one != "id"}):
        reader.stripe.given["/v1/products/prod_a"] = answer
        assert len(refusals(await reader.one("prod_a"))) == 1
    assert await reader.statuses() == {"prod_a": "active"}


PAGES: tuple[Any, ...] = (
    {"object": "list", "has_more": False},
    {"object": "list", "has_more": False, "data": None},
    {"object": "list", "has_more": False, "data": {"id": "prod_a"}},
    {"object": "list", "data": []},
    {"object": "list", "has_more": True, "data": []},
    {"object": "list", "has_more": True, "data": [None]},
    {"object": "list", "has_more": True, "data": [{"id": "prod_a", "active": True}]},
    {},
    [],
    None,
)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("path", ["/v1/products", "/v1/prices"])
async def test_a_list_that_is_none_or_has_no_end_changes_nothing(
    reader: Reader, path: str, page: Any
) -> None:
    reader.stripe.product("prod_a", name="Before")
    await reader.sync()
    reader.stripe.products[0]["name"] = "After"
    reader.stripe.given[path] = page
    with pytest.raises(UnknownOutcome):
        await reader.sync()
    async with reader.database.reads() as session:
        assert list(await session.scalars(select(Product.title))) == ["Before"]


@pytest.mark.parametrize(
    "name", ["\u200b\u200b", "\u200d", "\u202e \u2069", "\u200e\ufeff", "\u00ad\u2800\u3164"]
)
async def test_a_name_that_nobody_sees_is_none(reader: Reader, name: str) -> None:
    reader.stripe.product("prod_a", name=name)
    told = await reader.sync()
    assert [(one.what, one.text) for one in told] == [("refused", "it has no name")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("A \u202egum\u202c", "A gum"),
        ("\u2067M\u200bug\u2069\ufeff", "Mug"),
        ("\u200dMug\u200c for\u200d tea", "Mug for tea"),
        ("A family 👨‍👩‍👧 mug", "A family 👨‍👩‍👧 mug"),
        ("می‌خواهم", "می‌خواهم"),
        ("क्‍ष", "क्‍ष"),
        ("ന്‍ mug", "ന്‍ mug"),
    ],
)
async def test_what_turns_or_hides_letters_is_left_out_and_joiners_in_words_stay(
    reader: Reader, given: str, kept: str
) -> None:
    reader.stripe.product("prod_a", name=given, description=given)
    reader.stripe.price("price_b", "prod_a", nickname=given)
    await reader.sync()
    async with reader.database.reads() as session:
        product = (await session.scalars(select(Product).where(Product.stripe_id == "prod_a"))).one()
        titles = await session.scalars(select(Variant.title).where(Variant.product_id == product.id))
        assert (product.title, product.description) == (kept, kept)
        assert kept in set(titles)
