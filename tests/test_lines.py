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


async def test_a_line_ends_though_nobody_reads_and_nobody_is_done() -> None:
    async def carry(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(20_000_000))
        await asyncio.Event().wait()

    with socket.socket() as caller:
        async with listening(carry) as port:
            caller.connect(("127.0.0.1", port))
            for _ in range(8):
                await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        caller.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            while caller.recv(1_000_000):
                pass


@pytest.mark.parametrize("steps", range(5))
async def test_whoever_comes_while_a_line_ends_is_not_taken(steps: int) -> None:
    async def carry(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    gc.collect()
    with warnings.catch_warnings(record=True) as said, socket.socket() as caller:
        warnings.simplefilter("always")

        async def call(port: int) -> None:
            for _ in range(steps):
                await asyncio.sleep(0)
            caller.connect(("127.0.0.1", port))

        async with listening(carry) as port:
            late = asyncio.create_task(call(port))
        await late
        caller.settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            assert caller.recv(1) == b""
        gc.collect()
    assert [str(one.message) for one in said] == []
