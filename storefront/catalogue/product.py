"""A product with all that its page shows, read in one statement."""

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, bindparam, select

from storefront.catalogue.content import unit_price
from storefront.catalogue.models import (
    Collection,
    Image,
    Product,
    ProductCollection,
    Variant,
    stock_level,
    stock_text,
)
from storefront.catalogue.one_statement import OneStatement
from storefront.catalogue.queries import CONTENT, Offer, Picture, ProductView, content_of
from storefront.catalogue.related import best, following, preceding
from storefront.glance import Reader
from storefront.money import format_money

MANY_LEFT = 99


def _own(column: Any) -> ScalarSelect[Any]:
    """A column of the product that is asked for."""
    asked = select(column).where(Product.slug == bindparam("slug"), Product.status == "active")
    return asked.correlate(None).scalar_subquery()


def _offers() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Variant.id, Variant.title, Variant.sku, Variant.price, Variant.tracked, Variant.on_hand, Variant.held,
        Variant.requires_shipping, Variant.credit_amount, Variant.lowest_before, Variant.position,
    )  # fmt: skip
    content = (getattr(Variant, name) for name in CONTENT)
    return select(*columns, *content).where(Variant.product_id == _own(Product.id), ~Variant.archived)


def _shelves() -> Select[Any]:
    shelved = ProductCollection.collection_id == Collection.id
    columns: tuple[Any, ...] = (Collection.slug, Collection.title, Collection.position)
    shelves = select(*columns).join(ProductCollection, shelved)
    return shelves.where(ProductCollection.product_id == _own(Product.id))


@lru_cache
def _page() -> OneStatement:
    columns: tuple[Any, ...] = (
        Product.id, Product.title, Product.summary, Product.description, Product.details, Product.option,
    )  # fmt: skip
    pictures: tuple[Any, ...] = (Image.path, Image.alt, Image.width, Image.height, Image.position)
    own, position = _own(Product.id), _own(Product.position)
    return OneStatement(
        product=select(*columns).where(Product.id == own),
        offers=_offers(),
        images=select(*pictures).where(Image.product_id == own),
        shelves=_shelves(),
        following=following(own, position),
        preceding=preceding(own, position),
    )


async def product_by_slug(reader: Reader, currency: str, slug: str) -> ProductView | None:
    """An active product with its variants, pictures, collections and what goes well with it, or None."""
    found = await _page().read(reader, {"slug": slug})
    if not found["product"]:
        return None
    [product] = found["product"]
    details = product.details
    return ProductView(
        id=product.id,
        slug=slug,
        title=product.title,
        summary=product.summary,
        description=product.description,
        details=json.loads(details) if isinstance(details, str) else details,
        option=product.option,
        offers=[_offer(row, currency) for row in _sorted(found["offers"])],
        images=[Picture(row.path, row.alt, row.width, row.height) for row in _sorted(found["images"])],
        collections=[(row.slug, row.title) for row in _sorted(found["shelves"])],
        related=best(found["following"], found["preceding"], currency),
    )


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.position, row[0]))


def _offer(variant: Any, currency: str) -> Offer:
    left = variant.on_hand - variant.held if variant.tracked else MANY_LEFT
    return Offer(
        id=variant.id,
        title=variant.title,
        sku=variant.sku,
        price=format_money(variant.price, currency),
        amount=variant.price,
        stock=stock_level(variant.tracked, left),
        stock_text=stock_text(variant.tracked, left),
        available=left > 0,
        left=left,
        requires_shipping=bool(variant.requires_shipping),
        holds_credits=variant.credit_amount is not None,
        was=format_money(variant.lowest_before, currency) if variant.lowest_before else "",
        unit_price=unit_price(variant.price, currency, content_of(variant)),
    )
