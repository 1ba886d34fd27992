"""How long messages keep what stands in them. A row stays with its key, by which one cause sends one message; its
recipient and its data go: 30 days after it was sent or given up, a mailed link as soon as it was sent, or a day after
it stopped opening anything."""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import now
from storefront.outbox.models import Message

KEEP = timedelta(days=30)
KEEP_DEAD_LINKS = timedelta(days=1)
MOST_AT_ONCE = 500
NOTHING = {"recipient": "", "data": {}, "error": ""}


async def forget_what_was_written(session: AsyncSession) -> None:
    """Empty what was kept for long enough."""
    old = now() - KEEP
    dead_link = (Message.opens_until < now() - KEEP_DEAD_LINKS) & Message.given_up_at.is_not(None)
    over = or_(Message.sent_at < old, Message.given_up_at < old, dead_link & Message.sent_at.is_(None))
    some = select(Message.id).where(Message.recipient != "", over).limit(MOST_AT_ONCE)
    await session.execute(update(Message).where(Message.id.in_(some)).values(NOTHING))


async def sent_to(session: AsyncSession, email: str) -> list[Message]:
    """What was sent to an address, as long as it is remembered; the oldest first."""
    query = select(Message).where(_to(email), Message.sent_at.is_not(None)).order_by(Message.id)
    return list(await session.scalars(query))


async def forget_recipient(session: AsyncSession, email: str, unsent: str) -> None:
    """Empty what was sent to an address or given up; of what waits, that whose key begins with `unsent` is not sent
    any more."""
    waits = Message.sent_at.is_(None) & Message.given_up_at.is_(None)
    await session.execute(update(Message).where(_to(email), ~waits).values(NOTHING))
    await session.execute(delete(Message).where(_to(email), waits, Message.key.startswith(unsent)))


def _to(email: str) -> ColumnElement[bool]:
    # SQLite's lower() knows ASCII only, so an address in other letters is found as it was typed.
    return or_(Message.recipient == email, func.lower(Message.recipient) == email.lower())
