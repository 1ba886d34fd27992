"""Real databases for every test that touches data: a SQLite file and PostgreSQL, migrated once, copied per test."""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from storefront.database import Database, migrate
from storefront.settings import Settings
from storefront.web.logs import set_up_logs
from tests.payments.stripe_objects import SHARED
from tests.shop import Running, Shopper, running_shop, shopper_at
from tests.stripe_double import KEY, SECRET, StripeDouble

T = TypeVar("T")
set_up_logs()
POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql+asyncpg://postgres@127.0.0.1:5432")
START_POSTGRES = "Start one on 127.0.0.1:5432 (user postgres, trust), or set TEST_POSTGRES."
REQUIRED = os.environ.get("STOREFRONT_REQUIRE_SERVICES") == "1"
SETTINGS_NAMES = [str(field.alias) for field in Settings.model_fields.values()]


def missing(what: str, help_with: str) -> None:
    """Skip loudly, or fail where every service is required."""
    if REQUIRED:
        pytest.fail(f"{what} is required here: {help_with}")
    pytest.skip(f"NOT TESTED: {what} is missing. {help_with}")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS_NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    in_thread(migrate, f"sqlite+aiosqlite:///{path}", "head")
    return path


def in_thread(work: Callable[..., T], *args: Any) -> T:
    """What runs a loop of its own cannot run inside a test's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result()


async def _admin(statement: str) -> None:
    engine = create_async_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


def admin(statement: str) -> None:
    in_thread(lambda: asyncio.run(_admin(statement)))


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    name = f"storefront_template_{uuid.uuid4().hex[:10]}"
    try:
        admin(f"CREATE DATABASE {name}")
    except OSError:
        missing("PostgreSQL", START_POSTGRES)
    in_thread(migrate, f"{POSTGRES}/{name}", "head")
    yield name
    admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a fresh, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    name = f"storefront_test_{uuid.uuid4().hex[:12]}"
    await _admin(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield f"{POSTGRES}/{name}"
    await _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    found = Database(database_url)
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
        admin(f"CREATE DATABASE {name}")
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


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stripe: StripeDouble
) -> Iterator[Running]:
    """A shop process on each database, with our own Stripe. Tests share it: each makes its own things to buy."""
    folder = tmp_path_factory.mktemp("shop")
    keys = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": stripe.base}
    with new_database(request.param, folder) as url, running_shop(folder, url, keys) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def demo_shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A shop process on each database as it is without any setting: with the sandbox Stripe."""
    folder = tmp_path_factory.mktemp("demo")
    with new_database(request.param, folder) as url, running_shop(folder, url) as running:
        yield running
        sandbox = Settings(_env_file=None, DATABASE_URL=url).sandbox_file
    for file in sandbox.parent.glob(f"{sandbox.name}*"):
        file.unlink()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
async def shopper(shop: Running) -> AsyncIterator[Shopper]:
    async with shopper_at(shop.url) as made:
        yield made
