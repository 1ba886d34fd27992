"""A big synthetic catalogue for load tests, streamed in small transactions while a shop that is open goes on selling.

It can be continued: what is there stays, what is missing up to the number asked for is added.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.models import DeliveryRate
from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import Collection, Image, Product, ProductCollection, StockMovement, Variant
from storefront.catalogue.search import folded
from storefront.database import Database, now
from storefront.seed.demo import replace_rates
from storefront.seed.invented import Made, make_product, read_language

RATES = Path(__file__).resolve().parent / "delivery.toml"
BATCH = 1000
# Writers of other processes wait for SQLite by polling, at least every 100 ms: one batch, one pause, and so on lets
# them in after a few.
PAUSE = 0.05
MOST = 9_999_999


async def load_big(
    database: Database, currency: str, products: int, on_progress: Callable[[int], object]
) -> None:
    """Bring the synthetic catalogue to `products` products; what is there already stays as it is.

    `on_progress` is told after every batch how many there are.
    """
    if products > MOST:
        raise ValueError(f"at most {MOST:,} products")
    language = read_language()
    await _prepare(database, currency)
    async with database.writes() as session:
        collections = await _collections(session, language.collections)
    done = min(await _loaded(database), products)
    on_progress(done)
    while done < products:
        numbers = range(done, min(done + BATCH, products))
        made = [make_product(language, number, currency) for number in numbers]
        async with database.writes() as session:
            await _insert(session, made, collections)
            catalogue_changed(session)
        done = numbers.stop
        on_progress(done)
        await asyncio.sleep(PAUSE)
    if not database.sqlite:
        # Its own look at the new rows comes a minute later, and until then it reads whole tables.
        async with database.writes() as session:
            await session.execute(text("ANALYZE"))


async def _prepare(database: Database, currency: str) -> None:
    """A shop that delivers nowhere has no checkout to measure."""
    async with database.reads() as session:
        there = await session.scalar(select(DeliveryRate.id).limit(1))
    if there is None:
        await replace_rates(database, RATES, currency)


async def _collections(session: AsyncSession, titles: list[str]) -> dict[str, int]:
    """Ids by title; a collection that has the same slug already is used."""
    found = {}
    for position, title in enumerate(titles):
        slug = folded(title).replace(" ", "-")
        collection = await session.scalar(select(Collection).where(Collection.slug == slug))
        if collection is None:
            collection = Collection(slug=slug, title=title, position=100 + position)
            session.add(collection)
            await session.flush()
        found[title] = collection.id
    return found


async def _loaded(database: Database) -> int:
    """How many there are. They are numbered without gaps, so the highest number tells."""
    async with database.reads() as session:
        last = await session.scalar(select(func.max(Variant.sku)).where(Variant.sku.like("BIG-%")))
    return int(last[len("BIG-") : last.rindex("-")]) + 1 if last else 0


async def _insert(session: AsyncSession, made: list[Made], collections: dict[str, int]) -> None:
    """One batch, a bulk statement per table. The triggers keep SQLite's search index."""
    await session.execute(insert(Product), [one.product for one in made])
    by_slug = select(Product.slug, Product.id).where(Product.slug.in_([one.product["slug"] for one in made]))
    found = {slug: identity for slug, identity in await session.execute(by_slug)}
    ids = [found[one.product["slug"]] for one in made]
    variants = [{"product_id": i, **row} for i, one in zip(ids, made, strict=True) for row in one.variants]
    images = [{"product_id": i, **one.image} for i, one in zip(ids, made, strict=True)]
    shelves = [
        {"product_id": i, "collection_id": collections[title]}
        for i, one in zip(ids, made, strict=True)
        for title in one.collections
    ]
    await session.execute(insert(Variant), variants)
    await session.execute(insert(Image), images)
    await session.execute(insert(ProductCollection), shelves)
    stocked = select(Variant.id, Variant.on_hand, literal("seed"), literal(now(), StockMovement.at.type))
    await session.execute(
        insert(StockMovement).from_select(
            ["variant_id", "quantity", "cause", "at"],
            stocked.where(Variant.product_id.in_(ids), Variant.on_hand > 0),
        )
    )
