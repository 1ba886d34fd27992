"""The world of the model: a shop of two server processes on one database, the sandbox Stripe, and one clock for both.

Everything is the real thing (the routes, the SDK, SQLite or PostgreSQL, signed webhooks) but waiting: the clock is
moved, and the SDK's pauses between tries take no time. The sandbox's courier does not run: the model decides
which event arrives when, how often, or never.
"""

import asyncio
import copy
import dataclasses
import json
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import httpx
import pytest
import uvloop
from sqlalchemy import update
from structlog.testing import capture_logs

from storefront import steps
from storefront.accounts.cookies import hashed
from storefront.accounts.models import Account, AccountSession
from storefront.app import Shop, make_litestar, make_shop
from storefront.cart.models import DeliveryRate
from storefront.catalogue.models import Product, StockMovement, Variant
from storefront.checkout import again
from storefront.database import Base, Busy, move_clock
from storefront.outbox.mailer import Mailer, NotSent
from storefront.outbox.models import Message
from storefront.payments.breaker import Breaker
from storefront.payments.errors import PaymentProblem
from storefront.payments.gateway import Gateway
from storefront.payments.transport import InProcessClient
from storefront.promotions.models import Promotion
from storefront.sandbox import Sandbox, books
from storefront.sandbox import clock as sandbox_clock
from storefront.sandbox.books import Books
from storefront.sandbox.deliveries import signed
from storefront.sandbox.errors import ApiError
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.worker import WorkerRoom
from tests.compiled import open_database

T = TypeVar("T")
ORIGIN = "http://127.0.0.1:8000"
KEY, SECRET = "sk_test_" + "model", "whsec_" + "model"
EXPECTED = (PaymentProblem, Busy, NotSent)
SIGN_IN = "sign-in-of-the-model"
# Two that run out, a download that does not, one that costs nothing, and credits, which need an account.
THINGS: tuple[dict[str, Any], ...] = (
    {"sku": "SOAP", "price": 1500, "on_hand": 4},
    {"sku": "BOWL", "price": 2500, "on_hand": 9},
    {"sku": "PDF", "price": 700, "tracked": False, "requires_shipping": False},
    {"sku": "FREE", "price": 0, "tracked": False, "requires_shipping": False},
    {"sku": "CREDITS", "price": 900, "tracked": False, "requires_shipping": False, "credit_amount": 100},
)
PLAIN: dict[str, Any] = {
    "held": 0, "on_hand": 0, "archived": False, "title": "", "tracked": True, "requires_shipping": True,
    "credit_amount": None,
}  # fmt: skip
COUNTED = ("held", "on_hand")
# Two orders may have the first; the second makes a thing or two cost nothing.
CODES: dict[str, dict[str, int]] = {
    "SPRING": {"percent": 20, "most_orders": 2},
    "GIFT": {"amount": 2200},
}
KEPT = {"catalogue_version", "products", "variants", "delivery_rates"}


class Killed(BaseException):
    """The process died at a step."""


class Violation(AssertionError):
    """Something that must never be."""


class Letters(Mailer):
    """Composes every message as the shop does, and counts instead of posting."""

    sent: Counter[str]
    down = False

    async def send(self, message: Message) -> None:
        if self.down:
            raise NotSent("the mail server is down")
        self.compose(message)
        self.sent[message.message_id] += 1


