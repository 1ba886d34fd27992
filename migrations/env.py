"""Alembic's environment: one connection, foreign keys checked at the end, one migration run at a time."""

import asyncio
import importlib
from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from storefront.database import Base, Moment
from storefront.settings import load_settings

for room in ("catalogue", "promotions", "cart", "orders", "outbox", "payments", "credits", "accounts"):
    importlib.import_module(f"storefront.{room}.models")

# Search tables belong to the database's own full-text engine, not to the models.
OUTSIDE_THE_MODELS = ("product_search", "ix_products_search")
PG_LOCK = 72_300_417


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    of_search = kind == "column" and name in {"search", "search_titles"}
    return not (name or "").startswith(OUTSIDE_THE_MODELS) and not of_search


def render_item(kind: str, item: Any, _autogenerate: Any) -> str | bool:
    # A migration says what stands in the database, not what a class of ours is called today.
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Rebuilding a table would fire ON DELETE; what is broken in the end is found by foreign_key_check.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({PG_LOCK})"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=sqlite,
        include_name=include_name,
        render_item=render_item,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("the migration would leave rows that point nowhere; nothing was changed")
    connection.commit()


async def main() -> None:
    url = context.config.attributes.get("url") or load_settings().database
    engine = create_async_engine(url, hide_parameters=True)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
