import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from storefront.database import Busy, Database, now
from storefront.outbox import send
from storefront.outbox.mailer import Mailer, NotSent
from storefront.outbox.models import Message, WorkerBeat
from storefront.outbox.send import claim, pause_after, send_due
from storefront.settings import Settings
from tests.compiled import open_database
from tests.outbox.letters import leave, let_time_pass, make_due, read, row


class SlowMailer(Mailer):
    """Takes its time, and remembers which messages it sent."""

    def __init__(self, mailer: Mailer, seconds: float = 0.01) -> None:
        self.__dict__ |= vars(mailer)
        self.seconds = seconds
        self.began = asyncio.Event()
        self.sent: list[str] = []

    async def send(self, message: Message) -> None:
        self.began.set()
        await asyncio.sleep(self.seconds)
        await super().send(message)
        self.sent.append(message.key)


class BrokenMailer(SlowMailer):
    async def send(self, message: Message) -> None:
        raise NotSent("The mail server could not be reached, or hung up")


async def test_what_is_due_goes_out_once(database: Database, mailer: Mailer, settings: Settings) -> None:
    await leave(database, "one", "two")
    assert await send_due(database, mailer) == 2
    assert await send_due(database, mailer) == 0
    files = list(settings.outbox_dir.iterdir())
    assert {file.suffix for file in files} == {".eml"}
    assert len(files) == 2
    sent = await row(database)
    assert sent.sent_at is not None
    assert sent.error == ""


async def test_no_more_than_asked_for(database: Database, mailer: Mailer) -> None:
    await leave(database, "one", "two", "three")
    assert await send_due(database, mailer, most=2) == 2


async def test_what_is_not_due_waits(database: Database, mailer: Mailer) -> None:
    await leave(database, "one")
    await let_time_pass(database, hours=-1)
    assert await send_due(database, mailer) == 0
    await let_time_pass(database, hours=1)
    assert await send_due(database, mailer) == 1


async def test_no_transaction_is_open_while_a_message_is_sent(database: Database, mailer: Mailer) -> None:
    class WritingMailer(Mailer):
        def __init__(self) -> None:
            self.__dict__ |= vars(mailer)

        async def send(self, message: Message) -> None:
            async with asyncio.timeout(4), database.writes() as session:
                session.add(WorkerBeat(name="meanwhile"))

    await leave(database, "one")
    assert await send_due(database, WritingMailer()) == 1


async def test_two_senders_at_once_send_each_message_once(
    database: Database, database_url: str, mailer: Mailer
) -> None:
    keys = [str(number) for number in range(12)]
    await leave(database, *keys)
    other = open_database(database_url)
    first, second = SlowMailer(mailer), SlowMailer(mailer)
    try:
        for _ in range(3):
            await asyncio.gather(send_due(database, first), send_due(other, second))
    finally:
        await other.close()
    assert sorted(first.sent + second.sent) == sorted(keys)
    assert first.sent
    assert second.sent


async def test_a_claimed_message_is_left_to_its_sender_for_a_minute(
    database: Database, mailer: Mailer
) -> None:
    await leave(database, "one")
    assert await claim(database) is not None
    await let_time_pass(database, seconds=55)
    assert await claim(database) is None
    await let_time_pass(database, seconds=5)
    assert await send_due(database, mailer) == 1


async def test_killed_between_sending_and_marking_delivers_one_file(
    database: Database, mailer: Mailer, settings: Settings
) -> None:
    await leave(database, "one")
    claimed = await claim(database)
    assert claimed is not None
    await mailer.send(claimed)
    await let_time_pass(database, seconds=60)
    assert await send_due(database, mailer) == 1
    (file,) = settings.outbox_dir.iterdir()
    assert read(file)["Message-ID"] == f"<{claimed.message_id}>"


async def test_stopped_while_sending_finishes_the_message_in_hand(database: Database, mailer: Mailer) -> None:
    await leave(database, "one", "two")
    slow = SlowMailer(mailer, 0.2)
    task = asyncio.create_task(send_due(database, slow))
    await slow.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slow.sent == ["one"]
    assert (await row(database, "one")).sent_at is not None
    assert (await row(database, "two")).tries == 0


