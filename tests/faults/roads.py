"""Roads that can be cut: Stripe over real connections, and a database behind a bridge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

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
        self.port = free_port()
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Bridge":
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Everybody on it falls, and nobody gets on."""
        self._open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._open = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        pair = {writer, there_writer}
        self._writers |= pair
        try:
            await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))
        finally:
            self._writers -= pair


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


def nobody_there() -> str:
    """An address of this machine where connections are refused."""
    return f"http://127.0.0.1:{free_port()}"
