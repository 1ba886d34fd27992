"""The database is locked, slow, or gone in the middle of a webhook: Stripe sends it again, and nothing is half done."""

import asyncio
import secrets
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from storefront import database as databases
from storefront.database import Busy
from storefront.orders.models import AWAITING, PAID, PENDING, Order
from tests.compiled import open_database
from tests.faults.house import House, Process
from tests.faults.roads import bridge


@asynccontextmanager
async def somebody_writes(house: House, order_id: int) -> AsyncIterator[None]:
    """Another process holds what a writer needs: SQLite's write lock, or the order's row."""
    if house.database.sqlite:
        path = make_url(house.database.url).database
        with closing(sqlite3.connect(str(path), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    other_database = open_database(house.database.url)
    async with other_database.writes() as session:
        await session.execute(select(Order.id).where(Order.id == order_id).with_for_update())
        yield
    await other_database.close()


async def test_a_webhook_waits_for_a_locked_database(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    async with somebody_writes(house, bought.order):
        arriving = asyncio.create_task(house.deliver(completed))
        await asyncio.sleep(0.3)
        assert not arriving.done()
    assert await arriving == [200]
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_database_that_stays_locked_has_stripe_send_it_again_and_shoppers_try_again(
    house: House, house_settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "WAIT_FOR_WRITER", 0.5)
    house.may_fail = True
    process = house.another()
    bought = await house.buy(await house.thing())
    token = (await house.order(bought.order)).token
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    async with somebody_writes(house, bought.order):
        back = house.come_back(bought, process)
        statuses, page = await asyncio.gather(house.deliver(completed, process=process), back)
        assert statuses == [500]
        assert page.status == 503
        look = await house.same_shopper(bought.shopper, process).get(f"/orders/{token}")
        assert look.status_of_order == PENDING
    assert await house.inbox() == {}
    assert await house.deliver(completed, process=process) == [200]
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_writer_that_waits_too_long_is_told_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "WAIT_FOR_WRITER", 0.3)
    process = house.another()
    bought = await house.buy(await house.thing())
    async with somebody_writes(house, bought.order):
        with pytest.raises(Busy):
            await _lock(process, bought.order)


async def test_two_writers_of_one_process_do_not_wait_for_each_other_for_ever(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a process SQLite's writers take turns before the database is asked at all."""
    monkeypatch.setattr(databases, "WAIT_FOR_WRITER", 0.3)
    process = house.another()
    bought = await house.buy(await house.thing())
    async with process.database.writes() as session:
        await session.execute(select(Order.id).where(Order.id == bought.order).with_for_update())
        async with asyncio.timeout(5):
            with pytest.raises(Busy):
                await _lock(process, bought.order)
    await _lock(process, bought.order)
    await house.check()


async def _lock(process: Process, order_id: int) -> None:
    async with process.database.writes() as session:
        await session.execute(select(Order.id).where(Order.id == order_id).with_for_update())


async def test_the_database_goes_away_in_the_middle_of_a_webhook(house: House, tmp_path: Path) -> None:
    """After Stripe was read and before anything is written: 500, and the repeat finds everything as it was."""
    house.may_fail = True
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    async with may_go_away(house, tmp_path) as (process, go_away, come_back):

        async def gone(call: str) -> None:
            if call.startswith("GET /v1/checkout/sessions"):
                await go_away()

        house.stripe.before = gone
        assert await house.deliver(completed, process=process) == [500]
        house.stripe.before = None
        assert await house.deliver(completed, process=process) == [500]
        shopper = house.same_shopper(bought.shopper, process)
        assert (await shopper.get("/cart")).status == 503
        await come_back()
        repeated = await house.deliver(completed, completed, process=process)
        assert repeated[-1] == 200
    assert await house.state(bought.order) == AWAITING
    await house.check()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_server_that_takes_nobody_in_has_shoppers_try_again(house: House) -> None:
    """Too many clients: what was typed is answered with 503 and when to come again, and nothing is half done."""
    house.may_fail = True
    thing = await house.thing(on_hand=5)
    async with few_may_come(house) as (process, let_in):
        shopper = house.shopper(process)
        added = await shopper.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "1"})
        for refused in (added, await shopper.get(f"/products/{thing.slug}")):
            assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        assert await house.stock(thing) == (5, 0)
        await let_in()
        await shopper.add(thing)
        assert (await shopper.order()).status == 303
    assert await house.stock(thing) == (5, 1)
    await house.check()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_finds_no_connection_free_is_told_so_in_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "WAIT_FOR_CONNECTION", 0.3)
    house.may_fail = True
    thing = await house.thing()
    process = house.another()
    shopper = house.shopper(process)
    async with AsyncExitStack() as taken:
        for _ in range(databases.MOST_CONNECTIONS):
            await taken.enter_async_context(process.database.engine.connect())
        async with asyncio.timeout(10):
            refused = await shopper.get(f"/products/{thing.slug}")
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert (await shopper.get(f"/products/{thing.slug}")).status == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_server_that_says_nothing_is_not_waited_for_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a firewall that swallows what it does not let through."""
    monkeypatch.setattr(databases, "WAIT_FOR_CONNECTION", 0.3)
    house.may_fail = True
    thing = await house.thing()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql+asyncpg://postgres@127.0.0.1:{silent.getsockname()[1]}/shop"
        shopper = house.shopper(house.another(database_url=SecretStr(url)))
        async with asyncio.timeout(10):
            refused = await shopper.get(f"/products/{thing.slug}")
    assert (refused.status, refused.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("where", ["socket", "name"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_server_that_is_not_there_has_shoppers_try_again(
    house: House, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that does not exist, and a name with two addresses of which none answers: neither is simply refused."""
    house.may_fail = True
    thing = await house.thing()
    url = "postgresql+asyncpg://postgres@/shop?host=/nowhere"
    if where == "name":
        with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
            port = nobody.getsockname()[1]
        loop, ask = asyncio.get_running_loop(), asyncio.get_running_loop().getaddrinfo

        async def both(host: str, *rest: Any, **more: Any) -> Any:
            return [*await ask("127.0.0.1", *rest, **more), *await ask("127.0.0.2", *rest, **more)]

        monkeypatch.setattr(loop, "getaddrinfo", both)
        url = f"postgresql+asyncpg://postgres@localhost:{port}/shop"
    shopper = house.shopper(house.another(database_url=SecretStr(url)))
    refused = await shopper.get(f"/products/{thing.slug}")
    assert (refused.status, refused.headers["retry-after"]) == (503, "2")


