"""What staff do about messages that could not be sent."""

import asyncio
from pathlib import Path

import pytest

from storefront.database import Database
from storefront.outbox.mailer import Mailer
from storefront.outbox.send import claim, send_due
from tests import forks
from tests.outbox.letters import leave, make_due, row


@pytest.fixture
async def given_up(database: Database, mailer: Mailer) -> Database:
    """One message that was given up, and one that waits."""
    await leave(database, "one")
    for _ in range(10):
        await make_due(database)
        await claim(database)
    await make_due(database)
    assert await send_due(database, mailer) == 0
    await leave(database, "two")
    return database


async def storefront(url: str, folder: Path, *words: str) -> tuple[int, str]:
    environment = {"DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
    done = await asyncio.to_thread(forks.storefront, *words, environment=environment, folder=folder)
    return done.returncode, done.stdout + done.stderr


async def test_given_up_messages_are_listed_and_sent_again(
    given_up: Database, database_url: str, mailer: Mailer, tmp_path: Path
) -> None:
    code, said = await storefront(database_url, tmp_path, "messages", "list")
    assert code == 0
    assert [line.split()[3] for line in said.splitlines()] == ["waiting", "given"]
    code, said = await storefront(database_url, tmp_path, "messages", "list", "--failed")
    (line,) = said.splitlines()
    number = line.split()[0]
    assert "order-paid  anna@example.org  The process ended" in line
    code, said = await storefront(database_url, tmp_path, "messages", "again", number)
    assert (code, said) == (0, "1 message will be tried again\n")
    assert await send_due(given_up, mailer) == 2
    assert (await row(given_up, "one")).sent_at is not None


async def test_only_what_was_given_up_is_sent_again(
    given_up: Database, database_url: str, tmp_path: Path
) -> None:
    waiting = (await row(given_up, "two")).id
    code, said = await storefront(database_url, tmp_path, "messages", "again", str(waiting), "4711")
    assert code == 1
    assert (
        said
        == "storefront: 2 of them cannot be: not given up, empty by now, or unknown; 0 messages will be tried again\n"
    )
    code, said = await storefront(database_url, tmp_path, "messages", "again")
    assert code == 1
    assert "--all" in said
    assert (await storefront(database_url, tmp_path, "messages", "again", "--all"))[0] == 0
    assert (await row(given_up, "one")).given_up_at is None
