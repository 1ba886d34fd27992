"""Leaving a message: written in the transaction of what it tells of, so that both come to be or neither."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.language import spoken
from storefront.outbox.models import Message


async def leave_message(
    session: AsyncSession,
    *,
    key: str,
    recipient: str,
    template: str,
    data: dict[str, Any],
    opens_until: datetime | None = None,
) -> bool:
    """Leave a message, in the spoken language, in the caller's transaction, once per `key`; False when it was
    left before.

    `template` is a name below templates/emails/ without its ending, `data` plain JSON that holds every name
    which the template is given; `opens_until` goes with a link that opens something until then. The message's id
    stays the same however often it is sent, so that a repeat is recognised.
    """
    if await session.scalar(select(Message.id).where(Message.key == key)) is not None:
        return False
    message = Message(
        key=key,
        recipient=recipient,
        template=template,
        language=spoken().code,
        data=data,
        message_id=f"{uuid4().hex}@storefront",
        opens_until=opens_until,
    )
    try:
        # Somebody may have left it since we looked; the savepoint keeps the caller's transaction whole.
        async with session.begin_nested():
            session.add(message)
    except IntegrityError:
        return False
    return True
