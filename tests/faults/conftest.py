import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storefront.payments.transport import InProcessClient
from storefront.settings import Settings
from storefront.web.assets import Assets
from tests.faults.house import SECRET, House, open_house


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The shop's static files, read once for all tests."""
    return Assets(Settings(_env_file=None))  # type: ignore[call-arg]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe's SDK waits between its tries; in this process it need not."""

    async def at_once(_self: InProcessClient, _seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(InProcessClient, "sleep_async", at_once)


@pytest.fixture
def house_settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        DATABASE_URL=database_url,
        WORKER="separate",
        STRIPE_SECRET_KEY="sk_test_" + "faults",
        STRIPE_WEBHOOK_SECRET=SECRET,
        OUTBOX_DIR=tmp_path / "outbox",
        MEDIA_DIR=tmp_path / "media",
    )


@pytest.fixture
async def house(house_settings: Settings, assets: Assets, tmp_path: Path) -> AsyncIterator[House]:
    """A shop on each kind of database beside a sandbox of its own."""
    async with open_house(house_settings, assets, tmp_path) as opened:
        yield opened
