"""Starting: several processes on an empty database, and what the shop says when it breaks."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text, update

from storefront.app import make_shop, readiness
from storefront.catalogue.models import CatalogueVersion, Product, StockMovement, Variant
from storefront.database import move_clock
from storefront.outbox.models import WorkerBeat
from storefront.settings import Settings
from storefront.web.assets import Assets
from tests.shop import NO_TLS, Running, eventually, running_shop, shopper_at
from tests.stripe_double import SECRET, deliver

SILENT = "no worker loop has beaten for 2 minutes"


@pytest.mark.parametrize(("worker", "at_start"), [("inside", []), ("separate", [SILENT])])
async def test_a_worker_that_has_just_begun_is_not_called_silent(
    settings: Settings, database_url: str, worker: str, at_start: list[str]
) -> None:
    changed = settings.model_copy(update={"worker": worker, "database_url": SecretStr(database_url)})
    shop = make_shop(changed, Assets(changed), [])
    try:
        assert (await readiness(shop))["warnings"] == at_start
        move_clock(timedelta(seconds=121))
        assert (await readiness(shop))["warnings"] == [SILENT]
    finally:
        move_clock(timedelta(0))
        await shop.gateway.close()
        await shop.limits.close()
        await shop.database.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two processes that start together on a SQLite database that does not exist yet."""
    folder = tmp_path_factory.mktemp("crowd")
    url = f"sqlite+aiosqlite:///{folder / 'new' / 'shop.db'}"
    with running_shop(folder, url, {"STRIPE_WEBHOOK_SECRET": SECRET}, workers=2) as running:
        yield running


async def test_two_processes_migrate_and_seed_an_empty_database_once(crowd: Running) -> None:
    async with crowd.database() as database, database.reads() as session:
        slugs = Counter(await session.scalars(select(Product.slug)))
        assert len(slugs) >= 24
        assert set(slugs.values()) == {1}
        assert await session.scalar(select(func.count()).select_from(CatalogueVersion)) == 1
        causes = Counter(await session.scalars(select(StockMovement.variant_id)))
        assert set(causes.values()) == {1}

    async def both_work() -> bool:
        async with crowd.database() as database, database.reads() as session:
            return await session.scalar(select(func.count()).select_from(WorkerBeat)) == 2

    assert await eventually(both_work)
    assert crowd.log.read_text().count("Application startup complete") == 2
    assert "Traceback" not in crowd.log.read_text()


async def test_two_processes_show_a_change_of_stock_to_everybody(crowd: Running) -> None:
    thing = await crowd.new_thing(on_hand=5)
    async with shopper_at(crowd.url) as shopper:
        for _ in range(6):
            assert "Add to cart" in (await shopper.get(f"/products/{thing.slug}")).words
        await crowd.change(text(f"UPDATE variants SET on_hand = 0 WHERE id = {thing.variant_id}"))
        await crowd.change(text("UPDATE catalogue_version SET number = number + 1"))
        await asyncio.sleep(1.1)
        for _ in range(6):
            assert "Sold out" in (await shopper.get(f"/products/{thing.slug}")).words


async def test_our_own_bug_is_a_page_with_an_id_that_stands_in_the_log(crowd: Running) -> None:
    await crowd.change(text("ALTER TABLE delivery_rates RENAME TO delivery_rates_away"))
    await crowd.change(text("ALTER TABLE stripe_events RENAME TO stripe_events_away"))
    try:
        async with shopper_at(crowd.url) as shopper:
            await shopper.add(await crowd.new_thing())
            answer = await shopper.get("/cart")
            assert answer.status == 500
            assert "Traceback" not in answer.text
            assert "sqlite" not in answer.text.lower()
            identity = answer.root.all("code")[0].text
            assert f'"error_id":"{identity}"' in crowd.log.read_text()
            assert answer.root.all("a", href="/products")
        event = b'{"id": "evt_1", "type": "a.b", "livemode": false, "created": 1, "data": {"object": {}}}'
        assert (await deliver(crowd.url, event)).status_code == 500, "Stripe is to send it again"
    finally:
        await crowd.change(text("ALTER TABLE delivery_rates_away RENAME TO delivery_rates"))
        await crowd.change(text("ALTER TABLE stripe_events_away RENAME TO stripe_events"))
    assert (await deliver(crowd.url, event)).status_code == 200


async def test_the_probes_tell_whether_it_is_ready(crowd: Running) -> None:
    async with httpx.AsyncClient(base_url=crowd.url, trust_env=False, verify=NO_TLS) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = (await client.get("/readyz")).json()
        assert ready["ok"] is True
        await crowd.change(text("UPDATE alembic_version SET version_num = '0000'"))
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["ok"]) == (503, False)


async def test_a_command_that_finds_the_database_busy_says_so_in_one_line(shop: Running) -> None:
    thing = await shop.new_thing(on_hand=3)
    busy = update(Variant).where(Variant.id == thing.variant_id).values(position=1)
    async with shop.database() as database, database.writes() as session:
        await session.execute(busy)
        code, said = await shop.command("stock", thing.sku, "5")
    assert code == 1
    assert said == "storefront: the database is busy with something else for too long; please try again\n"
    assert await shop.stock(thing) == (3, 0)
