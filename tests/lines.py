"""Lines into a test: ports of this machine whose connections a test carries itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Carry = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(carry: Carry, limit: int = 65536) -> AsyncIterator[int]:
    """A port whose connections are handed to ``carry``, each in a task. Gives it; all of them end with it.

    Also those that were accepted and not begun: a browser opens connections ahead and goes on doing so. One
    left open would be reported, as a resource that nobody closed, by whichever test runs when it is collected.
    """
    tasks: set[asyncio.Task[None]] = set()
    ends: set[asyncio.StreamWriter] = set()

    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await carry(reader, writer)
        finally:
            writer.close()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.add(writer)
        tasks.add(asyncio.create_task(carried(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=limit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # Nobody new; then whom asyncio has accepted is handed over, in a few steps of its loop. Closed before
        # that, its server loses him, and leaves his socket open (CPython 3.11).
        asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
        for _ in range(5):
            await asyncio.sleep(0)
        server.close()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            end.transport.abort()
        await asyncio.sleep(0)
        for one in ended:
            # That somebody hangs up, or is cut off here, is no mistake.
            if isinstance(one, Exception) and not isinstance(one, OSError | EOFError):
                raise one
