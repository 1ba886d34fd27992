"""The sandbox's books: one SQLite file that several processes may share.

Every piece of work is a plain function that takes `Books` and runs in one transaction, on one
thread of its own, so that nothing waits on the event loop. synchronous=NORMAL: what was committed
survives the process being killed, which is all that a development tool owes.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from storefront.sandbox.books import Books

T = TypeVar("T")
VERSION = 1

SCHEMA = """
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,                 -- when the sandbox itself has to act on it (expire, settle)
    body TEXT NOT NULL,          -- the object as Stripe shows it
    private TEXT NOT NULL        -- what belongs to it and is not shown
);
CREATE INDEX objects_kind ON objects (kind, seq);
CREATE INDEX objects_due ON objects (due) WHERE due IS NOT NULL;
CREATE INDEX objects_payment ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX objects_charge ON objects (kind, json_extract(body, '$.charge'));
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    state TEXT NOT NULL,         -- waiting, sending, delivered, held, dropped, failed
    due REAL NOT NULL,           -- by the sandbox's clock
    tries INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease REAL,                  -- by the wall clock: a sender that died is replaced after it
    created REAL NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (state, due);
CREATE INDEX deliveries_event ON deliveries (event);
CREATE TABLE tries (
    delivery INTEGER NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    error TEXT,
    seconds REAL NOT NULL
);
CREATE INDEX tries_delivery ON tries (delivery);
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    request_id TEXT NOT NULL,
    lease REAL,                  -- set while the first request is still being carried out
    status INTEGER,
    body TEXT
);
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    match TEXT NOT NULL,
    kind TEXT NOT NULL,
    moment TEXT NOT NULL,
    times INTEGER,
    seconds REAL,
    copies INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    at REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    key TEXT,
    status INTEGER NOT NULL,
    note TEXT NOT NULL,          -- replayed, or the fault that was ordered
    seconds REAL NOT NULL,
    params TEXT NOT NULL,
    answer TEXT NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""


class Store:
    """Runs work in transactions. `committed` is called after a commit that left webhooks to send."""

    def __init__(self, path: Path, committed: Callable[[], None]) -> None:
        self._path = path
        self._committed = committed
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None

    async def write(self, work: Callable[[Books], T]) -> T:
        """Runs `work` inside BEGIN IMMEDIATE; an exception rolls everything back."""
        return await self._hand_over(work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[Books], T]) -> T:
        """Runs `work`, which must not write, on one state of the file."""
        return await self._hand_over(work, "BEGIN")

    async def close(self) -> None:
        """Closes the file; it is opened again by the next piece of work."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            await asyncio.get_running_loop().run_in_executor(thread, self._shut)
            thread.shutdown(wait=False)

    async def _hand_over(self, work: Callable[[Books], T], begin: str) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work, begin)

    def _run(self, work: Callable[[Books], T], begin: str) -> T:
        db = self._db or self._open()
        db.execute(begin)
        try:
            books = Books(db)
            result = work(books)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        if books.has_mail:
            self._committed()
        return result

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            _switch_to_wal(db)
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
            elif version != VERSION:
                raise RuntimeError(f"{self._path} was written by another version of the sandbox: delete it")
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    def _shut(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _switch_to_wal(db: sqlite3.Connection) -> None:
    """SQLite does not wait for this switch when several processes make it at once, so we do."""
    for pause in (0.01, 0.05, 0.2, 1.0):
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(pause)
    db.execute("PRAGMA journal_mode=WAL")


def dump(value: object) -> str:
    """JSON as Stripe prints it: two spaces, plain UTF-8."""
    return json.dumps(value, indent=2, ensure_ascii=False)
