"""What goes well with a product: things of its own collections, other ones on each product's page."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select, tuple_
from sqlalchemy.orm import aliased

from storefront.catalogue.models import Product, ProductCollection
from storefront.catalogue.queries import Card, as_card, card_columns

SHOWN = 4
CANDIDATES = 12


def following(own: ColumnElement[int], position: ColumnElement[int]) -> Select[Any]:
    """Cards of a few products that share a collection with the product `own`, which stands at `position`, and follow it
    in the shop's order."""
    return _cards(own, _place() > tuple_(position, own)).limit(CANDIDATES)


def preceding(own: ColumnElement[int], position: ColumnElement[int]) -> Select[Any]:
    """The same from the beginning of that order, where too few follow."""
    here = tuple_(position, own)
    follow = select(Product.id).where(Product.status == "active", _beside(own), _place() > here).limit(SHOWN)
    found = select(func.count()).select_from(follow.subquery()).scalar_subquery()
    # In the limit, since SQLite would look at every product before it asked whether any is wanted.
    return _cards(own, _place() < here).limit(case((found < SHOWN, CANDIDATES), else_=0))


def _cards(own: ColumnElement[int], where: ColumnElement[bool]) -> Select[Any]:
    mine, theirs = aliased(ProductCollection), aliased(ProductCollection)
    together = select(func.count()).where(
        theirs.product_id == Product.id, theirs.collection_id == mine.collection_id, mine.product_id == own
    )
    cards = card_columns().add_columns(together.scalar_subquery().label("together"))
    return cards.where(_beside(own), where).order_by(Product.position, Product.id)


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
    cards = [(row.together, as_card(row, currency)) for row in rows]
    cards.sort(key=lambda one: (-one[0], one[1].stock == "none"))
    return [card for _, card in cards[:SHOWN]]


def _in_order(row: Any) -> tuple[int, int]:
    return row.position, row.id
