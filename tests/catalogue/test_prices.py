"""What a price was before, and what a kilogram or a litre costs."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from storefront.catalogue.content import Content, read_content, unit_price
from storefront.catalogue.models import PastPrice, Product, Variant
from storefront.catalogue.product import product_by_slug
from storefront.catalogue.queries import listing, version
from storefront.catalogue.reprice import end_reductions, reprice
from storefront.database import Database, migrate, now
from storefront.language import speaking
from storefront.settings import Settings
from tests.catalogue.merchant import merchant_at
from tests.compiled import open_database
from tests.conftest import in_thread
from tests.shop import new_thing

DAY = timedelta(days=1)
TODAY = now()


async def told(database: Database, *changes: tuple[int, int], on_sale: bool = True) -> int | None:
    """What a variant of 2,000 is shown beside after it changed so many days ago to these amounts."""
    thing = await new_thing(database, price=2000)
    async with database.writes() as session:
        variant = (await session.scalars(select(Variant).where(Variant.id == thing.variant_id))).one()
        for days, amount in changes:
            await reprice(session, variant, amount, "USD", TODAY - days * DAY, on_sale=on_sale)
    async with database.reads() as session:
        price, before = (
            await session.execute(
                select(Variant.price, Variant.lowest_before).where(Variant.id == thing.variant_id)
            )
        ).one()
    assert price == changes[-1][1]
    return before  # type: ignore[no-any-return]


async def test_a_reduction_stands_beside_the_lowest_price_of_the_thirty_days_before_it(
    database: Database,
) -> None:
    assert await told(database, (0, 1500)) == 2000
    assert await told(database, (0, 2500)) is None, "no reduction"
    assert await told(database, (20, 2500), (0, 1800)) == 2000, "raised shortly before: the lower one counts"
    assert await told(database, (40, 2500), (0, 1800)) == 2500, "the lower one ended 40 days ago"
    assert await told(database, (31, 1000), (20, 2500), (0, 1200)) is None, "it was cheaper 20 days ago"
    assert await told(database, (30, 2500), (0, 2100)) == 2500, "the lower one ended as the 30 days begin"
    assert await told(database, (10, 1500), (0, 1200)) == 1500, "in steps: the step before"
    assert await told(database, (10, 1500), (0, 2000)) is None
    assert await told(database, (0, 1500), on_sale=False) is None, "nobody could buy it for the old price"


async def test_pages_show_it_and_it_ends_after_a_while(database: Database) -> None:
    thing = await new_thing(database, price=2000)
    async with database.writes() as session:
        variant = (await session.scalars(select(Variant).where(Variant.id == thing.variant_id))).one()
        await reprice(session, variant, 1500, "USD", TODAY - 89 * DAY, on_sale=True)
        variant.content, variant.content_unit, variant.content_per = 250, "g", 1000
        await session.execute(update(Product).values(price=1500))

    async def shown() -> set[str]:
        product = await product_by_slug(database.glance, "USD", thing.slug)
        found = await listing(database.glance, "USD", collection_id=None, sort="newest", after=None)
        assert product is not None
        assert {product.offers[0].unit_price, found.cards[0].unit_price} == {"$60.00 for 1 kg"}
        return {product.offers[0].was, found.cards[0].was}

    async def clean() -> None:
        async with database.writes() as session:
            await end_reductions(session)

    await clean()
    assert await shown() == {"$20.00"}
    async with database.writes() as session:
        await session.execute(update(PastPrice).values(until=TODAY - 91 * DAY))
    before = await version(database.glance)
    await clean()
    assert await shown() == {""}
    assert await version(database.glance) > before, "kept pages are made anew"
    async with database.reads() as session:
        assert await session.scalar(select(func.count()).select_from(PastPrice)) == 0


async def test_stripes_prices_leave_what_they_were(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    merchant = merchant_at(database, settings, tmp_path)
    try:
        soap = await merchant.product("Soap", 850, metadata={"content": "110 g per 100 g"})
        odd = await merchant.product("Odd", 850, metadata={"content": "a handful"})
        assert await merchant.sync() == {"created": 1, "refused": 1}
        assert "must be like 110 g" in merchant.why(odd)
        variant = await merchant.variant(soap)
        assert (variant.content, variant.content_unit, variant.content_per) == (110, "g", 100)
        cheaper = await merchant.price(soap, 700, metadata={"content": "0.2 kg"})
        await merchant.change(soap, default_price=cheaper["id"])
        await merchant.sync()
        variant = await merchant.variant(soap)
        assert (variant.price, variant.lowest_before, variant.content) == (700, 850, 200)
        await merchant.sync()
        assert (await merchant.variant(soap)).lowest_before == 850, "the same once more changes nothing"
    finally:
        await merchant.gateway.close()
        await merchant.sandbox.stop()


async def test_a_shop_with_products_is_brought_to_it(database_url: str) -> None:
    database = open_database(database_url)
    thing = await new_thing(database)
    await database.close()
    in_thread(lambda: migrate(database_url, "0005", down=True))
    in_thread(migrate, database_url, "head")
    database = open_database(database_url)
    product = await product_by_slug(database.glance, "USD", thing.slug)
    assert product is not None
    assert (product.offers[0].was, product.offers[0].unit_price) == ("", "")
    async with database.reads() as session:
        row = (await session.execute(text("SELECT content, content_unit, content_per FROM variants"))).one()
    assert tuple(row) == (None, "", 0)
    await database.close()


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ("110 g", Content(110, "g", 1000)),
        ("0.5 l per 100 ml", Content(500, "ml", 100)),
        ("1.25kg per kg", Content(1250, "g", 1000)),
        ("30 ml per 1 l", Content(30, "ml", 1000)),
    ],
)
def test_what_owners_write(written: str, content: Content) -> None:
    assert read_content(written) == content


@pytest.mark.parametrize(
    "written",
    ["", "0 g", "110", "-1 g", "0.5 g", "1 g per 100 ml", "\u0663 g", "1e3 g", "9999999 g", "ten g"],
)
def test_what_they_may_not_write(written: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(written)}$"):
        read_content(written)


def test_what_a_kilogram_costs() -> None:
    assert unit_price(850, "USD", Content(110, "g", 100)) == "$7.73 for 100 g"
    assert unit_price(850, "USD", Content(1000, "g", 1000)) == "", "that is the price itself"
    assert unit_price(850, "JPY", Content(300, "ml", 1000)) == "¥2,833 for 1 L"
    assert unit_price(850, "USD", None) == ""
    with speaking("de"):
        assert "7,73" in unit_price(850, "EUR", Content(110, "g", 100))
