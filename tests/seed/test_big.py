"""The synthetic catalogue: the same every time, and it goes on where it ended."""

from sqlalchemy import func, select

from storefront.cart.delivery import read_rates
from storefront.catalogue.facets import Facets
from storefront.catalogue.models import Collection, Image, Product, StockMovement, Variant
from storefront.catalogue.queries import listing, version
from storefront.catalogue.search import find_products
from storefront.database import Database
from storefront.money import MINIMUM_CHARGE
from storefront.seed.big import load_big
from storefront.seed.demo import load_demo
from storefront.seed.invented import make_product, read_language
from storefront.settings import Settings
from storefront.web.pictures import Pictures


async def count(database: Database, table: type) -> int:
    async with database.reads() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_two_thousand_products(database: Database, settings: Settings) -> None:
    seen: list[int] = []
    before = await version(database.glance)
    await load_big(database, "USD", 2000, seen.append)
    assert seen[0] == 0
    assert seen[-1] == 2000
    assert seen == sorted(seen)
    assert await count(database, Product) == 2000
    assert await count(database, Collection) == 20
    assert 2000 < await count(database, Variant) < 8000
    assert await version(database.glance) > before, "a running shop notices"
    await everything_fits(database, settings)
    await pages_work(database)


async def everything_fits(database: Database, settings: Settings) -> None:
    moved = select(func.sum(StockMovement.quantity)).where(StockMovement.variant_id == Variant.id)
    async with database.reads() as session:
        variants = (
            await session.execute(select(Variant.product_id, Variant.on_hand, moved.scalar_subquery()))
        ).all()
        prices = set(await session.scalars(select(Variant.price)))
        pictures = set(await session.scalars(select(Image.path)))
        cheapest = select(func.min(Variant.price)).where(Variant.product_id == Product.id).scalar_subquery()
        wrong = list(await session.scalars(select(Product.id).where(Product.price != cheapest)))
    of_product: dict[int, int] = {}
    for product_id, on_hand, quantity in variants:
        assert on_hand == (quantity or 0)
        of_product[product_id] = of_product.get(product_id, 0) + 1
    assert set(of_product.values()) == {1, 2, 3, 4}
    assert {0, 1, 2} < {on_hand for _, on_hand, _ in variants}
    assert min(prices) >= MINIMUM_CHARGE["USD"]
    assert len(prices) > 100
    assert wrong == []
    assert all(path in Pictures(settings).of_the_demo for path in pictures)


async def pages_work(database: Database) -> None:
    facets = Facets(database.glance, lambda: version(database.glance))
    for collection in await facets.collections():
        assert await facets.count(collection.id) > 20, collection.title
    assert await facets.count(None) == 1001
    first = await listing(database.glance, "USD", collection_id=None, sort="featured", after=None)
    assert len(first.cards) == 24
    common, rare = await find_products(database, "bowl", most=241), make_product(read_language(), 7, "USD")
    assert len(common) > 100
    maker = rare.product["title"].rpartition(" ")[2]
    assert 0 < len(await find_products(database, maker, most=241)) < 100
    assert await read_rates(database.glance), "without delivery nothing could be bought"


async def test_it_goes_on_where_it_ended_and_repeats_nothing(database: Database) -> None:
    await load_big(database, "USD", 30, lambda _: None)
    await load_big(database, "USD", 30, lambda _: None)
    await load_big(database, "USD", 10, lambda _: None)
    assert await count(database, Product) == 30
    await load_big(database, "USD", 70, lambda _: None)
    async with database.reads() as session:
        slugs = list(await session.scalars(select(Product.slug).order_by(Product.id)))
    language = read_language()
    assert slugs == [make_product(language, number, "USD").product["slug"] for number in range(70)]


async def test_it_stands_beside_the_demo(database: Database) -> None:
    await load_demo(database, "USD")
    rates = await read_rates(database.glance)
    there = await count(database, Product)
    await load_big(database, "USD", 40, lambda _: None)
    assert await count(database, Product) == there + 40
    assert await read_rates(database.glance) == rates


async def test_prices_are_such_as_the_currency_has() -> None:
    language = read_language()
    for currency, step in (("ISK", 100), ("KWD", 10), ("JPY", 1)):
        variants = [v for number in range(50) for v in make_product(language, number, currency).variants]
        assert all(v["price"] % step == 0 and v["price"] > 0 for v in variants), currency
