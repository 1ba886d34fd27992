"""The real shop as a process of its own, and shoppers who use it as a browser does, with and without htmx."""

import asyncio
import email
import email.policy
import os
import random
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from sqlalchemy import Executable, func, select, text

from storefront.catalogue.models import Product, StockMovement, Variant
from storefront.catalogue.stock import stock_of
from storefront.database import Database
from storefront.orders.models import Hold, Order
from storefront.settings import Settings
from tests.compiled import open_database
from tests.forks import storefront
from tests.web.page import Answer, Pairs

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
SETTINGS_NAMES = {str(field.alias) for field in Settings.model_fields.values()}
FORM_TYPE = "application/x-www-form-urlencoded"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}

# Made once: a client of its own would load every certificate authority again.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

ANNA = {
    "email": "anna.larsson@example.org",
    "name": "Anna Larsson",
    "country": "US",
    "address_line1": "12 Mill Lane",
    "address_level2": "Portland",
    "address_level1": "OR",
    "postal_code": "97201",
}
GERMAN = {
    "country": "DE",
    "address_line1": "Lindenstraße 5",
    "address_level2": "Berlin",
    "postal_code": "10969",
}


@dataclass(frozen=True)
class Thing:
    """A variant made for one test, so that tests on one shop do not meet."""

    variant_id: int
    product_id: int
    slug: str
    sku: str
    price: int


@dataclass
class Running:
    """A shop process. `url` is its origin; `outbox` and `log` are where its messages and its output go."""

    url: str
    database_url: str
    outbox: Path
    log: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    _read: dict[str, tuple[EmailMessage, str]] = field(default_factory=dict)

    async def command(self, *words: str) -> tuple[int, str]:
        """What `storefront …` does beside the running shop: its exit code and everything that it prints."""
        done = await asyncio.to_thread(storefront, *words, environment=self.environment)
        return done.returncode, done.stdout + done.stderr

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Its database, beside it, in the test's own loop."""
        opened = open_database(self.database_url, pool_size=2)
        try:
            yield opened
        finally:
            await opened.close()

    async def new_thing(self, *, price: int = 1500, on_hand: int = 90, **more: Any) -> Thing:
        """Put something on sale that no other test buys; `price` in US cents, `more` are the variant's columns."""
        async with self.database() as database:
            return await new_thing(database, price=price, on_hand=on_hand, **more)

    async def stock(self, thing: Thing) -> tuple[int, int]:
        """On hand and held, after looking whether the books agree."""
        async with self.database() as database, database.reads() as session:
            holds = select(func.coalesce(func.sum(Hold.quantity), 0)).where(
                Hold.variant_id == thing.variant_id
            )
            moves = select(func.sum(StockMovement.quantity)).where(
                StockMovement.variant_id == thing.variant_id
            )
            on_hand, held = await stock_of(session, thing.sku)
            assert held == await session.scalar(holds)
            assert on_hand == (await session.scalar(moves) or 0)
            return on_hand, held

    async def order(self, token: str) -> Order:
        """The order behind a link, as it is in the database."""
        async with self.database() as database, database.reads() as session:
            return (await session.scalars(select(Order).where(Order.token == token))).one()

    async def change(self, statement: Executable) -> None:
        """Change something behind the shop's back."""
        async with self.database() as database, database.writes() as session:
            await session.execute(statement)

    def letters(self) -> list[EmailMessage]:
        """The messages that were written so far."""
        for file in self.outbox.glob("*.eml"):
            if file.name not in self._read:
                letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                self._read[file.name] = letter, _plain(letter)
        return [letter for letter, _ in self._read.values()]

    async def letters_about(self, words: str, *, count: int) -> list[EmailMessage]:
        """The messages in which `words` stand, waited for until there are `count`."""

        async def look() -> list[EmailMessage] | None:
            self.letters()
            found = [letter for letter, text in self._read.values() if words in text]
            return found if len(found) >= count else None

        return await eventually(look)


async def new_thing(database: Database, *, price: int = 1500, on_hand: int = 90, **more: Any) -> Thing:
    name = uuid.uuid4().hex[:12]
    async with database.writes() as session:
        product = Product(
            slug=f"thing-{name}",
            title=f"Thing {name}",
            summary="",
            description="",
            details=[],
            status="active",
            option="",
            position=9000,
            price=price,
            search_title="",
            search_text="",
        )
        session.add(product)
        await session.flush()
        columns: dict[str, Any] = {"sku": f"T-{name}", "price": price, "currency": "USD", "on_hand": on_hand}
        variant = Variant(product_id=product.id, **(columns | more))
        session.add(variant)
        await session.flush()
        if on_hand:
            session.add(StockMovement(variant_id=variant.id, quantity=on_hand, cause="test"))
        return Thing(variant.id, product.id, product.slug, variant.sku, price)


