"""The sandbox as a server of its own: the real SDK over real HTTP, webhooks to a real listener."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.lines import listening
from tests.sandbox.conftest import KEY, SECRET, Served, order
from tests.shop import NO_TLS


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the SDK's own HTTPX client
async def test_a_whole_payment_over_http(served: Served, check: Any) -> None:
    http = stripe.HTTPXClient(timeout=5)
    client = stripe.StripeClient(KEY, base_addresses={"api": served.url}, http_client=http)
    made = await client.v1.checkout.sessions.create_async(order())
    check(made)
    assert made.url == f"{served.url.replace('127.0.0.1', 'localhost')}/sandbox/pay/{made.id}"
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, verify=NO_TLS) as browser:
        page = await browser.get(f"/sandbox/pay/{made.id}")
        assert page.status_code == 200
        answer = await browser.post(
            f"/sandbox/pay/{made.id}", data={"email": "sam@example.com", "test_card": "4242424242424242"}
        )
        assert answer.status_code == 303
        head = await browser.head("/sandbox/dashboard")
        assert (head.status_code, head.content) == (200, b"")
        state = (await browser.get("/sandbox/control/state")).json()
        assert state["offset"] == 0
    paid = await client.v1.checkout.sessions.retrieve_async(made.id)
    assert paid.payment_status == "paid"
    await http.close_async()  # type: ignore[no-untyped-call]


async def test_it_is_steered_from_this_machine_only(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, verify=NO_TLS) as browser:
        stranger = await browser.get("/sandbox/dashboard", headers={"Host": "evil.example"})
        assert stranger.status_code == 403
        other_site = await browser.post("/sandbox/clock", headers={"Sec-Fetch-Site": "cross-site"})
        assert other_site.status_code == 403
        origin = await browser.post("/sandbox/clock", headers={"Origin": "http://evil.example"})
        assert origin.status_code == 403
        # The payment page is a shopper's: it may be reached by another name, through a tunnel.
        page = await browser.get("/sandbox/pay/cs_test_x", headers={"Host": "shop.example"})
        assert page.status_code == 404


async def test_webhooks_go_to_the_address_that_was_set(tmp_path: Path) -> None:
    came: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line[:15].lower() == b"content-length:"
        )
        came.put_nowait((head, await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()

    script = (
        "import asyncio; from storefront.sandbox.server import app\n"
        "async def main():\n"
        "    started, ended = asyncio.Event(), asyncio.Event()\n"
        "    async def receive():\n"
        "        if not started.is_set():\n"
        "            return {'type': 'lifespan.startup'}\n"
        "        await ended.wait()\n"
        "        return {'type': 'lifespan.shutdown'}\n"
        "    async def send(message):\n"
        "        started.set()\n"
        "    life = asyncio.create_task(app({'type': 'lifespan'}, receive, send))\n"
        "    await started.wait()\n"
        "    await app.sandbox.control('product', name='Soap', unit_amount=5, currency='usd')\n"
        "    while (await app.sandbox.control('state'))['deliveries']['delivered'] < 2:\n"
        "        await asyncio.sleep(0.02)\n"
        "    ended.set()\n"
        "    await life\n"
        "asyncio.run(main())\n"
    )
    async with listening(listen) as port:
        environment = os.environ | {
            "SANDBOX_PATH": str(tmp_path / "sandbox.db"),
            "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/webhooks/stripe",
            "SANDBOX_WEBHOOK_SECRET": SECRET,
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, env=environment)
        async with asyncio.timeout(10):
            for _ in range(2):
                head, body = await came.get()
                signature = next(
                    line
                    for line in head.decode().split("\r\n")
                    if line.lower().startswith("stripe-signature")
                )
                event = stripe.Webhook.construct_event(body, signature.partition(": ")[2], SECRET)
                assert event.type in ("product.created", "price.created")
            assert await process.wait() == 0


def test_webhooks_never_leave_this_machine(tmp_path: Path) -> None:
    environment = os.environ | {"SANDBOX_WEBHOOK_URL": "https://shop.example/webhooks/stripe"}
    command = [sys.executable, "-c", "import storefront.sandbox.server"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    assert (
        result.stderr.strip()
        == "SANDBOX_WEBHOOK_URL must be a loopback address, not https://shop.example/webhooks/stripe"
    )


def test_the_sandbox_knows_nothing_of_the_shop_and_costs_nothing_unasked() -> None:
    script = (
        "import sys, storefront.sandbox\n"
        "assert 'jinja2' not in sys.modules and 'sqlite3' not in sys.modules\n"
        "import storefront.sandbox.server\n"
        "ours = [name for name in sys.modules if name.startswith('storefront.') and 'sandbox' not in name]\n"
        "assert ours == [], ours\n"
        "assert 'stripe' not in sys.modules and 'litestar' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)
