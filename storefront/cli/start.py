"""What every command does first: read the settings, open the database, and end with one line when that fails."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from storefront.database import Database, away
from storefront.settings import Settings, WrongSettings, load_settings

if TYPE_CHECKING:
    from storefront.app import Shop

T = TypeVar("T")


def fail(text: str) -> NoReturn:
    """End with one line on standard error."""
    click.echo(f"storefront: {text}", err=True)
    sys.exit(1)


def settings() -> Settings:
    try:
        return load_settings()
    except WrongSettings as error:
        fail(str(error))


def with_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Run `work` with the settings and the database, which must be migrated; close it after."""
    found = settings()

    async def run() -> T:
        database = Database(found.database)
        try:
            await must_be_migrated(database)
            return await work(found, database)
        finally:
            await database.close()

    return asyncio.run(run())


def with_shop(work: Callable[["Shop"], Awaitable[T]]) -> T:
    """The same with everything that the rooms share, for what speaks to Stripe."""
    from storefront.process import open_shop

    async def run() -> T:
        async with open_shop(settings()) as shop:
            await must_be_migrated(shop.database)
            return await work(shop)

    return asyncio.run(run())


async def must_be_migrated(database: Database) -> None:
    if await is_behind(database):
        fail("the database is behind its migrations; run: storefront migrate")


async def is_behind(database: Database) -> bool:
    """Whether migrations are missing; ends with one line when the database does not answer."""
    try:
        return await database.behind()
    except (OSError, SQLAlchemyError) as error:
        fail(f"DATABASE_URL: {away(error)}")
