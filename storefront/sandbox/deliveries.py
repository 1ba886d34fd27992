"""Sending webhooks: Stripe's signature, one sender a delivery, never in an API call's way."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import time
from typing import TYPE_CHECKING

from storefront.sandbox import clock, mail
from storefront.sandbox.books import Books
from storefront.sandbox.ids import new_id
from storefront.sandbox.mail import Letter, Result
from storefront.sandbox.store import dump

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox

logger = logging.getLogger(__name__)
AT_ONCE = 8
LONGEST = 10.0
LOOK_EVERY = 0.5
TIDY_EVERY = 60.0


def signed(body: bytes, secret: str, at: int) -> dict[str, str]:
    """The headers of a webhook (docs.stripe.com/webhooks#verify-manually). `at` is wall clock time."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (sandbox)",
        "Stripe-Signature": f"t={at},v1={digest}",
    }


class Courier:
    """The background loop of one process: due webhooks, expiring sessions, tidying up."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._owner = f"{os.getpid()}-{new_id('')}"
        self._wake = asyncio.Event()
        self._tidied = 0.0
        self._results: list[Result] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._event_loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="sandbox courier")

    def wake(self) -> None:
        """Something may be due; callable from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has just been closed: nobody is left to wake
            self._event_loop.call_soon_threadsafe(self._wake.set)

    async def stop(self) -> None:
        """Stops; deliveries under way are left to another process or the next start."""
        tasks = [self._task, *self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sandbox.store.write(lambda books: self._take(books, self._results, 0))
        await self._sandbox.store.write(lambda books: mail.give_back(books, self._owner))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                pause = await self._round()
            except Exception:
                logger.exception("the sandbox's courier stumbled")
                pause = 1.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _round(self) -> float:
        """Does what is due and gives the seconds until it should look again."""
        if await self._sandbox.store.read(clock.is_due):
            await self._sandbox.store.write(clock.tick)
        if time.monotonic() - self._tidied > TIDY_EVERY:
            self._tidied = time.monotonic()
            await self._sandbox.store.write(clock.tidy)
        free = AT_ONCE - len(self._sending)
        if self._results or (free and await self._sandbox.store.read(_pause) <= 0):
            results, self._results = self._results, []
            letters = await self._sandbox.store.write(lambda books: self._take(books, results, free))
            for letter in letters:
                task = asyncio.create_task(self._send(letter))
                self._sending.add(task)
                task.add_done_callback(self._sent)
        if len(self._sending) >= AT_ONCE:
            return LOOK_EVERY
        return min(LOOK_EVERY, max(0.0, await self._sandbox.store.read(_pause)))

    def _take(self, books: Books, results: list[Result], free: int) -> list[Letter]:
        """One transaction notes what was sent and claims what is next."""
        for result in results:
            mail.record(books, result, self._owner)
        return mail.claim(books, self._owner, time.time(), free)

    async def _send(self, letter: Letter) -> None:
        body = dump(letter.event).encode()
        began, status, problem = time.monotonic(), None, None
        try:
            async with asyncio.timeout(LONGEST):
                headers = signed(body, self._sandbox.webhook_secret, int(time.time()))
                status = await self._sandbox.deliver(body, headers)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"[:500]
        self._results.append(Result(letter, status, problem, time.monotonic() - began))

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()


def _pause(books: Books) -> float:
    due = mail.next_due(books, time.time())
    return LOOK_EVERY if due is None else due
