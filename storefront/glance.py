"""Reading and writing a few rows for a page without a session: prepared statements, and nothing around them.

SQLite finds a page's rows in some microseconds; a session, its transaction and the ORM cost a hundred times as much.
What is asked with every page goes this way; everything else through `Database.reads` and `Database.writes`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from sqlite3 import IntegrityError
from typing import Any, Protocol

from sqlalchemy import exc
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storefront import sqlite
from storefront.prepared import Rows, Statement, prepared


class Reader(Protocol):
    """What reads take: a glance, a stroke or a session. Give statements that were made once, by name."""

    async def execute(self, statement: Any, params: Any = None, /) -> Any: ...


class Stroke(Reader, Protocol):
    """A short transaction."""

    async def lock(self, rows: Any, params: Any = None, /) -> None:
        """Lock what `rows` selects until the transaction ends."""


class Pooled:
    """On a server's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._at_once = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def execute(self, statement: Statement, params: Mapping[str, Any] | None = None, /) -> Rows:
        """The rows of one statement, which sees one state."""
        async with self._at_once.connect() as connection:
            return Rows(await connection.execute(statement, params))

    @asynccontextmanager
    async def stroke(self) -> AsyncIterator[Stroke]:
        """A transaction that commits on leaving and rolls back on any exception."""
        async with self._engine.begin() as connection:
            yield PooledStroke(connection)

    async def close(self) -> None:
        """Its connections are the engine's."""


class PooledStroke:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, params: Any = None, /) -> Any:
        return await self._connection.execute(statement, params)

    async def lock(self, rows: Any, params: Any = None, /) -> None:
        await self._connection.execute(rows.with_for_update(), params)


class OnFile:
    """On SQLite: a connection for reading and one for writing, each for one at a time. A reader waits for nobody
    (write-ahead log), so reading needs no thread and no turn; who writes must have had theirs."""

    def __init__(self, url: str, patience: float) -> None:
        self._path, self._patience = make_url(url).database or "", patience
        self._opening = asyncio.Lock()
        self._reading: sqlite.Connection | None = None
        self._writing: sqlite.Connection | None = None

    async def execute(self, statement: Statement, params: Mapping[str, Any] | None = None, /) -> Rows:
        """The rows of one statement, which sees one state."""
        if self._reading is None:
            async with self._opening:
                self._reading = self._reading or await sqlite.open_file(self._path, self._patience)
        return await self.ask(self._reading, statement, params)

    async def ask(
        self, connection: sqlite.Connection, statement: Statement, params: Mapping[str, Any] | None
    ) -> Rows:
        ready = prepared(statement)
        values = ready.values(params)
        try:
            found = await connection.run(connection.all_rows, ready.sql, values, waits=False)
        except IntegrityError as error:
            raise exc.IntegrityError(ready.sql, None, error) from error
        return ready.rows(found)

    @asynccontextmanager
    async def stroke(self) -> AsyncIterator[Stroke]:
        """A transaction that commits on leaving and rolls back on any exception."""
        if self._writing is None:
            self._writing = await sqlite.open_file(self._path, self._patience)
        try:
            await self._writing.take_lock()
            yield FileStroke(self, self._writing)
            await self._writing.commit()
        except BaseException:
            await self._writing.rollback()
            raise

    async def close(self) -> None:
        for connection in (self._reading, self._writing):
            if connection is not None:
                await connection.close()
        self._reading = self._writing = None


class FileStroke:
    def __init__(self, file: OnFile, connection: sqlite.Connection) -> None:
        self._file, self._connection = file, connection

    async def execute(self, statement: Any, params: Any = None, /) -> Any:
        return await self._file.ask(self._connection, statement, params)

    async def lock(self, rows: Any, params: Any = None, /) -> None:
        """The transaction is that lock already."""
