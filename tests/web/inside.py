"""The shop in the test's own process and loop, for what a process of its own hides: statements, the clock."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from storefront.app import make_shop, serve
from storefront.settings import Settings
from storefront.web.assets import Assets
from tests.compiled import COMPILED, compile_once
from tests.shop import NO_TLS

URL = "http://127.0.0.1:8000"


def quick_settings(template: Path, folder: Path, **settings: str) -> Settings:
    """Settings of a shop on a copy of a migrated SQLite database, without a worker and without a Stripe."""
    copy = shutil.copy(template, folder / "shop.db")
    values: dict[str, Any] = {
        "_env_file": None,
        "DATABASE_URL": f"sqlite+aiosqlite:///{copy}",
        "OUTBOX_DIR": str(folder / "outbox"),
        "WORKER": "separate",
        "STRIPE_SECRET_KEY": "sk_test_" + "nobody",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "STRIPE_CONNECTIVITY_CHECK": "false",
    }
    return Settings(**(values | settings))


@asynccontextmanager
async def shop_inside(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, started and stopped as a server does."""
    finished: list[Any] = []
    assets = Assets(settings)
    shop = make_shop(settings, assets, finished)
    shop.templates.environment.bytecode_cache = COMPILED
    compile_once(shop.database)
    app: Any = serve(shop, assets, finished)
    async with _alive(app):
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url=URL, verify=NO_TLS) as client:
            yield client


@asynccontextmanager
async def _alive(app: Any) -> AsyncIterator[None]:
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.create_task(app(scope, to_app.get, from_app.put))
    try:
        to_app.put_nowait({"type": "lifespan.startup"})
        started = await from_app.get()
        assert started["type"] == "lifespan.startup.complete", started
        yield
    finally:
        to_app.put_nowait({"type": "lifespan.shutdown"})
        await from_app.get()
        await task
