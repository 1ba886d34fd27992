"""How long messages keep what stands in them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from storefront.database import Database, move_clock, now
from storefront.outbox.again import send_again
from storefront.outbox.keep import forget_what_was_written
from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.outbox.send import send_due
from storefront.outbox.write import leave_message
from tests.outbox.letters import ORDER, leave, row
from tests.outbox.test_again import storefront

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _the_clock_is_put_back() -> Iterator[None]:
    yield
    move_clock(timedelta(0))


async def leave_link(database: Database, key: str = "link") -> None:
    async with database.writes() as session:
        more = {"recipient": "anna@example.org", "template": "order-paid", "opens_until": now() + HOUR}
        assert await leave_message(session, key=key, data=ORDER, **more)  # type: ignore[arg-type]


async def give_up(database: Database) -> None:
    async with database.writes() as session:
        await session.execute(update(Message).values(given_up_at=now()))


async def after(database: Database, **time: float) -> None:
    """Let time pass, and have the worker clean."""
    move_clock(timedelta(**time))
    async with database.writes() as session:
        await forget_what_was_written(session)


async def held(database: Database, key: str) -> tuple[bool, bool]:
    """Whether a message still has its recipient, and its content."""
    found = await row(database, key)
    return bool(found.recipient), bool(found.data)


async def test_a_link_is_forgotten_as_soon_as_it_was_sent(database: Database, mailer: Mailer) -> None:
    await leave_link(database)
    await leave(database, "order")
    assert await send_due(database, mailer) == 2
    assert await held(database, "link") == (True, False)
    assert await held(database, "order") == (True, True)


async def test_what_was_sent_is_emptied_after_30_days_and_its_key_stays(
    database: Database, mailer: Mailer
) -> None:
    await leave_link(database)
    await leave(database, "order")
    assert await send_due(database, mailer) == 2
    await after(database, days=29)
    assert [await held(database, key) for key in ("link", "order")] == [(True, False), (True, True)]
    await after(database, days=31)
    assert [await held(database, key) for key in ("link", "order")] == [(False, False)] * 2
    async with database.writes() as session:
        again = await leave_message(session, key="order", recipient="a@b.example", template="t", data={})
    assert not again, "one cause, one message"


async def test_what_was_given_up_can_be_sent_for_30_days(database: Database, mailer: Mailer) -> None:
    await leave(database, "order")
    await give_up(database)
    await after(database, days=29)
    assert await held(database, "order") == (True, True)
    async with database.writes() as session:
        assert await send_again(session) == 1
    await give_up(database)
    await after(database, days=60)
    assert await held(database, "order") == (False, False)


async def test_a_link_that_was_given_up_goes_a_day_after_its_end(database: Database) -> None:
    await leave_link(database)
    await give_up(database)
    await after(database, hours=24)
    assert await held(database, "link") == (True, True)
    await after(database, hours=26)
    assert await held(database, "link") == (False, False)


async def test_what_waits_is_not_touched(database: Database) -> None:
    await leave(database, "order")
    await leave_link(database)
    await after(database, days=365)
    assert [await held(database, key) for key in ("link", "order")] == [(True, True)] * 2


async def test_what_holds_nothing_any_more_is_listed_and_not_sent_again(
    database: Database, database_url: str, mailer: Mailer, tmp_path: Path
) -> None:
    await leave(database, "one")
    await give_up(database)
    await after(database, days=31)
    number = (await row(database)).id
    code, said = await storefront(database_url, tmp_path, "messages", "list", "--failed")
    assert code == 0
    assert "order-paid  (forgotten)" in said
    code, said = await storefront(database_url, tmp_path, "messages", "again", str(number))
    assert code == 1
    assert "1 of them" in said
    assert await storefront(database_url, tmp_path, "messages", "again", "--all") == (
        0,
        "0 messages will be tried again\n",
    )
    assert await send_due(database, mailer) == 0
