"""Loading the demo catalogue into an empty database. Running it again changes nothing."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.models import DeliveryRate
from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.content import read_content
from storefront.catalogue.models import (
    Collection,
    Image,
    Product,
    ProductCollection,
    StockMovement,
    Variant,
)
from storefront.catalogue.reprice import reprice
from storefront.catalogue.search import folded
from storefront.database import Database, lock, now
from storefront.money import decimals
from storefront.promotions.models import Promotion
from storefront.web.pictures import WIDTHS

HERE = Path(__file__).resolve().parent


async def load_demo(database: Database, currency: str) -> bool:
    """Load the demo catalogue and its delivery rates when there is no product yet; True when it did."""
    async with database.writes() as session:
        await _one_loader(session)
        if await session.scalar(select(func.count()).select_from(Product)):
            return False
        await _load_rates(session, HERE / "delivery.toml", currency)
        data = _read(HERE / "demo.toml")
        await _load_products(session, data, currency)
        for row in data["promotions"]:
            session.add(Promotion(**row | {"minimum": in_currency(row["minimum"], currency)}))
        catalogue_changed(session)
    return True


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


async def _one_loader(session: AsyncSession) -> None:
    # Several processes start together: the second waits here, then finds the catalogue loaded.
    from storefront.catalogue.models import CatalogueVersion

    await lock(session, select(CatalogueVersion.id))


async def replace_rates(database: Database, file: Path, currency: str) -> int:
    """Put the delivery rates of a TOML file in the place of the shop's; gives how many there are."""
    async with database.writes() as session:
        for rate in await session.scalars(select(DeliveryRate)):
            await session.delete(rate)
        await session.flush()
        count = await _load_rates(session, file, currency)
        catalogue_changed(session)
    return count


async def _load_rates(session: AsyncSession, file: Path, currency: str) -> int:
    rows = _read(file)["rates"]
    for position, row in enumerate(rows):
        amounts = {key: in_currency(row[key], currency) for key in ("amount", "free_from") if key in row}
        session.add(DeliveryRate(**{**row, **amounts}, position=position))
    return len(rows)


def in_currency(cents: int, currency: str) -> int:
    """A demo price, written in cents, as minor units of the shop's currency: 8.50 becomes ¥850 or KWD 8.500."""
    places = decimals(currency)
    return cents if places in {0, 2} else cents * 10


async def _load_products(session: AsyncSession, data: dict[str, Any], currency: str) -> None:
    collections = {}
    for position, row in enumerate(data["collections"]):
        collections[row["slug"]] = Collection(**row, position=position)
        session.add(collections[row["slug"]])
    await session.flush()
    for position, row in enumerate(data["products"]):
        await _load_product(session, row, position, collections, currency)


async def _load_product(
    session: AsyncSession,
    row: dict[str, Any],
    position: int,
    collections: dict[str, Collection],
    currency: str,
) -> None:
    variants = row["variants"]
    titles = " ".join(variant["title"] for variant in variants)
    product = Product(
        slug=row["slug"],
        title=row["title"],
        summary=row["summary"],
        description=row["description"],
        details=row["details"],
        status=row["status"],
        option=row["option"],
        position=position,
        price=min(in_currency(variant["price"], currency) for variant in variants),
        listed=any("credits" not in variant for variant in variants),
        search_title=folded(row["title"]),
        search_text=folded(f"{titles} {row['summary']} {row['description']}"),
    )
    session.add(product)
    await session.flush()
    for number, (path, alt) in enumerate([(row["slug"], row["image_alt"]), *row.get("more_images", [])]):
        size = {"width": WIDTHS[-1], "height": WIDTHS[-1]}
        session.add(Image(product_id=product.id, path=path, alt=alt, position=number, **size))
    for slug in row["collections"]:
        session.add(ProductCollection(collection_id=collections[slug].id, product_id=product.id))
    for number, variant in enumerate(variants):
        tracked = variant["requires_shipping"]
        made = Variant(
            product_id=product.id,
            sku=variant["sku"],
            title=variant["title"],
            price=in_currency(variant["price"], currency),
            currency=currency,
            on_hand=variant["on_hand"] if tracked else 0,
            tracked=tracked,
            requires_shipping=variant["requires_shipping"],
            position=number,
            credit_amount=variant.get("credits"),
        )
        if "content" in variant:
            made.content, made.content_unit, made.content_per = read_content(variant["content"])
        session.add(made)
        await session.flush()
        if "was" in variant:
            await _reduce(session, made, in_currency(variant["was"], currency))
        if made.on_hand:
            session.add(StockMovement(variant_id=made.id, quantity=made.on_hand, cause="seed"))


async def _reduce(session: AsyncSession, variant: Variant, was: int) -> None:
    """Have it cost what it costs since a week, and `was` minor units before."""
    amount, variant.price = variant.price, was
    await reprice(session, variant, amount, variant.currency, now() - timedelta(days=7), on_sale=True)
