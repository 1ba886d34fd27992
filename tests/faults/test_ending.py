"""The shop is told to end while a message is at the mail server: it is sent once, and the end comes."""

import asyncio
import time

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from storefront import worker
from storefront.outbox import send
from storefront.worker import send_messages, working
from tests.faults.house import House, Process
from tests.faults.test_refunds import paid
from tests.outbox.post_office import PostOffice

# Longer than the worker waits before it cancels once more.
SLOW = 4 * worker.CANCEL_AGAIN


class SlowOffice(PostOffice):
    """Takes a letter at once, and says so much later."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.took = asyncio.Event()
        self._seconds = seconds

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        self.took.set()
        await asyncio.sleep(self._seconds)
        return answer


async def _end_in_the_middle(shop: Process, office: SlowOffice) -> float:
    """The shop ends as soon as the office has a letter; gives the seconds that this takes."""
    async with asyncio.timeout(30), working(shop.worker):
        await office.took.wait()
        began = time.monotonic()
    # When the process ends, whatever still runs is cut off.
    left = [task for task in asyncio.all_tasks() if "_deliver" in repr(task)]
    assert not left, "the message in hand was left alone"
    return time.monotonic() - began


def _with_office(house: House, port: int, monkeypatch: pytest.MonkeyPatch) -> Process:
    monkeypatch.setattr(worker, "JOBS", ((0.05, send_messages),))
    return house.another(smtp_url=type(house.shop.settings.smtp_url)(f"smtp://127.0.0.1:{port}"))


async def test_ending_does_not_send_the_message_in_hand_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid(house)
    office = SlowOffice(SLOW)
    async with office.open() as port:
        shop = _with_office(house, port, monkeypatch)
        await _end_in_the_middle(shop, office)
        first, second = await house.messages()
        assert (first.sent_at is not None, second.tries) == (True, 0), "and no other is begun"
        house.pass_time(minutes=2)
        await shop.work("send_messages")
    assert len(office.letters) == 2
    await house.check()


async def test_a_mail_server_that_does_not_answer_keeps_no_shop_from_ending(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "TIME_TO_FINISH", SLOW)
    await paid(house)
    office = SlowOffice(60)
    async with office.open() as port:
        took = await _end_in_the_middle(_with_office(house, port, monkeypatch), office)
    assert SLOW - 0.1 < took < SLOW + 3
    assert [(one.sent_at, one.tries) for one in await house.messages()] == [(None, 1), (None, 0)]
    await house.check()
