"""Finding an order again by its number and e-mail address.

Who asks is told the same, after the same work, whether there is such an order or not: the question is a row, and the
worker answers it with a message to the order's own address, or not at all.
"""

import secrets

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database
from storefront.language import speaking
from storefront.orders.messages import tell_shopper
from storefront.orders.models import PAID, Lookup, Order
from storefront.orders.next import whats_next
from storefront.orders.queries import OrderView, order_view
from storefront.orders.words import title_of
from storefront.outbox.again import send_again
from storefront.outbox.models import Message
from storefront.settings import Settings

LINK, CONFIRMATION = "link", "confirmation"
MOST_A_ROUND = 50


def ask_for_link(session: AsyncSession, number: str, email: str, wanted: str) -> None:
    """Put the question down. `wanted`: LINK, or CONFIRMATION for the confirmation of a paid order once more."""
    key = secrets.token_urlsafe(12)
    session.add(Lookup(key=key, number=number, email_key=email.lower(), wanted=wanted))


async def answer_lookups(database: Database, settings: Settings) -> None:
    """Send what was asked for, to the address that the order has. Several workers may do this at once."""
    async with database.reads() as session:
        if await session.scalar(select(Lookup.id).limit(1)) is None:
            return
    query = select(Lookup).order_by(Lookup.id).limit(MOST_A_ROUND)
    async with database.writes() as session:
        for one in list(await session.scalars(query.with_for_update(skip_locked=True))):
            same = (Order.number == one.number) & (Order.email_key == one.email_key)
            view = await order_view(session, same)
            if view is not None and one.wanted == CONFIRMATION and view.order.state == PAID:
                await confirm_again(session, settings, view, one.key)
            elif view is not None:
                state = _state_of(view)
                await tell_shopper(session, settings, view.order, "order-link", one.key, state_text=state)
            await session.execute(delete(Lookup).where(Lookup.id == one.id))


def _state_of(view: OrderView) -> str:
    """Where the order stands, in a sentence or two of its language."""
    with speaking(view.order.language):
        return _next(view) or f"{title_of(view.order)}."


def _next(view: OrderView) -> str:
    with speaking(view.order.language):
        return whats_next(
            view.order,
            view.lines,
            sent=bool(view.shipments),
            lost=view.lost,
            stuck=view.stuck,
            late=bool(view.late),
        )


async def confirm_again(session: AsyncSession, settings: Settings, view: OrderView, cause: str) -> None:
    """Have the confirmation of a paid order sent once more for each `cause`, to the order's address; one that was given
    up is tried again instead, and one that waits goes out anyway."""
    order = view.order
    first = await session.scalar(select(Message).where(Message.key == f"order:{order.id}:order-paid"))
    if first is not None and first.sent_at is None and first.recipient:
        await send_again(session, [first.id])
        return
    await tell_shopper(session, settings, order, "order-paid", cause, next_text=_next(view))
