import pytest
import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storefront.database import Base, Database, migrate, now
from storefront.outbox.models import Message
from storefront.web.logs import set_up_logs
from tests.conftest import in_thread

OUTBOX = Base.metadata.tables["outbox"]
NOW = now()
PRIVATE = "Anna Larsson,\n\n12 Mill Lane"


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


@pytest.mark.parametrize("wrong", ["the same twice", "nothing where something must be"])
async def test_the_log_of_an_error_repeats_nobodys_data(
    database: Database, capfd: pytest.CaptureFixture[str], wrong: str
) -> None:
    rows = [dict.fromkeys(("key", "recipient", "template", "language", "message_id", "error"), PRIVATE)] * 2
    more = {
        "data": {},
        "tries": 0,
        "next_try_at": None if wrong.startswith("nothing") else NOW,
        "created_at": NOW,
    }

    async def fail() -> None:
        async with database.writes() as session:
            for row in rows:
                await session.execute(insert(OUTBOX).values(**row, **more))

    with pytest.raises(IntegrityError) as refusal:
        await fail()
    line = logged(refusal.value, capfd)
    assert "IntegrityError" in line
    assert "INSERT INTO outbox" in line, "what is nobody's stays"
    for part in ("Larsson", "Mill Lane"):
        assert part not in line


# SQLite compares anything with anything.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_nor_does_that_of_a_value_that_does_not_fit(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> None:
        async with database.reads() as session:
            await session.scalar(select(Message.id).where(text("id = :number")), {"number": PRIVATE})

    with pytest.raises(DBAPIError) as refusal:
        await fail()
    line = logged(refusal.value, capfd)
    assert "invalid input" in line
    for part in ("Larsson", "Mill Lane"):
        assert part not in line


def logged(error: Exception, capfd: pytest.CaptureFixture[str]) -> str:
    # A command that ran in this process may have turned its log to the standard error.
    set_up_logs()
    structlog.get_logger().error("unhandled", exc_info=error)
    return capfd.readouterr().out
