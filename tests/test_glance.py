"""Reading and writing without a session: the same values as with one, and as safe."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from storefront.cart.models import Cart, DeliveryRate
from storefront.database import Base, Busy, Database
from storefront.prepared import Prepared
from tests.compiled import open_database

CARTS = Base.metadata.tables[Cart.__tablename__]
ONE = select(Cart.id, Cart.token_hash, Cart.draft, Cart.draft_at, Cart.changed_at).where(
    Cart.token_hash == bindparam("key")
)
COUNTRIES = select(DeliveryRate.countries, DeliveryRate.free_from).where(
    DeliveryRate.zone == bindparam("zone")
)
NAMES = ("token_hash", "created_at", "changed_at")
NEW = insert(CARTS).values({name: bindparam(name) for name in NAMES}).returning(CARTS.c.id)
TOUCH = update(CARTS).where(CARTS.c.token_hash == bindparam("key")).values(changed_at=bindparam("moment"))
TOUCH_VERSION = text("UPDATE catalogue_version SET number = number")
LONG_AGO = datetime(2020, 2, 29, 12, 30, 1, 250_000, tzinfo=UTC)


def cart(key: str) -> dict[str, object]:
    return {"token_hash": key, "created_at": LONG_AGO, "changed_at": LONG_AGO}


async def count(database: Database) -> int:
    return len(await database.glance.execute(select(Cart.id)))


@pytest.fixture
async def on_file(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite, whose one lock is for all writers."""
    found = open_database(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'shop.db')}")
    yield found
    await found.close()


async def test_values_are_those_that_a_session_gives(database: Database) -> None:
    async with database.writes() as session:
        session.add(Cart(token_hash="a", draft={"name": "Zoë"}, draft_at=LONG_AGO, changed_at=LONG_AGO))
        session.add(
            DeliveryRate(zone="z", countries=["DE", "FR"], code="c", title="t", amount=490, free_from=None)
        )
    for statement, values in ((ONE, {"key": "a"}), (COUNTRIES, {"zone": "z"})):
        glanced = (await database.glance.execute(statement, values)).all()
        async with database.reads() as session:
            rows = (await session.execute(statement, values)).all()
        assert [tuple(row) for row in glanced] == [tuple(row) for row in rows]
        assert [row._fields for row in glanced] == [row._fields for row in rows]
    row = (await database.glance.execute(ONE, {"key": "a"})).first()
    assert row.draft == {"name": "Zoë"}
    assert row.changed_at == LONG_AGO
    assert (await database.glance.execute(ONE, {"key": "nobody"})).first() is None


async def test_a_stroke_writes_all_or_nothing(database: Database) -> None:
    async with database.stroke() as stroke:
        identity = (await stroke.execute(NEW, cart("a"))).scalar()
        assert (await stroke.execute(ONE, {"key": "a"})).first().id == identity
    with pytest.raises(IntegrityError):
        await stroke_twice(database, "b")
    assert await count(database) == 1
    async with database.stroke() as stroke:
        await stroke.lock(select(Cart.id).where(Cart.token_hash == bindparam("key")), {"key": "a"})
        await stroke.execute(TOUCH, {"key": "a", "moment": datetime.now(UTC)})
    assert (await database.glance.execute(ONE, {"key": "a"})).first().changed_at > LONG_AGO


async def test_nobody_sees_a_stroke_before_its_end(database: Database) -> None:
    other = open_database(database.url)
    async with database.stroke() as stroke:
        await stroke.execute(NEW, cart("a"))
        assert await count(database) == await count(other) == 0
    assert await count(database) == await count(other) == 1
    await other.close()


async def test_two_processes_take_turns(database: Database) -> None:
    """As two processes do, each database takes its own turn; the lock is between them."""
    other = open_database(database.url)

    async def write(mine: Database, name: str) -> None:
        for number in range(25):
            async with mine.stroke() as stroke:
                before = (await stroke.execute(ONE, {"key": "a"})).first()
                await stroke.lock(select(Cart.id).where(Cart.token_hash == bindparam("key")), {"key": "a"})
                await stroke.execute(NEW, cart(f"{name}{number}"))
                assert before is not None

    async with database.stroke() as stroke:
        await stroke.execute(NEW, cart("a"))
    await asyncio.gather(*(write(one, f"{name}-") for one, name in ((database, "x"), (other, "y"))))
    assert await count(database) == 51
    await other.close()


@pytest.mark.parametrize("way", ["stroke", "writes"])
async def test_who_is_cancelled_while_waiting_leaves_nothing_behind(on_file: Database, way: str) -> None:
    other = open_database(on_file.url)
    async with on_file.writes() as session:
        await session.execute(TOUCH_VERSION)
        waiting = asyncio.create_task(stroke_once(other) if way == "stroke" else rewrite(other))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(stroke_once(other), 5)
    await asyncio.wait_for(rewrite(other), 5)
    await asyncio.wait_for(stroke_once(on_file, "b"), 5)
    assert await count(on_file) == 2
    await other.close()


async def stroke_once(database: Database, key: str = "a") -> None:
    async with database.stroke() as stroke:
        await stroke.execute(NEW, cart(key))


async def test_the_loop_goes_on_while_another_process_writes(on_file: Database) -> None:
    other = open_database(on_file.url)
    ticks = 0
    async with on_file.writes() as session:
        await session.execute(TOUCH_VERSION)
        waiting = asyncio.create_task(stroke_once(other))
        for _ in range(20):
            await asyncio.sleep(0.01)
            ticks += 1
            assert await count(other) == 0, "readers wait for nobody"
    await waiting
    assert ticks == 20
    await other.close()


async def test_who_waits_too_long_is_told_so(on_file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.database.WAIT_FOR_WRITER", 0.2)
    other = open_database(on_file.url)
    async with on_file.writes() as session:
        await session.execute(TOUCH_VERSION)
        for write in (stroke_once(other), rewrite(other)):
            with pytest.raises(Busy):
                await write
    await other.close()


async def stroke_twice(database: Database, key: str) -> None:
    async with database.stroke() as stroke:
        await stroke.execute(NEW, cart(key))
        await stroke.execute(NEW, cart(key))


async def rewrite(database: Database) -> None:
    async with database.writes() as session:
        await session.execute(TOUCH_VERSION)


def test_constants_of_a_list_are_parameters() -> None:
    prepared = Prepared(select(Cart.id).where(Cart.token_hash.in_(["a", "b"]), Cart.id > bindparam("least")))
    assert sorted(map(str, prepared.values({"least": 1}).values())) == ["1", "a", "b"]
