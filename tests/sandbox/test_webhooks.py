"""How webhooks arrive: signed, soon, again when the shop fails, and as badly as was ordered."""

import asyncio
import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from storefront.sandbox import Sandbox
from storefront.sandbox.deliveries import signed
from tests.sandbox.conftest import SECRET, Shop, order


async def states(sandbox: Sandbox) -> dict[str, int]:
    """How many deliveries are in each state; those being noted are waited for."""
    while True:
        counted = (await sandbox.control("state"))["deliveries"]
        if not counted["sending"]:
            return {name: number for name, number in counted.items() if number}
        await asyncio.sleep(0.01)


async def expire_one(client: stripe.StripeClient) -> str:
    """Something that causes exactly one event."""
    made = await client.v1.checkout.sessions.create_async(order())
    await client.v1.checkout.sessions.expire_async(made.id)
    return made.id


def test_the_signature_is_stripes() -> None:
    headers = signed(b'{"a": 1}', SECRET, 1700000000)
    digest = hmac.new(SECRET.encode(), b'1700000000.{"a": 1}', hashlib.sha256).hexdigest()
    assert headers["Stripe-Signature"] == f"t=1700000000,v1={digest}"


async def test_the_body_is_printed_as_stripe_prints_it(tmp_path: Path) -> None:
    bodies: list[bytes] = []

    async def deliver(body: bytes, headers: dict[str, str]) -> int:
        bodies.append(body)
        return 200

    sandbox = Sandbox(tmp_path / "sandbox.db", deliver)
    await sandbox.start()
    await sandbox.control("product", name="Öl", unit_amount="100", currency="usd")
    while len(bodies) < 2:
        await asyncio.sleep(0.01)
    await sandbox.stop()
    assert bodies[0].decode() == json.dumps(json.loads(bodies[0]), indent=2, ensure_ascii=False)


async def test_a_webhook_comes_by_itself(client: stripe.StripeClient, shop: Shop) -> None:
    """The clock of the sandbox stands still meanwhile."""
    made = await client.v1.checkout.sessions.create_async(order())
    await client.v1.checkout.sessions.expire_async(made.id)
    assert await shop.until(1) == ["checkout.session.expired"]


async def test_a_shop_that_fails_is_asked_again(
    client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    shop.statuses = [500, 0]
    await expire_one(client)
    await shop.until(1)
    assert await states(sandbox) == {"waiting": 1}
    event = await client.v1.events.retrieve_async(shop.events[0].id)
    assert event.pending_webhooks == 1
    await sandbox.control("clock", seconds=2)
    await shop.until(2)
    await states(sandbox)
    await sandbox.control("clock", seconds=4)
    assert await shop.until(3) == ["checkout.session.expired"] * 3
    assert len({event.id for event in shop.events}) == 1
    assert await states(sandbox) == {"delivered": 1}
    assert (await client.v1.events.retrieve_async(shop.events[0].id)).pending_webhooks == 0
    assert (await client.v1.events.list_async({"delivery_success": False})).data == []


async def test_a_shop_that_stays_down_is_given_up_after_three_days(
    client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    shop.statuses = [503] * 100
    await expire_one(client)
    await shop.until(1)
    for _ in range(60):
        if "waiting" not in await states(sandbox):
            break
        number = len(shop.events)
        await sandbox.control("clock", seconds=3 * 3600 + 1)
        await shop.until(number + 1)
    assert await states(sandbox) == {"failed": 1}
    assert 20 < len(shop.events) < 50


async def test_a_slow_shop_does_not_hold_up_the_api(
    tmp_path: Path, client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    async def never(body: bytes, headers: dict[str, str]) -> int:
        await asyncio.sleep(60)
        return 200

    sandbox.deliver = never
    for _ in range(10):
        await expire_one(client)
    async with asyncio.timeout(5):
        await client.v1.checkout.sessions.list_async()


async def test_what_was_not_sent_is_sent_after_a_restart(tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "sandbox.db"
    first = Sandbox(path, shop.deliver, webhook_secret=SECRET)
    await first.control("product", name="Soap", unit_amount=100, currency="usd")
    await first.stop()
    assert shop.events == []
    second = Sandbox(path, shop.deliver, webhook_secret=SECRET)
    await second.start()
    assert sorted(await shop.until(2)) == ["price.created", "product.created"]
    await second.stop()


async def test_what_a_killed_sender_had_claimed_is_sent_at_once(tmp_path: Path, shop: Shop) -> None:
    path = tmp_path / "sandbox.db"
    script = (
        "import asyncio, os, sys; from pathlib import Path; from storefront.sandbox import Sandbox\n"
        "async def deliver(body, headers):\n"
        "    os.kill(os.getpid(), 9)\n"
        "async def main():\n"
        "    sandbox = Sandbox(Path(sys.argv[1]), deliver)\n"
        "    await sandbox.start()\n"
        "    await sandbox.control('product', name='Soap', unit_amount=5, currency='usd')\n"
        "    await asyncio.sleep(10)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path))
    assert await process.wait() == -9
    sandbox = Sandbox(path, shop.deliver, webhook_secret=SECRET)
    await sandbox.start()
    assert sorted(await shop.until(2)) == ["price.created", "product.created"]
    await sandbox.stop()


@pytest.mark.parametrize(
    ("fault", "arrive"),
    [
        ({"kind": "duplicate", "copies": 2}, 3),
        ({"kind": "shuffle", "seconds": 0.05}, 1),
        ({"kind": "drop"}, 0),
    ],
)
async def test_webhooks_go_wrong_on_order(
    client: stripe.StripeClient,
    browser: httpx.AsyncClient,
    sandbox: Sandbox,
    shop: Shop,
    fault: dict[str, Any],
    arrive: int,
) -> None:
    answer = await browser.post("/sandbox/faults", json={"match": "webhook checkout.session.*"} | fault)
    assert answer.status_code == 201
    await expire_one(client)
    await asyncio.sleep(0.15)
    assert len(await shop.until(arrive)) == arrive
    if not arrive:
        assert await states(sandbox) == {"dropped": 1}
    await expire_one(client)
    assert len(await shop.until(arrive + 1)) == arrive + 1


async def test_webhooks_are_held_back_until_released(
    client: stripe.StripeClient, browser: httpx.AsyncClient, sandbox: Sandbox, shop: Shop
) -> None:
    await browser.post("/sandbox/faults", json={"match": "webhook *", "kind": "hold", "times": None})
    made = await client.v1.checkout.sessions.create_async(order())
    await sandbox.control("pay", session=made.id)
    await asyncio.sleep(0.1)
    assert shop.events == []
    assert (await browser.post("/sandbox/control/release")).json()["released"] == 4
    assert len(await shop.until(4)) == 4
    await browser.delete("/sandbox/faults")
    await sandbox.control("resend", event=shop.events[0].id)
    assert (await shop.until(5))[4] == shop.types[0]
