"""Roads that can be cut: Stripe over real connections, and a database behind a bridge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.lines import listening
from tests.shop import free_port


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An ASGI app on a real port of this machine, in the test's own loop; gives its address."""
    options: dict[str, Any] = {"interface": "asgi3", "lifespan": "off", "proxy_headers": False}
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="critical", **options))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = server.force_exit = True
        await task


class Bridge:
    """A port of this machine that leads to another, until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.port = 0
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Everybody on it falls, and nobody gets on."""
        self._open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._open = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From one who came to where it leads, and back."""
        if not self._open:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        pair = {writer, there_writer}
        self._writers |= pair
        try:
            await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))
        finally:
            there_writer.close()
            self._writers -= pair


@asynccontextmanager
async def bridge(host: str, port: int) -> AsyncIterator[Bridge]:
    """A bridge to a port; with it, everybody on it ends."""
    one = Bridge(host, port)
    async with listening(one.carry) as one.port:
        yield one


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


def nobody_there() -> str:
    """An address of this machine where connections are refused."""
    return f"http://127.0.0.1:{free_port()}"
