"""Reads for the pages that show what is for sale: column selects, made once, at most two statements a page.

`reader` is a glance or a session.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Subquery,
    bindparam,
    case,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storefront.catalogue.content import Content, unit_price
from storefront.catalogue.filters import NOTHING, Filters, conditions
from storefront.catalogue.models import (
    CatalogueVersion,
    Collection,
    Image,
    Product,
    ProductCollection,
    Variant,
    stock_level,
    stock_text,
)
from storefront.catalogue.one_statement import AsArray
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.language import later, spoken
from storefront.money import format_money

PAGE = 24
COUNT_STOPS_AT = 1001
MOST_SUGGESTED = 6
MOST_CARDS = 2000

SORTS: dict[str, tuple[str, ColumnElement[Any], bool]] = {
    "featured": (later("Featured"), Product.__table__.c.position, True),
    "newest": (later("Newest"), Product.__table__.c.id, False),
    "price": (later("Price, low to high"), Product.__table__.c.price, True),
    "-price": (later("Price, high to low"), Product.__table__.c.price, False),
    "title": (later("Name"), Product.__table__.c.title, True),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """`path` is a picture's name (`web.pictures`) or a file below static/; width and height in pixels."""

    path: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Card:
    id: int
    url: str
    title: str
    summary: str
    price: str
    image: Picture | None
    stock: str
    stock_text: str
    was: str = ""
    unit_price: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as its product page shows it. `left` is how many can be had, 99 for what never runs out."""

    id: int
    title: str
    sku: str
    price: str
    amount: int
    stock: str
    stock_text: str
    available: bool
    left: int
    requires_shipping: bool
    holds_credits: bool = False
    was: str = ""
    unit_price: str = ""


@dataclass(frozen=True, slots=True)
class ProductView:
    id: int
    slug: str
    title: str
    summary: str
    description: str
    details: list[list[str]]
    option: str
    offers: list[Offer]
    images: list[Picture]
    collections: list[tuple[str, str]]
    related: list[Card] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CollectionView:
    id: int
    slug: str
    title: str
    description: str
    image: Picture | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of cards in keyset order. `after` continues it, empty at the end."""

    cards: list[Card] = field(default_factory=list)
    after: str = ""


CONTENT = ("content", "content_unit", "content_per")


def content_of(row: Any) -> Content | None:
    """What a piece holds, of a row with the columns CONTENT."""
    return Content(row.content, row.content_unit, row.content_per) if row.content else None


def card_columns() -> Select[Any]:
    """What a card needs, for active products that have something to sell; add the conditions and the order. `offers`
    and `cheapest` are JSON arrays: a select of its own for each of their values takes twice as long."""
    of_product = (Variant.product_id == Product.id) & ~Variant.archived
    left = case((Variant.tracked, Variant.on_hand - Variant.held), else_=0)
    offers = AsArray(func.max(Variant.price), func.min(Variant.tracked.cast(Integer)), func.sum(left))
    # Joined, PostgreSQL would look at the variants of every product before it takes a page of them.
    cheapest = select(AsArray(Variant.lowest_before, *(getattr(Variant, name) for name in CONTENT)))
    first = cheapest.where(of_product).order_by(Variant.price, Variant.position, Variant.id).limit(1)
    return (
        select(
            Product.id,
            Product.slug,
            Product.title,
            Product.summary,
            Product.price,
            Product.position,
            select(offers).where(of_product).scalar_subquery().label("offers"),
            first.scalar_subquery().label("cheapest"),
            Image.path,
            Image.alt,
            Image.width,
            Image.height,
        )
        .outerjoin(Image, (Image.product_id == Product.id) & (Image.position == 0))
        .where(Product.status == "active")
    )


def as_card(row: Row[Any], currency: str) -> Card:
    """The card of a row with `card_columns`."""
    return _card(row, currency, spoken().code)


# The same cards stand on many pages. In their words the language stands, too.
@lru_cache(maxsize=MOST_CARDS)
def _card(row: Row[Any], currency: str, _language: str) -> Card:
    price = format_money(row.price, currency)
    highest, tracked, left = json.loads(row.offers)
    before, *content = json.loads(row.cheapest) if row.cheapest else (None, None)
    # Something that is not counted is there, whatever is left of the rest; without a variant there is nothing.
    counted, one_price = tracked != 0, highest in {None, row.price}
    return Card(
        id=row.id,
        url=f"/products/{row.slug}",
        title=row.title,
        summary=row.summary,
        price=price if one_price else _("From %(price)s", price=price),
        image=Picture(row.path, row.alt, row.width, row.height) if row.path else None,
        stock=stock_level(counted, left or 0),
        stock_text=stock_text(counted, left or 0),
        # Of several prices the lowest may be another's than the one that was reduced.
        was=format_money(before, currency) if before and one_price else "",
        unit_price=unit_price(row.price, currency, Content(*content) if content[0] else None),
    )


async def listing(
    reader: Reader,
    currency: str,
    *,
    collection_id: int | None,
    sort: str,
    after: tuple[Any, int] | None,
    few: bool = False,
    filters: Filters = NOTHING,
) -> Slice:
    """One page of cards; `sort` is a key of SORTS, `after` the sort value and id of the card before. `few` says that
    the collection holds up to 1,000 products."""
    narrow = "" if collection_id is None else "few" if few else "many"
    statement = _listing(sort, narrow, filters.kinds, continued=after is not None)
    value, identity = after or (None, None)
    given = {"collection_id": collection_id, "value": value, "identity": identity, **filters.values()}
    rows = (await reader.execute(statement, {name: x for name, x in given.items() if x is not None})).all()
    column = str(SORTS[sort][1].key)
    return Slice(
        [as_card(row, currency) for row in rows[:PAGE]],
        after=cursor(getattr(rows[PAGE - 1], column), rows[PAGE - 1].id) if len(rows) > PAGE else "",
    )


