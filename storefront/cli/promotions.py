"""storefront promotions list | offer | end: discount codes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import click
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cli.start import fail, with_database
from storefront.cli.words import Whole, is_amount, many
from storefront.database import Database, now
from storefront.money import decimals, format_money
from storefront.orders.queries import used_by_others
from storefront.promotions.change import CannotOffer, end, offer, promotions
from storefront.promotions.models import Promotion
from storefront.settings import Settings

LAST_YEAR = 2999


@click.group("promotions")
def promotions_group() -> None:
    """Give out discount codes, and end them. CODE is what shoppers type, in letters of any size."""


@promotions_group.command("list")
def list_promotions() -> None:
    """All codes, the newest first, and how many orders have each."""

    async def work(found: Settings, database: Database) -> None:
        async with database.reads() as session:
            for one in await promotions(session):
                click.echo(await _words(session, one, found.currency))

    with_database(work)


@promotions_group.command("offer")
@click.argument("code")
@click.option("--percent", type=Whole(1, 100), help="So much of the goods' price comes off.")
@click.option("--amount", help="This amount comes off, such as 4.90; at most what the goods cost.")
@click.option("--from", "minimum", default="0", help="Counts for goods of this amount or more.")
@click.option("--most", type=Whole(1, 1_000_000), help="So many orders may have it.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Its last day (UTC).")
def offer_code(
    code: str, percent: int | None, amount: str | None, minimum: str, most: int | None, until: datetime | None
) -> None:
    """Give out CODE from now on: a percentage or an amount off the goods, never off their delivery."""
    if until is not None and until.year > LAST_YEAR:
        fail(f"{until:%Y-%m-%d} is too far away; without --until it does not end")
    ends_at = until.replace(tzinfo=UTC) + timedelta(days=1) if until else None

    async def work(found: Settings, database: Database) -> None:
        async with database.writes() as session:
            made = await offer(
                session,
                code,
                found.currency,
                percent=percent,
                amount=_minor(amount, found.currency) if amount is not None else None,
                minimum=_minor(minimum, found.currency),
                most_orders=most,
                ends_at=ends_at,
            )
            click.echo(await _words(session, made, found.currency))

    _try(work)


@promotions_group.command("end")
@click.argument("code")
def end_code(code: str) -> None:
    """CODE counts for no order that is placed from now on. Orders that have it keep it, until they are cancelled."""

    async def work(found: Settings, database: Database) -> None:
        async with database.writes() as session:
            ended = await end(session, code)
            if ended is None:
                raise CannotOffer(f"there is no code {code}")
            click.echo(await _words(session, ended, found.currency))

    _try(work)


def _try(work: Callable[[Settings, Database], Awaitable[None]]) -> None:
    try:
        with_database(work)
    except CannotOffer as error:
        fail(str(error))


def _minor(text: str, currency: str) -> int:
    """An amount as it is written on the command line, in minor units."""
    exact = Decimal(text) * 10 ** decimals(currency) if is_amount(text) else None
    if exact is None or exact != int(exact):
        raise CannotOffer(f"{text} is no amount in {currency}")
    return int(exact)


async def _words(session: AsyncSession, one: Promotion, currency: str) -> str:
    """A line about a code: what it is worth, its conditions, and what came of it."""
    off = f"{one.percent}%" if one.percent is not None else format_money(one.amount or 0, currency)
    parts = [f"{one.code}  {off} off"]
    if one.minimum:
        parts.append(f"from {format_money(one.minimum, currency)}")
    if one.ends_at is not None:
        parts.append(f"{'ended' if one.ends_at <= now() else 'until'} {one.ends_at:%Y-%m-%d %H:%M} UTC")
    used = await used_by_others(session, one.id, 0)
    parts.append(f"{used} of {many(one.most_orders, 'order')}" if one.most_orders else many(used, "order"))
    return ", ".join(parts)