async def test_a_failure_is_noted_and_tried_again_later(database: Database, mailer: Mailer) -> None:
    await leave(database, "one", "two")
    with capture_logs() as logs:
        assert await send_due(database, BrokenMailer(mailer)) == 0
    assert [entry["log_level"] for entry in logs] == ["warning", "warning"]
    failed = await row(database)
    assert failed.error == "The mail server could not be reached, or hung up"
    assert failed.tries == 1
    assert timedelta(seconds=20) < failed.next_try_at - now() < timedelta(seconds=40)
    assert await send_due(database, mailer) == 0
    await let_time_pass(database, seconds=40)
    assert await send_due(database, mailer) == 2
    sent = await row(database)
    assert (sent.error, sent.given_up_at) == ("", None)


async def test_after_ten_tries_a_message_is_given_up_aloud(database: Database, mailer: Mailer) -> None:
    await leave(database, "one")
    with capture_logs() as logs:
        for _ in range(12):
            await make_due(database)
            await send_due(database, BrokenMailer(mailer))
    assert (await row(database)).tries == 10
    assert (await row(database)).given_up_at is not None
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["message given up"]
    assert "anna" not in str(logs)
    await make_due(database)
    assert await send_due(database, mailer) == 0


async def test_a_message_that_ends_the_process_each_time_is_given_up(
    database: Database, mailer: Mailer
) -> None:
    await leave(database, "one")
    for _ in range(10):
        await make_due(database)
        await claim(database)
    await make_due(database)
    with capture_logs():
        assert await send_due(database, mailer) == 0
    assert (await row(database)).given_up_at is not None


async def test_a_failure_that_comes_late_does_not_undo_what_another_sent(
    database: Database, mailer: Mailer
) -> None:
    class LateMailer(SlowMailer):
        async def send(self, message: Message) -> None:
            await let_time_pass(database, seconds=60)
            assert await send_due(database, mailer) == 1
            raise NotSent("The mail server did not answer in time")

    await leave(database, "one")
    with capture_logs():
        assert await send_due(database, LateMailer(mailer)) == 0
    sent = await row(database)
    assert sent.sent_at is not None
    assert sent.error == ""


async def test_a_failure_that_comes_late_leaves_the_message_to_whoever_has_it(
    database: Database, mailer: Mailer
) -> None:
    """The first one's time ran out, another sends it now; then the first one fails. A third must not come in."""
    taken: list[Message | None] = []

    class LateMailer(SlowMailer):
        async def send(self, message: Message) -> None:
            await let_time_pass(database, seconds=60)
            taken.append(await claim(database))
            raise NotSent("The mail server did not answer in time")

    await leave(database, "one")
    with capture_logs():
        assert await send_due(database, LateMailer(mailer)) == 0
    (other,) = taken
    assert other is not None
    found = await row(database)
    assert (found.tries, found.error, found.next_try_at) == (2, "", other.next_try_at)
    await let_time_pass(database, seconds=55)
    assert await claim(database) is None


async def test_a_busy_database_is_asked_again_for_the_mark(
    database: Database, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "MARK_AGAIN_AFTER", (0.01, 0.01))
    await leave(database, "one")
    claimed = await claim(database)
    assert claimed is not None
    whole, refusals = database.writes, [Busy(), Busy()]

    def busy_at_first() -> AbstractAsyncContextManager[AsyncSession]:
        if refusals:
            raise refusals.pop()
        return whole()

    monkeypatch.setattr(database, "writes", busy_at_first)
    await send._mark_sent(database, claimed)
    assert (await row(database)).sent_at is not None


def test_pauses_grow_from_half_a_minute_to_six_hours() -> None:
    for tries, seconds in {1: 30, 2: 90, 3: 270, 7: 21600, 9: 21600}.items():
        pauses = [pause_after(tries) for _ in range(50)]
        assert all(0.8 * seconds <= pause <= 1.2 * seconds for pause in pauses)
        assert len(set(pauses)) > 1
