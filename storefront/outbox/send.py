"""Sending what is due: claimed, sent with no transaction open, marked. What fails is tried again later.

A process that is killed between sending and marking sends once more when its lease has run out.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select, update

from storefront.database import Database, now
from storefront.outbox.mailer import Mailer, NotSent
from storefront.outbox.models import Message
from storefront.steps import step

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
MOST_TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 6 * 3600.0
ROUND_LIMIT = 20.0
TIME_TO_FINISH = 5.0
MARK_AGAIN_AFTER = (1, 3, 5)


async def send_due(database: Database, mailer: Mailer, *, most: int = 20) -> int:
    """Send up to `most` messages that are due; gives how many went out. Several processes may call it.

    No message is begun after 20 seconds, and each takes at most 30. Raises the database's errors.
    """
    began, sent = time.monotonic(), 0
    for _ in range(most):
        message = await claim(database) if time.monotonic() - began < ROUND_LIMIT else None
        if message is None:
            break
        sent += await _to_its_end(_deliver(database, mailer, message))
    return sent


async def claim(database: Database) -> Message | None:
    """Take the message that has been due longest, if there is one: nobody else gets it for 60 seconds.

    One at a time, so that a slow mail server cannot use up the lease of those behind.
    """
    due = (
        select(Message)
        .where(Message.sent_at.is_(None), Message.given_up_at.is_(None), Message.next_try_at <= now())
        .order_by(Message.next_try_at, Message.id)
        .limit(1)
    )
    async with database.reads() as session:
        if await session.scalar(due.with_only_columns(Message.id)) is None:
            return None
    async with database.writes() as session:
        # On SQLite the write transaction is the lock, and these words are left out.
        message = await session.scalar(due.with_for_update(skip_locked=True))
        if message is not None:
            message.tries += 1
            message.next_try_at = now() + LEASE
    return message


async def _deliver(database: Database, mailer: Mailer, message: Message) -> bool:
    try:
        if message.tries > MOST_TRIES:
            raise NotSent("The process ended in the middle of the last try")
        step("send: claimed")
        await mailer.send(message)
    except NotSent as error:
        await _note_failure(database, message, str(error))
        return False
    step("send: sent")
    await _mark_sent(database, message)
    step("send: marked")
    return True


async def _mark_sent(database: Database, message: Message) -> None:
    # The message is out. A mark that is lost would send it again, so a busy database is asked more than once.
    done: dict[str, Any] = {"sent_at": now(), "error": ""}
    if message.opens_until is not None:
        # Whoever reads the database later finds no link that opens something.
        done["data"] = {}
    for pause in (*MARK_AGAIN_AFTER, 0):
        try:
            async with database.writes() as session:
                await session.execute(update(Message).where(Message.id == message.id).values(done))
            return
        except Exception:
            if not pause:
                raise
            await asyncio.sleep(pause)


async def _note_failure(database: Database, message: Message, error: str) -> None:
    gives_up = message.tries >= MOST_TRIES
    async with database.writes() as session:
        await session.execute(
            update(Message)
            # Unless somebody else has claimed it since.
            .where(Message.id == message.id, Message.next_try_at == message.next_try_at)
            .where(Message.sent_at.is_(None))
            .values(
                error=error,
                next_try_at=now() + timedelta(seconds=pause_after(message.tries)),
                given_up_at=now() if gives_up else None,
            )
        )
    say = log.error if gives_up else log.warning
    say(
        "message given up" if gives_up else "message not sent",
        message=message.id,
        template=message.template,
        tries=message.tries,
        error=error,
    )


def pause_after(tries: int) -> float:
    """Seconds until the next try after so many: 30 s, three times longer each time, at most 6 h.

    A fifth up or down at random, so that what failed together does not come back together.
    """
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 3 ** (tries - 1))) * random.uniform(0.8, 1.2)  # noqa: S311


async def _to_its_end(work: Coroutine[Any, Any, bool]) -> bool:
    # To be stopped between sending and marking is to send twice: the message in hand gets time to finish.
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        loop = asyncio.get_running_loop()
        end = loop.time() + TIME_TO_FINISH
        while not task.done() and loop.time() < end:
            # Whoever ends us may ask again and again, as the worker does: that must not cut the time short.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=end - loop.time())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
