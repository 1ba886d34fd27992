"""Nothing of a line that a test opened outlives it."""

import asyncio
import contextlib
import gc
import socket
import warnings

import pytest

from tests.lines import listening


@pytest.mark.parametrize("steps", range(8))
async def test_a_line_ends_with_all_that_came_on_it(steps: int) -> None:
    """However far the loop has come with a connection: accepted, handed over, begun."""
    begun = 0

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        await reader.read()

    gc.collect()  # what others left is not this test's
    with warnings.catch_warnings(record=True) as said, socket.socket() as caller:
        warnings.simplefilter("always")
        async with listening(carry) as port:
            caller.connect(("127.0.0.1", port))
            caller.send(b"something")
            for _ in range(steps):
                await asyncio.sleep(0)
        caller.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            assert caller.recv(1) == b""
        gc.collect()
    assert [str(one.message) for one in said] == []
    assert begun == 1 or steps < 5


async def test_a_mistake_in_carrying_fails_the_test() -> None:
    async def carry(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise LookupError("a mistake")

    async def call() -> None:
        async with listening(carry) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    with pytest.raises(LookupError, match="a mistake"):
        await call()


async def test_who_hangs_up_or_is_cut_off_is_no_mistake() -> None:
    async def carry(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(9)

    async with listening(carry) as port:
        _, gone = await asyncio.open_connection("127.0.0.1", port)
        gone.close()
        await gone.wait_closed()
        _, stays = await asyncio.open_connection("127.0.0.1", port)
    stays.close()
    with contextlib.suppress(ConnectionResetError):
        await stays.wait_closed()