class Process:
    """One server process: its own connections, breaker and routes."""

    def __init__(self, parts: Shop, url: str, sandbox: Sandbox, sent: Counter[str]) -> None:
        gateway = Gateway(parts.settings, sandbox.api)
        self.shop = dataclasses.replace(parts, database=open_database(url), gateway=gateway)
        app: Any = make_litestar(self.shop)
        self._url, self._sandbox = url, sandbox
        self._way = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        self.letters = Letters(parts.settings, parts.templates)
        self.letters.sent = sent
        self.worker = WorkerRoom(parts.settings, self.shop.database, gateway, self.letters)

    async def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, *, cart: str = ""
    ) -> httpx.Response:
        """A request of a shopper's browser; redirects are not followed."""
        body = str(httpx.QueryParams(form or {})).encode() if method == "POST" else b""
        headers = {"sec-fetch-site": "same-origin", "cookie": f"cart={cart}"}
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
        return await self._send(httpx.Request(method, ORIGIN + path, headers=headers, content=body))

    async def hear(self, body: bytes, headers: dict[str, str]) -> int:
        """A webhook arrives; gives the answer's status."""
        request = httpx.Request("POST", f"{ORIGIN}/webhooks/stripe", headers=headers, content=body)
        return (await self._send(request)).status_code

    async def _send(self, request: httpx.Request) -> httpx.Response:
        answer = await self._way.handle_async_request(request)
        answer.request = request
        await answer.aread()
        return answer

    async def restart(self) -> None:
        """The process ends and starts again: connections, locks, breaker and client are new. They take their
        predecessors' place, since to build the routes anew would take longer than everything else here."""
        database, gateway = copy.copy(self.shop.database), copy.copy(self.shop.gateway)
        new_gateway = Gateway(self.shop.settings, self._sandbox.api)
        vars(self.shop.database).update(vars(open_database(self._url)))
        vars(self.shop.gateway).update(vars(new_gateway))
        await gateway.close()
        await database.close()

    async def close(self) -> None:
        await self.shop.gateway.close()
        await self.shop.database.close()


