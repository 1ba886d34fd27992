"""What order e-mails are given, letters in the outbox, and how to read what came out of it."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from storefront.database import Database, now
from storefront.outbox.models import Message
from storefront.outbox.write import leave_message
from tests.outbox.samples import ORDER, URL

__all__ = ["ORDER", "URL"]


async def leave(database: Database, *keys: str, **changed: Any) -> None:
    """Leave a confirmation for each key, with `changed` in its data or, for the recipient, in its row."""
    recipient = changed.pop("recipient", "anna@example.org")
    async with database.writes() as session:
        for key in keys:
            assert await leave_message(
                session, key=key, recipient=recipient, template="order-paid", data=ORDER | changed
            )


async def row(database: Database, key: str = "one") -> Message:
    async with database.reads() as session:
        return (await session.scalars(select(Message).where(Message.key == key))).one()


async def let_time_pass(database: Database, **time: float) -> None:
    """Everything that is unsent comes nearer by so much."""
    async with database.writes() as session:
        for message in await session.scalars(select(Message).where(Message.sent_at.is_(None))):
            message.next_try_at -= timedelta(**time)


async def make_due(database: Database) -> None:
    async with database.writes() as session:
        await session.execute(update(Message).values(next_try_at=now()))


def read(content: bytes | Path) -> EmailMessage:
    content = content.read_bytes() if isinstance(content, Path) else content
    return message_from_bytes(content, policy=policy.default)


def text_of(mail: EmailMessage) -> str:
    return _part(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")
