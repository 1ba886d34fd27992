"""What goes well with a product: things of its own collections, other ones on each product's page."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, exists, func, select, tuple_
from sqlalchemy.orm import aliased

from storefront.catalogue.models import Product, ProductCollection
from storefront.catalogue.queries import Card, as_card, card_columns
from storefront.glance import Reader

SHOWN = 4
CANDIDATES = 12


@lru_cache
def _candidates(*, after: bool) -> Select[Any]:
    mine, theirs, shelf = aliased(ProductCollection), aliased(ProductCollection), aliased(ProductCollection)
    own = bindparam("product_id", type_=Integer)
    together = select(func.count()).where(
        theirs.product_id == Product.id, theirs.collection_id == mine.collection_id, mine.product_id == own
    )
    beside = exists().where(
        ProductCollection.product_id == Product.id,
        shelf.collection_id == ProductCollection.collection_id,
        shelf.product_id == own,
    )
    place, here = (
        tuple_(Product.position, Product.id),
        tuple_(bindparam("position", type_=Integer), own),
    )
    return (
        card_columns()
        .add_columns(together.scalar_subquery().label("together"))
        .where(beside, Product.listed, place > here if after else place < here)
        .order_by(Product.position, Product.id)
        .limit(CANDIDATES)
    )


async def related(reader: Reader, currency: str, product_id: int, position: int) -> list[Card]:
    """A few cards: those that share most collections with the product, sold out ones last, and among these the ones
    that follow it in the shop's order; after its end from the beginning."""
    key = {"product_id": product_id, "position": position}
    rows = list((await reader.execute(_candidates(after=True), key)).all())
    if len(rows) < SHOWN:
        rows += (await reader.execute(_candidates(after=False), key)).all()
    cards = [(row.together, as_card(row, currency)) for row in rows]
    cards.sort(key=lambda one: (-one[0], one[1].stock == "none"))
    return [card for _, card in cards[:SHOWN]]
