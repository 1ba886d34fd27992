"""What goes well with a product: things of its own collections, other ones on each product's page."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, select, tuple_
from sqlalchemy.orm import aliased

from storefront.catalogue.models import Product, ProductCollection, Variant
from storefront.catalogue.queries import Card, as_card, card_columns

SHOWN = 4
CANDIDATES = 12


def following(own: ColumnElement[int], position: ColumnElement[int]) -> Select[Any]:
    """Cards of a few products that share a collection with the product `own`, which stands at `position`, and follow it
    in the shop's order."""
    return _cards(own, _place() > tuple_(position, own), CANDIDATES)


def preceding(own: ColumnElement[int], position: ColumnElement[int]) -> Select[Any]:
    """The same from the beginning of that order, where too few follow."""
    here = tuple_(position, own)
    follow = select(Product.id).where(Product.status == "active", _beside(own), _place() > here)
    # Without an order PostgreSQL goes through the shop from its beginning.
    ordered = follow.order_by(Product.position, Product.id).limit(SHOWN)
    found = select(func.count()).select_from(ordered.subquery()).scalar_subquery()
    # In the limit, since SQLite would look at every product before it asked whether any is wanted.
    return _cards(own, _place() < here, case((found < SHOWN, CANDIDATES), else_=0))


def _cards(own: ColumnElement[int], where: ColumnElement[bool], most: Any) -> Select[Any]:
    """Cards of the best of the first `most` candidates, so that no others are made."""
    mine, theirs = aliased(ProductCollection), aliased(ProductCollection)
    together = select(func.count()).where(
        theirs.product_id == Product.id, theirs.collection_id == mine.collection_id, mine.product_id == own
    )
    of_product = (Variant.product_id == Product.id) & ~Variant.archived
    some = select(literal(1)).where(of_product, ~Variant.tracked | (Variant.on_hand > Variant.held))
    # An EXISTS among the columns makes PostgreSQL read all variants of the shop first.
    there = func.coalesce(some.limit(1).scalar_subquery(), 0)
    candidates = (
        select(
            Product.id, Product.position, together.scalar_subquery().label("together"), there.label("there")
        )
        .where(Product.status == "active", _beside(own), where)
        .order_by(Product.position, Product.id)
        .limit(most)
        .subquery()
    )
    ranked = candidates.c.together.desc(), candidates.c.there.desc(), candidates.c.position, candidates.c.id
    best = select(candidates).order_by(*ranked).limit(SHOWN).subquery()
    return card_columns().add_columns(best.c.together, best.c.there).join(best, best.c.id == Product.id)


def _beside(own: ColumnElement[int]) -> ColumnElement[bool]:
    shelf = aliased(ProductCollection)
    shared = exists().where(
        ProductCollection.product_id == Product.id,
        shelf.collection_id == ProductCollection.collection_id,
        shelf.product_id == own,
    )
    return shared & Product.listed


def _place() -> Any:
    return tuple_(Product.position, Product.id)


def best(after: Sequence[Any], before: Sequence[Any], currency: str) -> list[Card]:
    """The cards to show, of the rows of `following` and `preceding`: those that share most collections with the
    product, sold out ones last, and among these the ones that follow it; after the shop's end from the beginning."""
    rows = [*sorted(after, key=_in_order), *sorted(before, key=_in_order)]
    rows.sort(key=lambda row: (-row.together, not row.there))
    return [as_card(row, currency) for row in rows[:SHOWN]]


def _in_order(row: Any) -> tuple[int, int]:
    return row.position, row.id
