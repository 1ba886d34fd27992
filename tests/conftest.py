"""Real databases for every test that touches data: a SQLite file and PostgreSQL, migrated once, copied per test."""

import asyncio
import gc
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from storefront.database import Database, migrate
from storefront.settings import Settings
from storefront.web.logs import set_up_logs
from tests.compiled import open_database
from tests.payments.stripe_objects import SHARED
from tests.shop import Running, Shopper, running_shop, shopper_at
from tests.stripe_double import KEY, SECRET, StripeDouble

T = TypeVar("T")
POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql+asyncpg://postgres@127.0.0.1:5432")
START_POSTGRES = "Start one on 127.0.0.1:5432 (user postgres, trust), or set TEST_POSTGRES."
REQUIRED = os.environ.get("STOREFRONT_REQUIRE_SERVICES") == "1"
LONG = ("tests/model/", "tests/killed/", "tests/browser/test_accessibility", "tests/browser/test_keyboard")
SETTINGS_NAMES = [str(field.alias) for field in Settings.model_fields.values()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no process works on one alone at the end."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it again and again, nor as often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def missing(what: str, help_with: str) -> None:
    """Skip loudly, or fail where every service is required."""
    if REQUIRED:
        pytest.fail(f"{what} is required here: {help_with}")
    pytest.skip(f"NOT TESTED: {what} is missing. {help_with}")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS_NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _logs_as_the_shop_writes_them() -> None:
    """A command that ran in this process left them quiet."""
    set_up_logs()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    in_thread(migrate, f"sqlite+aiosqlite:///{path}", "head")
    return path


def in_thread(work: Callable[..., T], *args: Any) -> T:
    """What runs a loop of its own cannot run inside a test's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result()


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


def admin(statement: str) -> None:
    in_thread(lambda: asyncio.run(_execute(f"{POSTGRES}/postgres", statement)))


def make_database(name: str, how: str = "") -> None:
    """Here processes are killed, PostgreSQL never is: its commits need not wait for the disk."""
    admin(f"CREATE DATABASE {name} {how}")
    admin(f"ALTER DATABASE {name} SET synchronous_commit = off")


# Making a database takes PostgreSQL ten times as long as emptying one. What the migrations wrote stands in `fresh`.
KEEP_FRESH = """
DO $$ DECLARE t text; filled boolean; BEGIN
  CREATE SCHEMA fresh;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%1$I)', t) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE fresh.%1$I AS TABLE public.%1$I', t); END IF;
  END LOOP;
END $$"""
EMPTY = """
DO $$ DECLARE t text; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%1$I', t);
  END LOOP;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'fresh' LOOP
    EXECUTE format('INSERT INTO public.%1$I SELECT * FROM fresh.%1$I', t);
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public';
END $$"""


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated database that nobody uses, to be copied."""
    name = f"storefront_template_{uuid.uuid4().hex[:10]}"
    try:
        make_database(name)
    except OSError:
        missing("PostgreSQL", START_POSTGRES)
    in_thread(migrate, f"{POSTGRES}/{name}", "head")
    yield name
    admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    """One migrated database, emptied for each test by `database_url`."""
    with new_database("postgresql", Path()) as url:
        in_thread(migrate, url, "head")
        in_thread(lambda: asyncio.run(_execute(url, KEEP_FRESH)))
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite+aiosqlite:///{path}"
    url: str = request.getfixturevalue("postgres_database")
    await _execute(url, EMPTY)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = open_database(database_url)
    yield found
    await found.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The development settings with everything that is written kept in this test's folder."""
    return Settings(_env_file=None, OUTBOX_DIR=tmp_path / "outbox", MEDIA_DIR=tmp_path / "media")


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database, for a shop that starts by itself."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'shop.db'}"
        return
    name = f"storefront_shop_{uuid.uuid4().hex[:12]}"
    try:
        make_database(name)
    except OSError:
        missing("PostgreSQL", START_POSTGRES)
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def stripe() -> Iterator[StripeDouble]:
    """Our own Stripe, beside which `shop` runs."""
    if not SHARED.exists():
        missing("Stripe's description", f"It belongs into {SHARED}.")
    double = StripeDouble()
    double.up()
    yield double
    double.down()
    assert double.findings == []


Shops: TypeAlias = Callable[[str], Running]


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory, stripe: StripeDouble) -> Iterator[Shops]:
    """The shop process on a database of that kind, with our own Stripe; started when it is first asked for."""
    keys = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": stripe.base}
    with ExitStack() as stack:

        @cache
        def shop_on(kind: str) -> Running:
            folder = tmp_path_factory.mktemp("shop")
            url = stack.enter_context(new_database(kind, folder))
            return stack.enter_context(no_trace_in(running_shop(folder, url, keys)))

        yield shop_on


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, shops: Shops) -> Running:
    """A shop process on each database, with our own Stripe. Tests share it: each makes its own things to buy."""
    return shops(request.param)


@pytest.fixture(scope="session")
def demo_shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """The same without any setting: with the sandbox Stripe."""
    with ExitStack() as stack:

        @cache
        def shop_on(kind: str) -> Running:
            folder = tmp_path_factory.mktemp("demo")
            url = stack.enter_context(new_database(kind, folder))
            sandbox = Settings(_env_file=None, DATABASE_URL=url).sandbox_file
            stack.callback(lambda: [file.unlink() for file in sandbox.parent.glob(f"{sandbox.name}*")])
            return stack.enter_context(no_trace_in(running_shop(folder, url)))

        yield shop_on


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def demo_shop(request: pytest.FixtureRequest, demo_shops: Shops) -> Running:
    """A shop process on each database as it is without any setting: with the sandbox Stripe."""
    return demo_shops(request.param)


@contextmanager
def no_trace_in(shop: AbstractContextManager[Running]) -> Iterator[Running]:
    with shop as running:
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
async def shopper(shop: Running) -> AsyncIterator[Shopper]:
    async with shopper_at(shop.url) as made:
        yield made
