import asyncio
import contextlib

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database
from storefront.outbox.models import Message, WorkerBeat
from storefront.outbox.write import leave_message
from tests.outbox.letters import leave, row


async def test_a_message_is_left_once_per_key(database: Database) -> None:
    await leave(database, "one")
    async with database.writes() as session:
        again = await leave_message(
            session, key="one", recipient="bob@example.org", template="refunded", data={}
        )
    assert not again
    kept = await row(database)
    assert (kept.recipient, kept.template) == ("anna@example.org", "order-paid")
    assert kept.data["lines"][1]["variant_title"] == "Indigo"
    assert kept.message_id.endswith("@storefront")


async def test_twice_in_one_transaction_is_once(database: Database) -> None:
    async with database.writes() as session:
        found = [
            await leave_message(session, key="one", recipient="a@b.example", template="refunded", data={})
            for _ in range(2)
        ]
    assert found == [True, False]


async def test_messages_have_ids_of_their_own(database: Database) -> None:
    await leave(database, "one", "two")
    assert (await row(database, "one")).message_id != (await row(database, "two")).message_id


async def test_what_did_not_happen_is_not_told(database: Database) -> None:
    async def fail_after_leaving() -> None:
        async with database.writes() as session:
            await leave_message(session, key="one", recipient="a@b.example", template="refunded", data={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_leaving()
    async with database.reads() as session:
        assert await session.scalar(select(func.count(Message.id))) == 0


async def test_two_at_once_leave_one_and_both_transactions_live_on(database: Database) -> None:
    first_has_left, second_is_in = asyncio.Event(), asyncio.Event()

    async def leave_in(session: AsyncSession, name: str) -> bool:
        session.add(WorkerBeat(name=f"before {name}"))
        await session.flush()
        return await leave_message(session, key="one", recipient="a@b.example", template="refunded", data={})

    async def first() -> bool:
        async with database.writes() as session:
            left = await leave_in(session, "first")
            first_has_left.set()
            # SQLite keeps the second one out, PostgreSQL lets it in and holds it at the unique index.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(second_is_in.wait(), 0.3)
            await asyncio.sleep(0.2)
        return left

    async def second() -> bool:
        await first_has_left.wait()
        async with database.writes() as session:
            await session.execute(select(Message.id))
            second_is_in.set()
            left = await leave_in(session, "second")
            session.add(WorkerBeat(name="after second"))
        return left

    assert list(await asyncio.gather(first(), second())) == [True, False]
    async with database.reads() as session:
        assert await session.scalar(select(func.count(Message.id))) == 1
        assert await session.scalar(select(func.count(WorkerBeat.name))) == 3