def _plain(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    return str(body.get_content()) if body else ""


WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def eventually(look: Callable[[], Awaitable[T | None]], seconds: float = 15) -> T:
    """What `look` gives once it gives something."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.1)


async def until_waiting(database: Database, number: int, seconds: float = 15) -> None:
    """Until so many transactions wait for a lock in PostgreSQL."""

    async def enough() -> bool:
        async with database.reads() as session:
            return (await session.scalar(WAITING) or 0) >= number

    await eventually(enough, seconds)


def free_port() -> int:
    """A port on which nobody listens, and below those that the system gives to connections (32768 on Linux): it is
    free again whenever a server that was killed is started anew."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def running_shop(
    folder: Path, database_url: str, settings: Mapping[str, str] | None = None, *, workers: int = 1
) -> Iterator[Running]:
    """uvicorn storefront.asgi:app on a free port, waited for until /readyz says 200, ended by its id."""
    port = free_port()
    environment = {name: os.environ[name] for name in os.environ if name not in SETTINGS_NAMES}
    environment |= {
        "DATABASE_URL": database_url,
        "OUTBOX_DIR": str(folder / "outbox"),
        "MEDIA_DIR": str(folder / "media"),
        "LIVE_RELOAD": "false",
    }
    environment |= settings or {}
    # Playwright's own client takes an idle connection up again without looking whether it was closed meanwhile.
    kept = ["--timeout-keep-alive", "75"]
    options = ["--port", str(port), "--workers", str(workers), "--no-proxy-headers", *kept]
    command = [sys.executable, "-m", "uvicorn", "storefront.asgi:app", *options]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    shop = Running(f"http://127.0.0.1:{port}", database_url, folder / "outbox", log, process, environment)
    try:
        _until_ready(shop)
        yield shop
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _until_ready(shop: Running) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        assert shop.process.poll() is None, shop.log.read_text()
        try:
            if httpx.get(f"{shop.url}/readyz", trust_env=False, verify=NO_TLS).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the shop did not get ready: {shop.log.read_text()}")


class Shopper:
    """One browser: its cookies, and the headers that browsers send. With `htmx` forms are sent as htmx sends them."""

    def __init__(self, client: httpx.AsyncClient, *, htmx: bool = False) -> None:
        self.client = client
        self.htmx = htmx

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")

    async def get(self, path: str, **headers: str) -> Answer:
        """A page or, with HTMX in `headers`, a fragment. Redirects are not followed."""
        return Answer(await self.client.get(path, headers=headers))

    async def fragment(self, path: str, target: str = "") -> Answer:
        """What htmx gets for a GET that goes into `target` (tag#id)."""
        return await self.get(path, **HTMX, **({"HX-Target": target} if target else {}))

    async def post(self, path: str, pairs: Pairs | dict[str, str], **headers: str) -> Answer:
        """A form post from one of the shop's own pages."""
        fields = list(pairs.items()) if isinstance(pairs, dict) else pairs
        body = urlencode(fields).encode()
        own = {"content-type": FORM_TYPE, "origin": self.origin, "sec-fetch-site": "same-origin"}
        sent = {**own, **(HTMX if self.htmx else {}), **headers}
        return Answer(await self.client.post(path, content=body, headers=sent))

    async def submit(self, page: Answer, action: str, *, press: str = "", **typed: str) -> Answer:
        """Fill the form that posts to `action` and press the button named `press` ("name=value", or its formaction);
        without one the first, as Enter does."""
        form = page.form(action)
        buttons = form.buttons
        if press:
            buttons = [one for one in buttons if press in (_pressed(one), one.attrs.get("formaction"))]
        assert buttons, f"no button {press!r} in the form {action}"
        assert "disabled" not in buttons[0].attrs
        to = buttons[0].attrs.get("formaction", form.action)
        if self.htmx:
            assert "hx-post" in form.node.attrs or "hx-post" in buttons[0].attrs
        return await self.post(to, form.filled(typed, buttons[0]))

    async def follow(self, answer: Answer) -> Answer:
        """The page that a post leads to."""
        assert answer.location, answer
        assert answer.status == (200 if "hx-redirect" in answer.headers else 303), answer
        return await self.get(answer.location)

    async def add(self, thing: Thing, quantity: int = 1) -> Answer:
        """Put a thing into the cart from its own page."""
        page = await self.get(f"/products/{thing.slug}")
        assert page.status == 200, page
        return await self.submit(page, "/cart/items", quantity=str(quantity))

    async def order(self, **changes: str) -> Answer:
        """Fill the checkout form and order; gives what the shop answers."""
        return await self.order_from(await self.get("/checkout"), **changes)

    async def order_from(self, page: Answer, **changes: str) -> Answer:
        """The same, from a form that is open already."""
        assert page.status == 200, page
        form = page.form("/checkout")
        offered = {name for name, _ in form.filled({}, None)}
        typed = {name: text for name, text in (ANNA | changes).items() if name in offered}
        return await self.submit(page, "/checkout", **typed)


def token_of(url: str) -> str:
    """The order's token in the address of its page, or in the one that Stripe sends shoppers back to."""
    return url.rpartition("=")[2].rpartition("/")[2]


def _pressed(button: Any) -> str:
    return f"{button.attrs.get('name', '')}={button.attrs.get('value', '')}"


@asynccontextmanager
async def shopper_at(url: str, *, htmx: bool = False) -> AsyncIterator[Shopper]:
    """A shopper with a clean browser."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, verify=NO_TLS) as client:
        yield Shopper(client, htmx=htmx)
