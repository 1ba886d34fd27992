"""Withdrawing from a contract, as consumers in the European Union may (Directive 2011/83/EU, Article 11a, which holds
from 19 June 2026: https://eur-lex.europa.eu/eli/dir/2023/2673/oj). A declaration is kept and confirmed with its date
and time whatever it names; what follows from it is for the owner, who sees it before anything else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database, now
from storefront.language import ENGLISH, at, dated, speaking
from storefront.language import gettext as _
from storefront.orders.change import note, raise_attention
from storefront.orders.models import AWAITING, PAID, Order, Withdrawal
from storefront.orders.next import WITHDRAWN, is_refunded
from storefront.orders.queries import OrderView, lock_order
from storefront.outbox.write import leave_message
from storefront.settings import Settings

MOST_A_ROUND = 50
# Of one order: whoever declares more often is heard, and staff are not told each time.
MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody declares. `key` is the secret of its page; `things` are in our own words, "" for all of them."""

    key: str
    name: str
    number: str
    email: str
    things: str = ""


def may_withdraw(view: OrderView, days: int) -> bool:
    """Whether the order's page offers it: from its payment until `days` after its last parcel left, or as long as none
    has; never with 0 days."""
    order = view.order
    over = is_refunded(order) or order.called_off_at is not None
    if not days or order.state != PAID or over:
        return False
    last = max((one.shipped_at for one in view.shipments), default=None)
    return last is None or now() < last + timedelta(days=days)


async def declare(session: AsyncSession, settings: Settings, declared: Declared, base: str) -> Withdrawal:
    """Keep a declaration and confirm it to the address that it gives, once per key; `base` is the shop's address. The
    worker looks for the order."""
    same = select(Withdrawal).where(Withdrawal.key == declared.key)
    if (found := await session.scalar(same)) is not None:
        return found
    row = Withdrawal(
        key=declared.key,
        name=declared.name,
        number=declared.number,
        email=declared.email,
        things=declared.things,
    )
    try:
        # The same press may have come twice at once; the savepoint keeps the caller's transaction whole.
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return (await session.scalars(same)).one()
    data = _data(settings, row) | {"url": base + at(f"/withdraw/{row.key}")}
    await leave_message(
        session,
        key=f"withdrawal:{row.key}:received",
        recipient=row.email,
        template="withdrawal-received",
        data=data,
    )
    return row


async def find_withdrawn(database: Database, settings: Settings) -> None:
    """Bring new declarations to their orders and before the owner. Several workers may do this at once."""
    waiting = select(Withdrawal.id).where(Withdrawal.looked_at.is_(None)).order_by(Withdrawal.id)
    async with database.reads() as session:
        found = list(await session.scalars(waiting.limit(MOST_A_ROUND)))
    for row_id in found:
        async with database.writes() as session:
            await _find(session, settings, row_id)


async def _find(session: AsyncSession, settings: Settings, row_id: int) -> None:
    row = await session.get_one(Withdrawal, row_id)
    same = (Order.number == row.number) & (Order.email_key == row.email.lower())
    order = await lock_order(session, same)
    mine = select(Withdrawal).where(Withdrawal.id == row_id, Withdrawal.looked_at.is_(None))
    if await session.scalar(mine.with_for_update().execution_options(populate_existing=True)) is None:
        return
    row.looked_at = now()
    if order is None:
        await _tell_owner(session, settings, row, "", "")
        return
    row.order_id = order.id
    await session.flush()
    declared = await session.scalar(select(func.count()).where(Withdrawal.order_id == order.id))
    if int(declared or 0) > MOST_TOLD:
        return
    kind, data = ("withdrawn-part", {"things": row.things}) if row.things else ("withdrawn", {})
    note(session, order, kind, **data)
    over = is_refunded(order) or order.called_off_at is not None
    if order.state in {PAID, AWAITING} and not over and WITHDRAWN not in order.attention:
        raise_attention(order, f"{WITHDRAWN}{when(row.received_at)}")
    await _tell_owner(session, settings, row, order.number, f"{order.origin}/orders/{order.token}")


async def _tell_owner(
    session: AsyncSession, settings: Settings, row: Withdrawal, number: str, url: str
) -> None:
    with speaking(ENGLISH.code):
        data = _data(settings, row) | {"order_number": number, "url": url, "email": row.email}
        await leave_message(
            session,
            key=f"withdrawal:{row.key}:owner",
            recipient=settings.shop_email,
            template="withdrawal-owner",
            data=data,
        )


def _data(settings: Settings, row: Withdrawal) -> dict[str, str]:
    return {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "name": row.name,
        "number": row.number,
        "things": row.things,
        "received": when(row.received_at),
        "email": row.email,
    }


def when(moment: datetime) -> str:
    """Date and time of a declaration, for its confirmation."""
    return dated(moment, _("d MMMM y, HH:mm:ss 'UTC'"))


async def newest_withdrawals(session: AsyncSession, most: int) -> list[tuple[Withdrawal, Order | None]]:
    """The newest declarations, each with the order that fits, for staff."""
    query = (
        select(Withdrawal, Order)
        .join(Order, Order.id == Withdrawal.order_id, isouter=True)
        .order_by(Withdrawal.id.desc())
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]
