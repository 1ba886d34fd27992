"""How many products there are of everything that a listing can be narrowed down to, under any combination.

Each value is a set of products, kept as the bits of one number; a combination is their AND, and its count takes
microseconds. Made once per catalogue version, for catalogues of up to 20,000 products.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sqlalchemy import Integer, Select, String, bindparam, exists, func, select

from storefront.catalogue.filters import NO_END, Filters
from storefront.catalogue.models import Product, ProductCollection, Variant
from storefront.glance import Reader
from storefront.money import decimals

MOST_COUNTED = 20_000
AT_ONCE = 1000
MOST_VALUES = 24
BETWEEN = "\x1f"
NICE = (1, 2, 3, 5, 8)


@dataclass(slots=True)
class Counts:
    """`ids` by price, the cheapest first: a product's place there is its bit. `options` by an option's name and value,
    commonest first."""

    ids: list[int]
    prices: list[int]
    collections: dict[int, int]
    options: dict[tuple[str, str], int]
    available: int
    places: dict[int, int] = field(default_factory=dict)

    @property
    def all(self) -> int:
        return (1 << len(self.ids)) - 1

    def among(self, ids: Iterable[int]) -> int:
        """The set of these products."""
        return _bits([self.places[one] for one in ids if one in self.places], len(self.ids))

    def priced(self, low: int, high: int) -> int:
        """The set of those that cost `low` up to and without `high` minor units."""
        first, last = bisect_left(self.prices, low), bisect_left(self.prices, high)
        return ((1 << last) - 1) ^ ((1 << first) - 1)

    def chosen(self, filters: Filters, *, but: str = "") -> int:
        """The set that `filters` leave, without the one that is named `but`."""
        found = self.all
        if filters.price and but != "price":
            found &= self.priced(*filters.price)
        if filters.option and but != "option":
            found &= self.options.get(filters.option, 0)
        if filters.available and but != "available":
            found &= self.available
        return found

    def in_collection(self, collection_id: int | None) -> int:
        return self.all if collection_id is None else self.collections.get(collection_id, 0)

    def keep(self, ids: Sequence[int], filters: Filters) -> list[int]:
        """Those of `ids` that `filters` leave, in their order."""
        found = self.chosen(filters)
        return [one for one in ids if one in self.places and found >> self.places[one] & 1]


def _bits(places: Iterable[int], many: int) -> int:
    row = bytearray(many // 8 + 1)
    for place in places:
        row[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(row, "little")


def _statement() -> Select[Any]:
    """A row for each product: many small rows take Python five times as long."""
    of_product = (Variant.product_id == Product.id) & ~Variant.archived
    there = exists().where(of_product, ~Variant.tracked | (Variant.on_hand > Variant.held))
    shelf = ProductCollection.collection_id.cast(String)
    shelves = select(func.aggregate_strings(shelf, ",")).where(ProductCollection.product_id == Product.id)
    titles = select(func.aggregate_strings(Variant.title, BETWEEN)).where(of_product, Product.option != "")
    return (
        select(
            Product.id,
            Product.price,
            Product.option,
            there.label("there"),
            shelves.scalar_subquery().label("shelves"),
            titles.scalar_subquery().label("titles"),
        )
        .where(Product.status == "active", Product.listed, Product.id > bindparam("after", type_=Integer))
        .order_by(Product.id)
        .limit(AT_ONCE)
    )


ROWS = _statement()


async def read_counts(reader: Reader) -> Counts | None:
    """The counts as they are now; None when there are too many products. Others get their turn meanwhile."""
    prices: dict[int, int] = {}
    shelves: dict[int, set[int]] = {}
    options: dict[tuple[str, str], set[int]] = {}
    available: set[int] = set()
    rows: list[Any] = []
    while not prices or len(rows) == AT_ONCE:
        after = rows[-1].id if rows else 0
        rows = (await reader.execute(ROWS, {"after": after})).all()
        for identity, price, option, there, shelf, titles in rows:
            prices[identity] = price
            if there:
                available.add(identity)
            for one in shelf.split(",") if shelf else ():
                shelves.setdefault(int(one), set()).add(identity)
            for title in titles.split(BETWEEN) if titles else ():
                if title:
                    options.setdefault((option, title), set()).add(identity)
        if len(prices) > MOST_COUNTED:
            return None
        if not rows:
            break
        await asyncio.sleep(0)
    return _made(prices, shelves, options, available)


def _made(
    prices: dict[int, int],
    shelves: dict[int, set[int]],
    options: dict[tuple[str, str], set[int]],
    available: set[int],
) -> Counts:
    ids = sorted(prices, key=lambda one: (prices[one], one))
    places = {identity: place for place, identity in enumerate(ids)}

    def mask(members: set[int]) -> int:
        return _bits([places[one] for one in members], len(ids))

    common = sorted(options, key=lambda one: (-len(options[one]), one))
    return Counts(
        ids,
        [prices[one] for one in ids],
        {identity: mask(members) for identity, members in shelves.items()},
        {one: mask(options[one]) for one in common},
        mask(available),
        places,
    )


def price_ranges(prices: Sequence[int], currency: str) -> list[tuple[int, int]]:
    """Up to four ranges of about as many products each, between round amounts; fewer than two say nothing."""
    if not prices:
        return []
    edges = {_round(prices[len(prices) * part // 4], currency) for part in (1, 2, 3)}
    bounds = [0, *sorted(one for one in edges if prices[0] < one <= prices[-1]), NO_END]
    return list(pairwise(bounds)) if len(bounds) > 2 else []


@lru_cache(maxsize=1000)
def _round(amount: int, currency: str) -> int:
    """The round amount that is nearest: one digit from NICE and zeros, of whole units of the currency."""
    unit: int = 10 ** decimals(currency)
    sizes: list[int] = [digit * 10**zeros * unit for zeros in range(8) for digit in NICE]
    return min(sizes, key=lambda size: abs(size - amount))
