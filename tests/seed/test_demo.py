"""The demo shop keeps what the first issue promised of it."""

import pytest
from sqlalchemy import func, select

from storefront.cart.delivery import rates_for, read_rates
from storefront.catalogue.models import (
    Collection,
    Image,
    Product,
    ProductCollection,
    StockMovement,
    Variant,
)
from storefront.database import Database
from storefront.seed.demo import load_demo
from storefront.settings import Settings
from storefront.web.pictures import Pictures


@pytest.fixture
async def demo(database: Database) -> Database:
    assert await load_demo(database, "USD")
    return database


async def test_it_is_loaded_once(demo: Database) -> None:
    async with demo.reads() as session:
        before = await session.scalar(select(func.count()).select_from(Product))
    assert not await load_demo(demo, "USD")
    async with demo.reads() as session:
        assert await session.scalar(select(func.count()).select_from(Product)) == before


async def test_there_is_enough_to_choose_from(demo: Database) -> None:
    async with demo.reads() as session:
        active = await session.scalar(
            select(func.count()).select_from(Product).where(Product.status == "active")
        )
        collections = list(await session.scalars(select(Collection)))
        shelved = set(await session.scalars(select(ProductCollection.product_id)))
        states = set(await session.scalars(select(Product.status)))
        homeless = await session.scalars(
            select(Product.slug).where(Product.status == "active", Product.listed, Product.id.not_in(shelved))
        )
    assert active is not None
    assert active >= 24
    assert len(collections) == 5
    assert all(one.title and one.description for one in collections)
    assert states == {"active", "draft", "archived"}
    assert list(homeless) == [], "every product stands in a collection"


async def test_products_differ_in_options_prices_and_stock(demo: Database) -> None:
    async with demo.reads() as session:
        options = set(await session.scalars(select(Product.option)))
        variants = list(
            await session.scalars(select(Variant).join(Product).where(Product.status == "active"))
        )
    assert {"Size", "Scent", "Colour"} <= options
    assert len({one.price for one in variants}) > 10
    assert all(one.price >= 50 and one.currency == "USD" for one in variants)
    of_product: dict[int, list[Variant]] = {}
    for one in variants:
        of_product.setdefault(one.product_id, []).append(one)
    plenty = [every for every in of_product.values() if all(v.on_hand >= 50 or not v.tracked for v in every)]
    sold_out = [every for every in of_product.values() if all(v.tracked and v.on_hand == 0 for v in every)]
    assert len(plenty) > len(of_product) / 2, "most have 50 or more"
    assert sold_out
    assert any(one.on_hand in {1, 2} for one in variants)
    downloads = [one for one in variants if not one.requires_shipping]
    assert downloads
    assert not any(one.tracked for one in downloads), "a file never runs out"


async def test_each_product_has_words_and_a_picture_of_its_own(demo: Database, settings: Settings) -> None:
    pictures = Pictures(settings)
    async with demo.reads() as session:
        rows = (
            await session.execute(
                select(Product, Image).outerjoin(
                    Image, (Image.product_id == Product.id) & (Image.position == 0)
                )
            )
        ).all()
    drawn = set()
    for product, image in rows:
        assert 20 < len(product.summary) <= 155, product.slug
        assert len(product.description) > 100, product.slug
        assert image is not None, product.slug
        assert len(image.alt) > 20, product.slug
        drawn.add(pictures.sources(image.path, image.width).large)
    assert len(drawn) == len(rows), "no picture is used twice"


async def test_the_stock_is_accounted_for(demo: Database) -> None:
    moved = func.coalesce(func.sum(StockMovement.quantity), 0)
    query = (
        select(Variant.sku, Variant.on_hand, moved)
        .outerjoin(StockMovement, StockMovement.variant_id == Variant.id)
        .group_by(Variant.id)
    )
    async with demo.reads() as session:
        rows = (await session.execute(query)).all()
    assert [row for row in rows if row[1] != row[2]] == []


async def test_it_delivers_to_germany_and_the_united_states(demo: Database) -> None:
    rates = await read_rates(demo.glance)
    for country in ("DE", "US"):
        offered = rates_for(rates, country)
        assert offered, country
        assert any(rate.free_from for rate in offered), country


async def test_prices_fit_other_currencies(database: Database) -> None:
    await load_demo(database, "KWD")
    async with database.reads() as session:
        prices = list(await session.scalars(select(Variant.price)))
    assert all(price % 10 == 0 for price in prices), "Stripe takes three decimals, the last of them zero"
    assert max(prices) > 10_000
