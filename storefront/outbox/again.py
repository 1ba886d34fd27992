"""Messages looked at by staff, and sent once more after they were given up."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import now
from storefront.outbox.models import Message


async def newest_messages(session: AsyncSession, *, given_up: bool, most: int) -> list[Message]:
    """The newest messages, or those of them that were given up."""
    query = select(Message).order_by(Message.id.desc()).limit(most)
    if given_up:
        query = query.where(Message.given_up_at.is_not(None))
    return list(await session.scalars(query))


async def send_again(session: AsyncSession, message_ids: list[int] | None = None) -> int:
    """Have given-up messages tried anew by the worker, all of them unless told which, but for those that hold
    nothing any more; how many there are."""
    query = update(Message).where(
        Message.given_up_at.is_not(None), Message.sent_at.is_(None), Message.recipient != ""
    )
    if message_ids is not None:
        query = query.where(Message.id.in_(message_ids))
    done = await session.execute(
        query.values(given_up_at=None, tries=0, next_try_at=now()).returning(Message.id)
    )
    return len(done.all())
