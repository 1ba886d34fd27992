from sqlalchemy import text

from storefront.database import Database, migrate
from tests.conftest import in_thread


async def test_a_fresh_database_stands_at_the_newest_migration(database: Database) -> None:
    assert not await database.behind()


def test_migrations_go_down_and_up_again(database_url: str) -> None:
    in_thread(lambda: migrate(database_url, "base", down=True))
    in_thread(migrate, database_url, "head")


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    try:
        async with database.writes() as session:
            await session.execute(text("UPDATE catalogue_version SET number = 99"))
            raise RuntimeError
    except RuntimeError:
        pass
    async with database.reads() as session:
        assert await session.scalar(text("SELECT number FROM catalogue_version")) == 1
