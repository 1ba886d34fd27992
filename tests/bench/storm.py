"""The checkout storm: 200 shoppers at once place, pay through the sandbox Stripe and are settled by webhooks that come
twice, against two server processes on PostgreSQL and one on SQLite. Nothing may be lost, nothing done twice.

python -m tests.bench.storm [--shoppers N] [--database sqlite|postgresql] [--write FILE]
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from storefront.catalogue.models import Product, StockMovement, Variant
from storefront.database import Database
from storefront.orders.models import PAID, Order
from storefront.outbox.models import Message
from tests.bench.report import write_storm
from tests.conftest import new_database
from tests.faults.invariants import check, in_sandbox
from tests.shop import ANNA, FORM_TYPE, ROOT, SETTINGS_NAMES, free_port

SHOPPERS = 200
COLUMNS = ["", "orders/s", "paid → settled p50", "p99", "pressed again", "lost", "doubled"]
INTRODUCTION = """\
{shoppers} shoppers who place, pay through the sandbox and are settled by webhooks at the same moment, each webhook sent
twice, with the sandbox and the client on the same two cores. Lost are orders that are paid at Stripe and not here;
doubled are orders, pages, movements of stock and messages beyond one for each shopper."""
PROCESSES = {"postgresql": 2, "sqlite": 1}
KEY, SECRET = "sk_test_" + "storm", "whsec_" + "storm"
PATIENCE = 120.0
PAID_LETTERS = ("order-paid", "order-paid-owner")


@dataclass(frozen=True)
class Storm:
    """What came of it. `waits`: seconds from pressing Pay at Stripe until the order was paid, one per order that is.
    `again`: how often a shopper was asked to press again, since the sandbox did not keep up. `lost`: paid at Stripe,
    not in the shop. `doubled`: orders, pages, movements, messages beyond one per shopper."""

    database: str
    processes: int
    orders: int
    seconds: float
    waits: list[float]
    again: int
    lost: int
    doubled: int

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the orders was settled."""
        ordered = sorted(self.waits)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass
class Servers:
    """The shop and the sandbox Stripe, running."""

    shop: str
    stripe: str
    stripe_file: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)


async def storm(shoppers: int = SHOPPERS, databases: tuple[str, ...] = tuple(PROCESSES)) -> list[Storm]:
    """One storm on each database."""
    return [await _storm_on(kind, shoppers) for kind in databases]


async def _storm_on(kind: str, shoppers: int) -> Storm:
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        with new_database(kind, folder) as url:
            database = Database(url)
            try:
                async with _servers(folder, url, PROCESSES[kind]) as servers:
                    return await _rage(kind, database, servers, shoppers)
            except httpx.TransportError as error:
                last_words = (folder / "servers.log").read_text()[-3000:]
                raise SystemExit(f"{error!r}; the servers' last words:\n{last_words}") from error
            finally:
                await database.close()


async def _rage(kind: str, database: Database, servers: Servers, shoppers: int) -> Storm:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:
        await _twice(client, servers)
        things = await _things(database)
        carts = [await _fill_cart(client, servers, things) for _ in range(shoppers)]
        began = time.time()
        bought = await asyncio.gather(*[_buy(client, servers, cart) for cart in carts])
        orders = await _settled(database, shoppers)
        await _all_heard(client, servers)
    pressed = {session: at for session, at, _ in bought}
    paid = {one.payment_intent: one.paid_at for one in orders if one.state == PAID and one.paid_at}
    stripe = in_sandbox(servers.stripe_file)
    taken = [one for one in stripe.of("checkout.session") if one["payment_status"] == "paid"]
    settled = [(one["id"], paid[one["payment_intent"]]) for one in taken if one["payment_intent"] in paid]
    await check(database, stripe)
    return Storm(
        database=kind,
        processes=PROCESSES[kind],
        orders=len(orders),
        seconds=max(at for _, at in settled).timestamp() - began,
        waits=[_seconds(pressed[session], at) for session, at in settled],
        again=sum(again for _, _, again in bought),
        lost=shoppers - len(settled),
        doubled=await _beyond_one(database, len(taken), shoppers),
    )


def _seconds(pressed: float, at: datetime) -> float:
    return max(0.0, at.timestamp() - pressed)


# Shoppers --------------------------------------------------------------------------------------------------------


async def _things(database: Database) -> list[int]:
    async with database.reads() as session:
        sold = select(Variant.id).join(Product).where(Product.status == "active", ~Variant.archived)
        plenty = sold.where(Variant.requires_shipping, Variant.on_hand >= 50).order_by(Variant.id)
        return list(await session.scalars(plenty))


async def _fill_cart(client: httpx.AsyncClient, servers: Servers, things: list[int]) -> str:
    """Two things, in any order, so that orders meet at the same variants from both sides; gives the cookie."""
    cookie = ""
    for thing in random.sample(things, 2):
        answer = await _post(
            client, f"{servers.shop}/cart/items", {"variant_id": str(thing), "quantity": "1"}, cookie
        )
        cookie = cookie or f"cart={answer.cookies['cart']}"
    return cookie


async def _buy(client: httpx.AsyncClient, servers: Servers, cart: str) -> tuple[str, float, int]:
    """Place the order and pay on Stripe's page; gives the page's session, when Pay was pressed, and how often the
    shop asked to place the order again."""
    form, again = ANNA | {"shipping_method": "standard"}, 0
    while (answer := await _post(client, f"{servers.shop}/checkout", form, cart)).status_code == 503:
        again += 1
        await asyncio.sleep(random.uniform(0.5, 1.5))
    session = answer.headers["location"].rpartition("/")[2]
    pressed = time.time()
    paid = await client.post(f"{servers.stripe}/sandbox/control/pay", json={"session": session})
    if paid.status_code != 200:
        raise SystemExit(f"the sandbox refused a payment: {paid.text[:500]}")
    return session, pressed, again


