"""What is compiled once for all tests of a process, though each has a shop and databases of its own."""

from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import event

from storefront.database import Database


class Compiled(BytecodeCache):
    """Templates, compiled once for all tests."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()

# SQLAlchemy keeps for each engine what it compiled; here every test has engines of its own, for the same statements.
COMPILED_SQL: dict[str, tuple[Any, Any]] = {}


def compile_once(database: Database) -> None:
    """Have a database's engines use what the first of its kind compiled, once that one knows its server."""
    engine: Any = database.engine.sync_engine
    if engine.dialect.name not in COMPILED_SQL:
        # Room for what all tests say; one shop says far less.
        engine._compiled_cache.capacity = 5_000
        own = engine.dialect.name, (engine.dialect, engine._compiled_cache)
        # After SQLAlchemy's own listener, which asks the server who it is.
        event.listen(engine.pool, "connect", lambda *_: COMPILED_SQL.setdefault(*own))
        return
    for one in (engine, *_with_options(database)):
        one.dialect, one._compiled_cache = COMPILED_SQL[engine.dialect.name]
    engine.pool._dialect = engine.dialect


def _with_options(database: Database) -> list[Any]:
    """Those that it made of its engine: each has taken over what the engine knew then."""
    at_once: Any = getattr(database.glance, "_at_once", None)
    return [database._writes.kw["bind"].sync_engine, *([at_once.sync_engine] if at_once else [])]


def open_database(url: str, **pool: int) -> Database:
    """A connection pool of its own, which need not compile what an earlier one did."""
    opened = Database(url, **pool)
    compile_once(opened)
    return opened
