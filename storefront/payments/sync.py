"""The catalogue from Stripe, one way: everything that is active there is read, then applied in small steps; what is not
there any more is taken off sale. Nothing is ever written to Stripe."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.apply import (
    REFUSED,
    UNCHANGED,
    Outcome,
    ProductRow,
    apply_products,
    archive_products,
    synced_products,
)
from storefront.database import Database, now
from storefront.payments.errors import NotThere
from storefront.payments.gateway import Gateway
from storefront.payments.rows import ID, Unfit, price_ids, product_row
from storefront.payments.rows import product_id as id_of
from storefront.payments.shelf import Shelf, open_shelf
from storefront.settings import Settings

# Stripe allows 100 reads a second, 25 in test mode (docs.stripe.com/rate-limits), and the shop reads too: a page of
# 100, then a pause, stays below 10 however quick the answers are.
PAGE = 100
PAUSE_AFTER_PAGE = 0.1
BATCH = 50
# Writers of other processes wait for SQLite by polling: one batch, one pause, lets them in after a few.
PAUSE_AFTER_BATCH = 0.05
MOST_ASKED = 10

OnOutcome: TypeAlias = Callable[[Outcome], object]
OnProgress: TypeAlias = Callable[[str, int, int | None], object]
Read: TypeAlias = tuple[ProductRow | None, list[Outcome]]


class AnotherCatalogue(Exception):
    """Nothing of what is on sale here is there: the key is missing, or another account's."""


class _OnlyLooking(Exception):
    """A dry run takes back what it did."""


async def sync_catalogue(
    database: Database,
    gateway: Gateway,
    settings: Settings,
    *,
    on_outcome: OnOutcome = lambda _: None,
    on_progress: OnProgress = lambda *_: None,
    dry_run: bool = False,
    archive_all: bool = False,
) -> Counter[str]:
    """Read the whole catalogue and apply it; gives how many rows were created, changed, archived, refused and
    unchanged, each of the first four told to `on_outcome` as it happens. `on_progress` is told the work, how much of
    it is done, and of how much if that is known.

    Raises a PaymentProblem when Stripe cannot be read, and AnotherCatalogue when every product that came from there
    would be archived, unless `archive_all`; then nothing was changed.
    """
    read_at = now()
    tally: Counter[str] = Counter()
    with open_shelf() as shelf:
        lost = await _read(gateway, shelf, on_progress)
        if not lost and not archive_all:
            await _must_be_ours(database, shelf)
        _tell(lost, tally, on_outcome)
        total, done = shelf.count(), 0
        on_progress("applying", done, total)
        for batch in shelf.batches(BATCH):
            read = [
                product_row(product, prices, settings.currency, all_there=not lost)
                for product, prices in batch
            ]
            _tell(await _apply(database, settings, read, read_at, dry_run), tally, on_outcome)
            done += len(batch)
            on_progress("applying", done, total)
            await asyncio.sleep(PAUSE_AFTER_BATCH)
        # What could not be kept may be any of those that seem to be gone.
        async for gone in _gone(database, shelf, all_there=not lost):
            async with _writing(database, dry_run) as session:
                outcomes = await archive_products(session, gone, read_at)
            _tell(outcomes, tally, on_outcome)
            await asyncio.sleep(PAUSE_AFTER_BATCH)
    return tally


async def sync_product(
    database: Database,
    gateway: Gateway,
    settings: Settings,
    product_id: str,
    *,
    dry_run: bool = False,
    archive_all: bool = False,
) -> list[Outcome]:
    """Read one product with its prices and apply it.

    Raises a PaymentProblem when Stripe cannot be read, and AnotherCatalogue when it would be archived because Stripe
    knows neither it nor anything else that came from there, unless `archive_all`; then nothing was changed.
    """
    read_at = now()
    read = await read_product(gateway, settings, product_id)
    if read is not None:
        return await _apply(database, settings, [read], read_at, dry_run)
    async with _writing(database, dry_run=True) as session:
        outcomes = await archive_products(session, [product_id], read_at)
    if outcomes and not archive_all:
        await _must_know_us(database, gateway, product_id)
    if dry_run or not outcomes:
        return outcomes
    async with database.writes() as session:
        return await archive_products(session, [product_id], read_at)


async def read_product(gateway: Gateway, settings: Settings, product_id: str) -> Read | None:
    """A product as it is now, as its row and what was refused of it; None when it is archived or deleted."""
    try:
        product = await gateway.product(product_id)
    except NotThere:
        return None
    if product.get("deleted") or product.get("active") is False:
        return None
    try:
        if id_of(product) != product_id:
            raise Unfit("Stripe answered with another product")
    except Unfit as why:
        return None, [Outcome(product_id, REFUSED, str(why))]
    prices, lost = {}, []
    async for price in gateway.prices({"product": product_id, "active": True}):
        try:
            identity, whose = price_ids(price)
        except Unfit as why:
            lost.append(_lost(price, why))
            continue
        if whose == product_id:
            prices[identity] = price
    row, refused = product_row(product, list(prices.values()), settings.currency, all_there=not lost)
    return row, [*lost, *refused]


