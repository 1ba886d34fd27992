"""The load: connections that stay open and ask again as soon as they were answered, on raw asyncio streams.

It must cost little, since it shares the machine with what it measures: an answer is cut at its Content-Length and
looked at, not parsed.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from uvloop import new_event_loop

CONNECTIONS = 16
PATIENCE = 20  # seconds beyond the measuring time
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)
COOKIE = re.compile(rb"\r\nset-cookie: ?([^=;]+=[^;]+)", re.IGNORECASE)


class WrongAnswer(Exception):
    """The server gave another answer than the row expects, so there is nothing to measure."""


@dataclass(frozen=True)
class Ask:
    """What one connection sends, again and again, and how a true answer begins and what it holds."""

    requests: Iterator[bytes]
    status: bytes
    marker: bytes
    # Told the answer's headers and body; for those who carry cookies on.
    heed: Callable[[bytes, bytes], None] | None = None


@dataclass
class Result:
    """Seconds per answer, and how long all of it took."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        ordered = sorted(self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class Connection(asyncio.Protocol):
    """One connection until `until` (by the monotonic clock)."""

    def __init__(self, ask: Ask, until: float, took: list[float], done: "asyncio.Future[None]") -> None:
        self.ask, self.until, self.took, self.done = ask, until, took, done
        self.data, self.head, self.missing = b"", 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        self.data, self.head = b"", 0
        request = next(self.ask.requests)
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.data = self.data + data if self.data else data
        if not self.head:
            self.head = self.data.find(b"\r\n\r\n") + 4
            if self.head < 4:
                self.head = 0
                return
            found = LENGTH.search(self.data, 0, self.head)
            self.length = int(found[1]) if found else 0
        if len(self.data) < self.head + self.length:
            return
        self.took.append(time.perf_counter() - self.sent)
        if self.data[9:12] != self.ask.status or self.ask.marker not in self.data:
            self.finish(
                WrongAnswer(f"expected {self.ask.status!r} with {self.ask.marker!r}: {self.data[:2000]!r}")
            )
        elif self.ask.heed:
            self.ask.heed(self.data[: self.head], self.data[self.head :])
        if time.perf_counter() < self.until and not self.done.done():
            self.send()
        else:
            self.finish(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.finish(error or WrongAnswer("the server closed the connection"))

    def finish(self, error: Exception | None) -> None:
        self.transport.close()
        if self.done.done():
            return
        if error is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


def drive(port: int, asks: list[Ask], seconds: float) -> Result:
    """Every `Ask` on a connection of its own for `seconds`. Raises WrongAnswer for the first answer that is not
    what the row expects."""
    loop = new_event_loop()
    try:
        return loop.run_until_complete(_drive(port, asks, seconds))
    finally:
        loop.close()


async def _drive(port: int, asks: list[Ask], seconds: float) -> Result:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    result = Result()
    waiting = []
    for ask in asks:
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)

        def connection(ask: Ask = ask, done: "asyncio.Future[None]" = done) -> Connection:
            return Connection(ask, started + seconds, result.took, done)

        await loop.create_connection(connection, "127.0.0.1", port)
    await asyncio.wait_for(asyncio.gather(*waiting), seconds + PATIENCE)
    result.seconds = time.perf_counter() - started
    return result
