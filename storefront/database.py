"""Engines, sessions, the base class of tables, column types, migrations at start.

Everything that differs between SQLite and PostgreSQL, apart from search and claiming rows, lives here.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, MetaData, Select, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from storefront import sqlite
from storefront.glance import OnFile, Pooled, Stroke
from storefront.settings import need_folder

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
WAIT_FOR_WRITER = 5.0
# For one of the process's own connections, when all are in use, and for a new one.
WAIT_FOR_CONNECTION = 10.0
# Of one process, on PostgreSQL: so many are kept, and so many more are opened when it has much to do.
KEPT_CONNECTIONS, MORE_CONNECTIONS = 10, 10
MOST_CONNECTIONS = KEPT_CONNECTIONS + MORE_CONNECTIONS
LAST_STEPS = "last steps"
# The classes connection, resources and operator of https://www.postgresql.org/docs/current/errcodes-appendix.html, and
# what https://sqlite.org/rescode.html says of a file that cannot be used.
POSTGRESQL_AWAY = {"08", "53", "57"}
SQLITE_AWAY = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}


class Busy(Exception):
    """The database could not be written to in time. The shopper may try again; answered with 503."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Moment(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


Json = JSON().with_variant(JSONB(), "postgresql")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC) + _clock["ahead"]


def move_clock(ahead: timedelta) -> None:
    """Have this process live `ahead` of the real time, for tests of what takes hours or days."""
    _clock["ahead"] = ahead


_clock = {"ahead": timedelta(0)}