async def apply_one(
    session: AsyncSession, settings: Settings, product_id: str, read: Read | None, read_at: datetime
) -> list[Outcome]:
    """Apply what `read_product` gave, inside a write transaction."""
    if read is None:
        return await archive_products(session, [product_id], read_at)
    return await apply_read(session, settings, [read], read_at)


async def apply_read(
    session: AsyncSession, settings: Settings, read: list[Read], read_at: datetime
) -> list[Outcome]:
    refused = [one for _, outcomes in read for one in outcomes]
    rows = [row for row, _ in read if row is not None]
    return [*refused, *await apply_products(session, settings.currency, rows, read_at)]


async def _apply(
    database: Database, settings: Settings, read: list[Read], read_at: datetime, dry_run: bool
) -> list[Outcome]:
    """Apply some products in one transaction; should the database refuse them, each in its own, so that one does not
    keep the others."""
    try:
        async with _writing(database, dry_run) as session:
            return await apply_read(session, settings, read, read_at)
    except (IntegrityError, DataError) as error:
        row, refused = read[0]
        if len(read) > 1:
            return [
                outcome
                for one in read
                for outcome in await _apply(database, settings, [one], read_at, dry_run)
            ]
        if row is None:
            raise
        text = f"{row.title}: the database refused it ({type(error).__name__})"
        return [*refused, Outcome(row.id, REFUSED, text)]


async def _read(gateway: Gateway, shelf: Shelf, on_progress: OnProgress) -> list[Outcome]:
    """Put everything on the shelf, and give the refusals of what cannot be kept there. Products first: a price without
    its product is passed over, and Stripe tells us of it by an event."""
    lost = []
    for what, rows, put in (
        ("reading products", gateway.products({"active": True}), shelf.put_product),
        ("reading prices", gateway.prices({"active": True}), shelf.put_price),
    ):
        done = 0
        on_progress(what, done, None)
        async for row in rows:
            try:
                if not isinstance(row, dict) or row.get("active") is not False:
                    put(row)
            except Unfit as why:
                lost.append(_lost(row, why))
            done += 1
            if done % PAGE == 0:
                on_progress(what, done, None)
                await asyncio.sleep(PAUSE_AFTER_PAGE)
        on_progress(what, done, done)
    return lost


def _lost(row: Any, why: Unfit) -> Outcome:
    """The refusal of a row that nobody could find again."""
    identity = row.get("id") if isinstance(row, dict) else None
    known = isinstance(identity, str) and ID.fullmatch(identity)
    return Outcome(str(identity) if known else "?", REFUSED, f"{why}; so nothing is archived this time")


async def _must_be_ours(database: Database, shelf: Shelf) -> None:
    after = 0
    while True:
        async with database.reads() as session:
            known = await synced_products(session, after, PAGE)
        if not known and after:
            raise AnotherCatalogue
        if not known or len(shelf.missing([identity for _, identity in known])) < len(known):
            return
        after = known[-1][0]


async def _must_know_us(database: Database, gateway: Gateway, product_id: str) -> None:
    """Stripe knows this product, archived, or another one of those that came from there."""
    async with database.reads() as session:
        known = await synced_products(session, 0, MOST_ASKED)
    for identity in [product_id, *(one for _, one in known if one != product_id)]:
        with suppress(NotThere):
            await gateway.product(identity)
            return
    raise AnotherCatalogue


async def _gone(database: Database, shelf: Shelf, *, all_there: bool) -> AsyncIterator[list[str]]:
    """Products on sale here that Stripe has archived or deleted, some at a time."""
    after = 0
    while all_there:
        async with database.reads() as session:
            known = await synced_products(session, after, PAGE)
        if not known:
            return
        after = known[-1][0]
        gone = shelf.missing([identity for _, identity in known])
        if gone:
            yield gone


@asynccontextmanager
async def _writing(database: Database, dry_run: bool) -> AsyncIterator[AsyncSession]:
    """A write transaction that a dry run takes back."""
    try:
        async with database.writes() as session:
            yield session
            if dry_run:
                raise _OnlyLooking
    except _OnlyLooking:
        pass


def _tell(outcomes: list[Outcome], tally: Counter[str], on_outcome: OnOutcome) -> None:
    for one in outcomes:
        tally[one.what] += 1
        if one.what != UNCHANGED:
            on_outcome(one)
