"""SQLite without needless trips between threads, for SQLAlchemy's async engine and for `storefront.glance`.

aiosqlite takes five such trips for a statement of some microseconds, each of them worth about a hundred. Only waiting
for the write lock while another process has it, and committing, wait: for that process and for the disk. All else the
shop asks of SQLite touches a few rows by an index and runs where it stands.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite

TAKE_LOCK = "BEGIN IMMEDIATE"
WRITE_AHEAD = "PRAGMA journal_mode=WAL"
PRAGMAS = (WRITE_AHEAD, "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


def connect(database: str, *, timeout: float, **options: Any) -> "Connection":
    """What SQLAlchemy calls for a new connection (`async_creator_fn`): to be awaited. Waits `timeout` seconds for
    another writer; the driver starts no transaction by itself."""
    options |= {"timeout": timeout, "isolation_level": None, "check_same_thread": False}
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection.patience = round(timeout * 1000)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does, or a lost connection keeps the process
    return connection


async def open_file(database: str, patience: float) -> "Connection":
    """A connection as the shop uses it, which waits `patience` seconds for another writer."""
    connection = connect(database, timeout=patience)
    await connection
    for pragma in PRAGMAS:
        await connection.run(connection.all_rows, pragma, (), waits=True)
    return connection


class Connection(aiosqlite.Connection):
    """aiosqlite's, whose thread is only asked where `run` is told that something may wait."""

    patience = 0  # milliseconds
    writing = False
    _under_way = 0

    async def run(self, work: Callable[..., Any], *arguments: Any, waits: bool) -> Any:
        """`work` here and now, or in the connection's thread: if it `waits`, or if the thread still has something to
        do for a request that was cancelled."""
        if not waits and not self._under_way:
            return work(*arguments)
        return await self._execute(self._counted(work, *arguments))  # type: ignore[no-untyped-call]

    def _counted(self, work: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        def counted() -> Any:
            try:
                return work(*arguments)
            finally:
                self._under_way -= 1

        self._under_way += 1
        return counted

    def all_rows(self, sql: str, values: Any) -> list[Any]:
        return self._conn.execute(sql, values).fetchall()

    async def take_lock(self) -> None:
        """BEGIN IMMEDIATE: at once where nobody else writes, else in the thread, which may wait."""
        try:
            await self.run(self._begin, 0, waits=False)
        except sqlite3.OperationalError:
            await self.run(self._begin, self.patience, waits=True)
        self.writing = True

    def _begin(self, milliseconds: int) -> None:
        self._conn.execute(f"PRAGMA busy_timeout={milliseconds}")
        try:
            self._conn.execute(TAKE_LOCK)
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={self.patience}")

    async def commit(self) -> None:
        await self.run(self._conn.commit, waits=self.writing)
        self.writing = False

    async def rollback(self) -> None:
        """At once, or, where a request was cancelled while the thread waits for it, after that: nobody waits for the
        thread then but who comes next."""
        self.writing = False
        if self._under_way:
            self._tx.put_nowait((None, self._counted(self._conn.rollback)))
        else:
            self._conn.rollback()

    def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self, self._conn.cursor())


class Cursor(aiosqlite.Cursor):
    """Executes and takes all rows in one go."""

    _conn: Connection
    _rows: list[Any]

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        if sql == TAKE_LOCK:
            await self._conn.take_lock()
        else:
            self._rows = await self._conn.run(self._all, sql, parameters or (), waits=sql == WRITE_AHEAD)
        return self

    def _all(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        await self._conn.run(self._cursor.executemany, sql, parameters, waits=True)
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        await self._conn.run(self._cursor.close, waits=False)
