"""Spending credits: never more than there are, however many ask at once, and once per key."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import delete, func, select

from storefront.accounts.change import create_account
from storefront.accounts.models import Account
from storefront.credits.ledger import KeyUsed, NotEnoughCredits, NotOwed, adjust, adjust_owed, spend
from storefront.credits.models import CreditBalance, CreditEntry
from storefront.credits.queries import balance_of, entries_of
from storefront.database import Database
from tests.accounts.people import HASH, new_email
from tests.compiled import open_database
from tests.faults.ledger import wrong_in_ledger


@pytest.fixture
async def account(database: Database) -> int:
    """Somebody with 100 credits."""
    async with database.writes() as session:
        account_id = (await create_account(session, new_email(), HASH, verified=True)).id
        await adjust(session, account_id, 100, "A present", "present")
        return account_id


async def try_to_spend(database: Database, account: int, amount: int, key: str) -> str:
    try:
        async with database.writes() as session:
            await spend(session, account, amount, "An hour", key)
    except NotEnoughCredits:
        return "too few"
    return "spent"


async def look(database: Database, account: int) -> tuple[tuple[int, int], int]:
    """Balance and what is owed, and the number of entries; the ledger adds up."""
    async with database.reads() as session:
        assert await wrong_in_ledger(session) == []
        number = await session.scalar(select(func.count()).where(CreditEntry.account_id == account))
        return await balance_of(session, account), int(number or 0)


async def test_a_hundred_at_once_never_overdraw(database: Database, account: int) -> None:
    """Two processes, two locks of their own: the row in the database is what holds."""
    other = open_database(database.url)
    tries = [try_to_spend((database, other)[n % 2], account, 7, f"try-{n}") for n in range(100)]
    outcomes = Counter(await asyncio.gather(*tries))
    await other.close()
    assert outcomes == {"spent": 14, "too few": 86}
    assert await look(database, account) == ((2, 0), 15)


async def test_the_same_key_at_once_spends_once(database: Database, account: int) -> None:
    other = open_database(database.url)
    tries = [try_to_spend((database, other)[n % 2], account, 60, "lesson-1") for n in range(10)]
    assert set(await asyncio.gather(*tries)) == {"spent"}
    await other.close()
    assert await look(database, account) == ((40, 0), 2)


async def test_the_first_entries_of_an_account_at_once(database: Database) -> None:
    async with database.writes() as session:
        account = (await create_account(session, new_email(), HASH, verified=True)).id
    other = open_database(database.url)

    async def give(number: int) -> None:
        async with (database, other)[number % 2].writes() as session:
            await adjust(session, account, 5, "A present", f"present-{number}")

    await asyncio.gather(*(give(number) for number in range(8)))
    await other.close()
    assert await look(database, account) == ((40, 0), 8)


async def test_a_repeat_gives_the_same_entry_and_another_amount_is_refused(
    database: Database, account: int
) -> None:
    async with database.writes() as session:
        first = await spend(session, account, 30, "An hour", "lesson")
        again = await spend(session, account, 30, "An hour", "lesson")
        assert (first.id, first.balance) == (again.id, 70)
    with pytest.raises(KeyUsed):
        async with database.writes() as session:
            await spend(session, account, 31, "An hour", "lesson")
    assert await look(database, account) == ((70, 0), 2)


async def test_one_key_may_be_used_by_two_accounts(database: Database, account: int) -> None:
    async with database.writes() as session:
        other = (await create_account(session, new_email(), HASH, verified=True)).id
        await adjust(session, other, 100, "A present", "present")
        await spend(session, account, 10, "An hour", "lesson")
        await spend(session, other, 20, "An hour", "lesson")
    assert (await look(database, account))[0] == (90, 0)
    assert (await look(database, other))[0] == (80, 0)


@pytest.mark.parametrize("amount", [0, -1, 10**15 + 1])
async def test_what_is_no_amount_cannot_be_spent(database: Database, account: int, amount: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        async with database.writes() as session:
            await spend(session, account, amount, "An hour", "lesson")
    with pytest.raises(ValueError, match="whole number"):
        async with database.writes() as session:
            await adjust(session, account, 0, "Nothing", "nothing")
    assert await look(database, account) == ((100, 0), 1)


async def test_nobody_and_nothing_below_zero(database: Database, account: int) -> None:
    with pytest.raises(LookupError):
        async with database.writes() as session:
            await spend(session, account + 999, 1, "An hour", "lesson")
    with pytest.raises(NotEnoughCredits):
        async with database.writes() as session:
            await adjust(session, account, -101, "Mistake", "mistake")
    with pytest.raises(NotOwed):
        async with database.writes() as session:
            await adjust_owed(session, account, -1, "Nothing is owed", "nothing")
    assert await look(database, account) == ((100, 0), 1)


async def test_what_is_rolled_back_was_not_spent(database: Database, account: int) -> None:
    async def book() -> None:
        async with database.writes() as session:
            await spend(session, account, 50, "An hour", "lesson")
            raise RuntimeError("the lesson could not be booked")

    with pytest.raises(RuntimeError):
        await book()
    assert await look(database, account) == ((100, 0), 1)


async def test_the_ledger_goes_with_its_account(database: Database, account: int) -> None:
    async with database.writes() as session:
        await session.execute(delete(Account).where(Account.id == account))
    async with database.reads() as session:
        assert await session.scalar(select(func.count()).select_from(CreditEntry)) == 0
        assert await session.scalar(select(func.count()).select_from(CreditBalance)) == 0


async def test_entries_come_in_pages(database: Database, account: int) -> None:
    async with database.writes() as session:
        for number in range(4):
            await spend(session, account, 1, f"Hour {number}", f"lesson-{number}")
    async with database.reads() as session:
        newest = await entries_of(session, account, most=3)
        older = await entries_of(session, account, before=newest[-1].id)
    assert [one.balance for one in (*newest, *older)] == [96, 97, 98, 99, 100]