def before_commit(session: AsyncSession, name: str, step: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Do `step` once as the last thing of this transaction, however often it is asked for under `name`."""
    session.info.setdefault(LAST_STEPS, {})[name] = step


def away(error: Exception) -> str:
    """What to say of a database that does not answer: the kind of the first cause, never its words, which may hold an
    address or a password."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return f"the database does not answer ({type(cause).__name__})"


def unreachable(error: Exception) -> bool:
    """Whether this says that the database cannot be reached, takes nobody in, hung up, or has no room: what passes, or
    what its operator must end, and not a mistake of the shop's."""
    if isinstance(error, NoneFree | ConnectionError):
        return True
    cause = getattr(error, "orig", None) or error
    return (
        getattr(error, "connection_invalidated", False)
        or str(getattr(cause, "sqlstate", ""))[:2] in POSTGRESQL_AWAY
        or getattr(cause, "sqlite_errorcode", 0) & 0xFF in SQLITE_AWAY
    )


async def lock(session: AsyncSession, rows: Select[Any], values: Mapping[str, Any] | None = None) -> None:
    """Lock what `rows` selects until the transaction ends. A write transaction on SQLite is that lock already."""
    if session.get_bind().dialect.name != "sqlite":
        await session.execute(rows.with_for_update(), values)


class Database:
    """The engine with its ways in: `writes` locks out other writers on SQLite, `reads` does not; `stroke` and `glance`
    are the same for pages that ask for a few rows, with less around them.

    No transaction may be held open across a call to Stripe, and a write must never be opened inside another.
    Raises WrongSettings when SQLite's file has no folder to lie in.
    """

    def __init__(self, url: str, *, pool_size: int = KEPT_CONNECTIONS) -> None:
        self.url = url
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.sqlite:
            need_folder("DATABASE_URL", Path(make_url(url).database or "").parent, written=False)
        options: dict[str, Any] = {"pool_pre_ping": False}
        options["connect_args"] = {"async_creator_fn": _connect_postgres}
        if self.sqlite:
            options = {"connect_args": {"timeout": WAIT_FOR_WRITER, "async_creator_fn": sqlite.connect}}
        # What a statement was given is mostly somebody's, and an error's words end up in the log.
        options["hide_parameters"] = True
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=MORE_CONNECTIONS,
            pool_timeout=WAIT_FOR_CONNECTION,
            **options,
        )
        prepare = _prepare_sqlite if self.sqlite else _prepare_postgres(WAIT_FOR_WRITER)
        event.listen(self.engine.sync_engine, "connect", prepare)
        if self.sqlite:
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        immediate = self.engine.execution_options(begin="IMMEDIATE")
        self._writes = async_sessionmaker(immediate, expire_on_commit=False)
        self._reads = async_sessionmaker(self.engine, expire_on_commit=False)
        # One writer at a time within the process: SQLite's own waiting is a poll with growing sleeps, under
        # which 100 shoppers starve each other.
        self._writer = asyncio.Lock() if self.sqlite else None
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self.glance: OnFile | Pooled = OnFile(url, WAIT_FOR_WRITER) if self.sqlite else Pooled(self.engine)

    @asynccontextmanager
    async def writes(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction that commits on leaving and rolls back on any exception.

        Raises Busy when no writer's turn, or no lock on a row, came within 5 seconds.
        """
        async with self._turn(), self._writes() as session:
            with _busy_when_locked():
                async with session.begin():
                    yield session
                    for step in list(session.info.get(LAST_STEPS, {}).values()):
                        await session.flush()
                        await step(session)
            for name in session.info.get(LAST_STEPS, {}):
                for listener in self._listeners.get(name, ()):
                    listener()

    @asynccontextmanager
    async def stroke(self) -> AsyncIterator[Stroke]:
        """Like `writes`, for one short transaction of prepared statements that changes nothing the catalogue shows."""
        with _busy_when_locked():
            async with self._turn(), self.glance.stroke() as stroke:
                yield stroke

    def on_commit(self, name: str, listener: Callable[[], None]) -> None:
        """Have `listener` called after each commit of a transaction that registered a last step under `name`."""
        self._listeners.setdefault(name, []).append(listener)

    @asynccontextmanager
    async def reads(self) -> AsyncIterator[AsyncSession]:
        """A session for reading, in one transaction, so that its statements see one state."""
        async with self._reads() as session, session.begin():
            yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        try:
            # Not wait_for, which up to Python 3.11 loses a cancellation that arrives together with the lock.
            async with asyncio.timeout(WAIT_FOR_WRITER):
                await self._writer.acquire()
        except TimeoutError:
            raise Busy from None
        try:
            yield
        finally:
            self._writer.release()

    async def behind(self) -> bool:
        """True when migrations are missing. Reads one row; raises what the driver raises when it is away."""
        return await self.revision() != newest_migration()

    async def revision(self) -> str | None:
        """The migration that the database stands at, or None when it is empty."""
        async with self.engine.connect() as connection:
            if not await connection.run_sync(lambda c: c.dialect.has_table(c, "alembic_version")):
                return None
            found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    async def migrate(self) -> bool:
        """Bring the database to the newest migration; True when there was something to do. Once at a time."""
        if not await self.behind():
            return False
        await asyncio.to_thread(migrate, self.url, "head")
        return True

    async def close(self) -> None:
        await self.glance.close()
        await self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in sqlite.PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


async def _connect_postgres(*arguments: Any, **options: Any) -> Any:
    """A connection of asyncpg's. Raises ConnectionError also for a name that nobody knows, a host that is off, a socket
    that is not there and a server that is silent, each of which is another kind of OSError."""
    import asyncpg  # type: ignore[import-untyped]

    # In DATABASE_URL it is text.
    options["timeout"] = float(options.get("timeout", WAIT_FOR_CONNECTION))
    try:
        return await asyncpg.connect(*arguments, **options)
    except (OSError, TimeoutError) as error:
        raise ConnectionError("the database cannot be reached") from error


def _prepare_postgres(seconds: float) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        # Else whoever waits for a row that somebody has locked waits for ever.
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {round(seconds * 1000)}")
        cursor.close()
        connection.commit()

    return prepare


@contextlib.contextmanager
def _busy_when_locked() -> Iterator[None]:
    """What the drivers raise for a lock that another process holds too long, or for a deadlock, is Busy."""
    try:
        yield
    except Exception as error:
        if _locked(getattr(error, "orig", None) or error):
            raise Busy from error
        raise


def _locked(error: BaseException) -> bool:
    # https://sqlite.org/rescode.html#busy and https://www.postgresql.org/docs/current/errcodes-appendix.html
    state = getattr(error, "sqlstate", "")
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY or state in {"55P03", "40P01"}


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def newest_migration() -> str:
    """The name of the newest migration, from the files' names: Alembic is slow to import at every start."""
    return max(path.stem.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def migrate(url: str, target: str, *, down: bool = False) -> None:
    """Run Alembic to `target` ("head", "base" or a revision). Several processes may call it at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("prepend_sys_path", str(MIGRATIONS.parent))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    with _one_migration_at_a_time(url):
        (command.downgrade if down else command.upgrade)(config, target)


@contextlib.contextmanager
def _one_migration_at_a_time(url: str) -> Iterator[None]:
    # PostgreSQL's lock is taken inside migrations/env.py, on the migrating connection.
    path = make_url(url).database if make_url(url).get_backend_name() == "sqlite" else None
    if path is None:
        yield
        return
    import fcntl

    with open(f"{path}.migrating", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