async def _post(client: httpx.AsyncClient, url: str, form: dict[str, str], cookie: str) -> httpx.Response:
    headers = {"sec-fetch-site": "same-origin", "content-type": FORM_TYPE, "cookie": cookie}
    answer = await client.post(url, content=str(httpx.QueryParams(form)), headers=headers)
    if answer.status_code not in {303, 503}:
        raise SystemExit(f"{url} answered {answer.status_code}: {answer.text[:2000]}")
    return answer


# What came of it -------------------------------------------------------------------------------------------------


async def _settled(database: Database, shoppers: int) -> list[Order]:
    """The orders, when all of them are paid and told of, or patience is over."""
    end = time.monotonic() + PATIENCE
    while True:
        async with database.reads() as session:
            orders = list(await session.scalars(select(Order)))
            waiting = list(await session.scalars(select(Message.id).where(Message.sent_at.is_(None))))
        if (sum(one.state == PAID for one in orders) >= shoppers and not waiting) or time.monotonic() > end:
            return orders
        await asyncio.sleep(0.25)


async def _all_heard(client: httpx.AsyncClient, servers: Servers) -> None:
    """Every webhook, the repeats too, has arrived."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        counted = (await client.get(f"{servers.stripe}/sandbox/control/state")).json()["deliveries"]
        if not counted["waiting"] + counted["sending"]:
            return
        await asyncio.sleep(0.1)


async def _beyond_one(database: Database, taken: int, shoppers: int) -> int:
    async with database.reads() as session:
        orders = list(await session.scalars(select(Order.id)))
        causes = Counter(await session.scalars(select(StockMovement.cause).where(StockMovement.quantity < 0)))
        messages = Counter(await session.scalars(select(Message.template)))
    movements = sum(number - 2 for number in causes.values())
    letters = sum(messages[template] - len(orders) for template in PAID_LETTERS)
    return (len(orders) - shoppers) + (taken - shoppers) + movements + letters


# Servers ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _servers(folder: Path, database_url: str, processes: int) -> AsyncIterator[Servers]:
    shop_port, stripe_port = free_port(), free_port()
    servers = Servers(
        f"http://127.0.0.1:{shop_port}", f"http://127.0.0.1:{stripe_port}", folder / "stripe.db"
    )
    stripe = {
        "SANDBOX_PATH": str(servers.stripe_file),
        "SANDBOX_WEBHOOK_URL": f"{servers.shop}/webhooks/stripe",
        "SANDBOX_WEBHOOK_SECRET": SECRET,
    }
    shop = {
        "DATABASE_URL": database_url,
        "OUTBOX_DIR": str(folder / "outbox"),
        "MEDIA_DIR": str(folder / "media"),
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": servers.stripe,
    }
    try:
        servers.processes += [
            _start("storefront.sandbox.server:app", stripe_port, 1, stripe, folder),
            _start("storefront.asgi:app", shop_port, processes, shop, folder),
        ]
        await _ready(f"{servers.stripe}/sandbox/control/state", folder)
        await _ready(f"{servers.shop}/readyz", folder)
        yield servers
    finally:
        for process in reversed(servers.processes):
            process.terminate()
            process.wait(30)


def _start(
    app: str, port: int, processes: int, settings: dict[str, str], folder: Path
) -> "subprocess.Popen[bytes]":
    environment = {name: os.environ[name] for name in os.environ if name not in SETTINGS_NAMES} | settings
    options = ["--port", str(port), "--workers", str(processes), "--no-access-log", "--no-proxy-headers"]
    command = [sys.executable, "-m", "uvicorn", app, *options]
    with (folder / "servers.log").open("ab") as output:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)


async def _ready(url: str, folder: Path) -> None:
    end = time.monotonic() + 60
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < end:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise SystemExit(f"{url} does not answer:\n{(folder / 'servers.log').read_text()[-2000:]}")


async def _twice(client: httpx.AsyncClient, servers: Servers) -> None:
    """Have every webhook come twice."""
    fault = {"match": "webhook *", "kind": "duplicate", "times": None}
    (await client.post(f"{servers.stripe}/sandbox/faults", json=fault)).raise_for_status()


def show(storms: list[Storm]) -> None:
    """The table."""
    table = Table(title=f"checkout storm, {storms[0].orders} shoppers at once")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column else "left")
    for one in storms:
        table.add_row(*cells(one))
    Console().print(table)


def cells(one: Storm) -> list[str]:
    name = f"{one.database}, {one.processes} process{'es' if one.processes > 1 else ''}"
    times = [f"{one.percentile(share):.2f} s" for share in (0.5, 0.99)]
    counts = [str(number) for number in (one.again, one.lost, one.doubled)]
    return [name, f"{one.orders / one.seconds:.0f}", *times, *counts]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storm", description=__doc__)
    parser.add_argument("--shoppers", type=int, default=SHOPPERS)
    parser.add_argument("--database", choices=list(PROCESSES), help="only this one")
    parser.add_argument("--write", metavar="FILE", help="write the table into this page as well")
    asked = parser.parse_args()
    storms = asyncio.run(storm(asked.shoppers, (asked.database,) if asked.database else tuple(PROCESSES)))
    show(storms)
    if asked.write:
        text = INTRODUCTION.format(shoppers=asked.shoppers)
        write_storm(Path(asked.write), text, [COLUMNS, *(cells(one) for one in storms)])
    return 1 if any(one.lost or one.doubled for one in storms) else 0


if __name__ == "__main__":
    sys.exit(main())