@lru_cache(maxsize=256)
def _listing(sort: str, narrow: str, kinds: tuple[bool, bool, bool], *, continued: bool) -> Select[Any]:
    """Many: along the sort's index until a page is full. Few: those that there are, sorted; the index would be walked
    to its end for them."""
    _, column, ascending = SORTS[sort]
    query = (
        card_columns()
        .where(Product.listed, *conditions(kinds))
        .order_by(*((column, Product.id) if ascending else (column.desc(), Product.id.desc())))
    )
    if narrow == "few":
        members = _members()
        query = query.join(members, members.c.product_id == Product.id)
    elif narrow:
        is_member = (ProductCollection.collection_id == bindparam("collection_id", type_=Integer)) & (
            ProductCollection.product_id == Product.id
        )
        query = query.where(exists().where(is_member))
    if continued:
        key = tuple_(column, Product.id)
        before = tuple_(bindparam("value", type_=column.type), bindparam("identity", type_=Integer))
        query = query.where(key > before if ascending else key < before)
    return query.limit(PAGE + 1)


def _members() -> Subquery:
    # With an offset neither database folds this into what is around it, so that it is read first.
    query = select(ProductCollection.product_id)
    return query.where(ProductCollection.collection_id == bindparam("collection_id")).offset(0).subquery()


def cursor(value: object, identity: int) -> str:
    """A place in a listing, as it stands in its link."""
    return f"{identity}~{value}"


def read_cursor(text: str, sort: str) -> tuple[Any, int] | None:
    """The place behind a link, or None when somebody made it up."""
    identity, _, value = text.partition("~")
    if not (identity.isascii() and identity.isdigit() and len(identity) < 10):
        return None
    if sort == "title":
        return value, int(identity)
    return (int(value), int(identity)) if value.isascii() and value.isdigit() and len(value) < 10 else None


@lru_cache
def _count(kinds: tuple[bool, bool, bool], *, members: bool) -> Select[Any]:
    found = select(Product.id)
    if members:
        inside = _members()
        found = found.join(inside, inside.c.product_id == Product.id)
    found = found.where(Product.status == "active", Product.listed, *conditions(kinds))
    return select(func.count()).select_from(found.limit(COUNT_STOPS_AT).subquery())


async def count_products(reader: Reader, collection_id: int | None, filters: Filters = NOTHING) -> int:
    """How many active products are listed, counted up to 1,001."""
    statement = _count(filters.kinds, members=collection_id is not None)
    given = filters.values() | ({} if collection_id is None else {"collection_id": collection_id})
    return int((await reader.execute(statement, given)).scalar())


@lru_cache
def _cards(many: int) -> Select[Any]:
    return card_columns().where(Product.id.in_([bindparam(f"id_{n}", type_=Integer) for n in range(many)]))


async def another_currency(session: AsyncSession, currency: str) -> str | None:
    """A currency other than `currency` that something on sale is priced in, if there is one."""
    on_sale = (Product.status == "active") & ~Variant.archived
    query = select(Variant.currency).join(Product, Product.id == Variant.product_id).where(on_sale)
    found: str | None = await session.scalar(query.where(Variant.currency != currency).limit(1))
    return found


async def cards_by_id(reader: Reader, currency: str, ids: Sequence[int]) -> list[Card]:
    """Cards of these products (a page at most), in this order."""
    if not ids:
        return []
    many = MOST_SUGGESTED if len(ids) <= MOST_SUGGESTED else PAGE
    wanted = {f"id_{n}": ids[n] if n < len(ids) else 0 for n in range(many)}
    rows = (await reader.execute(_cards(many), wanted)).all()
    by_id = {row.id: as_card(row, currency) for row in rows}
    return [by_id[identity] for identity in ids if identity in by_id]


COLLECTIONS = select(Collection.id, Collection.slug, Collection.title, Collection.description).order_by(
    Collection.position, Collection.id
)


async def collections(reader: Reader) -> list[CollectionView]:
    """All collections in their order, without their pictures."""
    return [CollectionView(*row) for row in (await reader.execute(COLLECTIONS)).all()]


@lru_cache
def _pictured() -> Select[Any]:
    member, elsewhere = aliased(ProductCollection), aliased(ProductCollection)
    # Two selects deep SQLAlchemy correlates with the nearest only, unless it is told.
    mine = exists().where(member.product_id == Product.id, member.collection_id == Collection.id)
    active = (
        select(Product.id)
        .where(Product.status == "active", Product.listed, mine.correlate(Product, Collection))
        .order_by(Product.position, Product.id)
        .limit(1)
    )
    others = exists().where(elsewhere.product_id == Product.id, elsewhere.collection_id != Collection.id)
    shared = others.correlate(Product, Collection)
    first = func.coalesce(active.where(~shared).scalar_subquery(), active.scalar_subquery())
    return (
        COLLECTIONS.add_columns(Image.path, Image.alt, Image.width, Image.height)
        .select_from(Collection)
        .outerjoin(Image, (Image.product_id == first) & (Image.position == 0))
    )


async def pictured_collections(reader: Reader) -> list[CollectionView]:
    """All collections in their order, each with the picture of its first product, preferably one that is in no
    other collection, so that two of them do not look the same."""
    return [
        CollectionView(
            row.id,
            row.slug,
            row.title,
            row.description,
            Picture(row.path, row.alt, row.width, row.height) if row.path else None,
        )
        for row in (await reader.execute(_pictured())).all()
    ]


VERSION = select(CatalogueVersion.number)


async def version(reader: Reader) -> int:
    """The catalogue's version: what was made from an older one is stale."""
    return (await reader.execute(VERSION)).scalar() or 0