class World:
    """Made once for a database; `begin` empties it for the next story."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._patch = pytest.MonkeyPatch()
        self._no_waiting()
        self._logs = capture_logs()
        self.log = self._logs.__enter__()
        self.settings = Settings(
            _env_file=None,
            DATABASE_URL=url,
            STRIPE_SECRET_KEY=KEY,
            STRIPE_WEBHOOK_SECRET=SECRET,
            BASE_URL=ORIGIN,
            OUTBOX_DIR=folder / "outbox",
            MEDIA_DIR=folder / "media",
        )
        self.sandbox = Sandbox(folder / "stripe.db", _nobody, webhook_secret=SECRET, page_base=ORIGIN)
        self.sent: Counter[str] = Counter()
        self.processes: list[Process] = []
        self.carts = ["", "", ""]
        self.pages: list[str] = []
        self.account = 0
        self.heard: set[str] = set()
        self.charged = self.died = False
        # What became counted, or uncounted; and whether nothing else is done in the same moment.
        self.alone = True
        self.changing: set[int] = set()
        self.run(self._build())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _build(self) -> None:
        self._parts = make_shop(self.settings, Assets(self.settings), [])
        self.database = self._parts.database
        async with self.database.writes() as session:
            product = Product(slug="thing", title="Thing", status="active")
            session.add(product)
            session.add(
                DeliveryRate(zone="us", countries=["US"], code="standard", title="Standard", amount=500)
            )
            await session.flush()
            session.add_all(Variant(product_id=product.id, currency="USD", **thing) for thing in THINGS)
        self.processes = [Process(self._parts, self._url, self.sandbox, self.sent) for _ in range(2)]

    async def begin(self) -> None:
        """A new story: nobody has bought anything, Stripe knows nothing, it is now."""
        self.log.clear()
        self.sent.clear()
        self.carts, self.pages = ["", "", ""], []
        self.heard.clear()
        self.changing.clear()
        self.alone = True
        self.charged = self.died = False
        self._ahead(0)
        # Carts and orders get the same ids again in each story.
        self._parts.limits.__init__(self.settings)  # type: ignore[misc]
        for process in self.processes:
            process.shop.gateway.breaker = Breaker()
            process.letters.down = False
        await self.sandbox.store.write(_forget)
        async with self.database.writes() as session:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in KEPT:
                    await session.execute(table.delete())
            for number, thing in enumerate(THINGS, start=1):
                values = PLAIN | thing
                await session.execute(update(Variant).where(Variant.id == number).values(**values))
                if values["on_hand"]:
                    session.add(StockMovement(variant_id=number, quantity=values["on_hand"], cause="start"))
            session.add_all(Promotion(code=code, **worth) for code, worth in CODES.items())
            account = Account(
                email="a@example.org", email_key="a@example.org", password_hash="", cart_salt=""
            )
            session.add(account)
            await session.flush()
            session.add(AccountSession(account_id=account.id, token_hash=hashed(SIGN_IN)))
            self.account = account.id

    # Time and Stripe ---------------------------------------------------------------------------------------------

    def _no_waiting(self) -> None:
        async def no_pause(_client: InProcessClient, _seconds: float) -> None:
            await asyncio.sleep(0)

        self._ahead(0)
        self._patch.setattr(books, "time", SimpleNamespace(time=lambda: time.time() + self.ahead))
        self._patch.setattr(InProcessClient, "sleep_async", no_pause)
        self._patch.setattr(again, "LOOK_EVERY", 0.0)

    def _ahead(self, seconds: float) -> None:
        self.ahead = seconds
        move_clock(timedelta(seconds=seconds))

    async def wait(self, seconds: float) -> None:
        """Let time pass for the shop and for Stripe, where pages expire and delayed payments come in."""
        self._ahead(self.ahead + seconds)
        for process in self.processes:
            process.shop.gateway.breaker.abandoned()
        while await self.sandbox.store.write(sandbox_clock.tick):
            pass

    async def at_stripe(self, action: str, **fields: Any) -> bool:
        """Something happens at Stripe; False when Stripe refuses it."""
        try:
            await self.sandbox.control(action, **fields)
        except ApiError:
            return False
        return True

    async def objects(self, kind: str) -> list[dict[str, Any]]:
        """Stripe's objects of a kind, oldest first."""

        def read(open_books: Books) -> list[dict[str, Any]]:
            query = "SELECT body FROM objects WHERE kind = ? ORDER BY seq"
            return [json.loads(row[0]) for row in open_books.db.execute(query, (kind,))]

        return await self.sandbox.store.read(read)

    async def deliver(self, process: Process, event: dict[str, Any], secret: str = SECRET) -> int:
        """Post an event as Stripe does; gives the answer's status."""
        body = json.dumps(event, indent=2).encode()
        if secret == SECRET:
            self.heard.add(event["id"])
        return await process.hear(body, signed(body, secret, int(time.time())))

    # Dying ---------------------------------------------------------------------------------------------------------

    async def dying_at(self, step: str, work: Awaitable[object]) -> bool:
        """Do `work` in the first process, which dies at the step; True when it came that far. It starts again."""

        def kill(_process: int, _signal: int) -> None:
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(steps, "STOP_AT", step)
            patch.setattr(steps, "os", SimpleNamespace(kill=kill, getpid=lambda: 0))
            try:
                await work
            except Killed:
                self.died = True
                await self.processes[0].restart()
                return True
        return False

    def errors(self) -> list[str]:
        """What the shop logged that a bad day of Stripe's does not explain."""
        found = [entry for entry in self.log if isinstance(entry.get("exc_info"), BaseException)]
        self.log.clear()
        return [
            "\n".join([entry["event"], *traceback.format_exception(entry["exc_info"])])
            for entry in found
            if not isinstance(entry["exc_info"], EXPECTED)
        ]

    def expect(self, fine: bool, what: str) -> None:
        """Raise Violation, with what the shop logged, unless it is fine."""
        if not fine:
            raise Violation("\n".join([what, *self.errors()]))

    async def _close(self) -> None:
        for process in self.processes:
            await process.close()
        await self._parts.gateway.close()
        await self.database.close()
        await self.sandbox.stop()

    def close(self) -> None:
        self.run(self._close())
        self._runner.close()
        self._logs.__exit__(None, None, None)
        self._patch.undo()
        move_clock(timedelta(0))


async def _nobody(_body: bytes, _headers: dict[str, str]) -> int:
    raise ConnectionError


def _forget(open_books: Books) -> None:
    for table in ("objects", "deliveries", "tries", "idempotency", "faults", "requests", "facts"):
        open_books.db.execute(f"DELETE FROM {table}")