@asynccontextmanager
async def few_may_come(house: House) -> AsyncIterator[tuple[Process, Callable[[], Awaitable[None]]]]:
    """A process whose name PostgreSQL takes nobody in under, until it is let in."""
    url, name = make_url(house.database.url), f"few_{secrets.token_hex(4)}"
    admin = open_database(url.render_as_string(hide_password=False))

    async def say(statement: str) -> None:
        async with admin.writes() as session:
            await session.execute(text(statement))

    await say(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 0")
    process = house.another(
        database_url=SecretStr(url.set(username=name).render_as_string(hide_password=False))
    )
    try:
        # No limit holds for a superuser.
        yield process, lambda: say(f"ALTER ROLE {name} SUPERUSER")
    finally:
        await process.database.close()
        await say(f"DROP ROLE {name}")
        await admin.close()


@asynccontextmanager
async def may_go_away(house: House, folder: Path) -> AsyncIterator[tuple[Process, object, object]]:
    """A process whose database can be taken away and given back."""
    url = make_url(house.database.url)
    if house.database.sqlite:
        process, path = house.another(), Path(str(url.database))
        elsewhere = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]

        async def take_away() -> None:
            await process.database.close()
            for file in elsewhere:
                if file.exists():
                    file.rename(folder / f"{file.name}.away")
            path.mkdir(exist_ok=True)

        async def give_back() -> None:
            await process.database.close()
            path.rmdir()
            for file in elsewhere:
                if (folder / f"{file.name}.away").exists():
                    (folder / f"{file.name}.away").rename(file)

        yield process, take_away, give_back
        return
    async with bridge(str(url.host), url.port or 5432) as road:
        over = url.set(host="127.0.0.1", port=road.port).render_as_string(hide_password=False)
        process = house.another(database_url=SecretStr(over))

        async def cut() -> None:
            road.cut()

        async def mend() -> None:
            road.mend()

        yield process, cut, mend
        await process.database.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_connections_that_died_with_the_database_are_not_used_twice(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    async with house.shop.database.reads() as session:
        name = await session.scalar(text("SELECT current_database()"))
    admin = open_database(str(make_url(house.database.url).set(database="postgres").render_as_string(False)))
    async with admin.engine.connect() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
    await admin.close()
    statuses = await house.deliver(completed, completed)
    assert set(statuses) <= {200, 500}
    assert statuses[-1] == 200
    assert await house.state(bought.order) == PAID
    await house.check()
