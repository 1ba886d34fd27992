"""A shop and its Stripe in the test's own loop: the real routes, the real SDK, the sandbox on its own file.

Nothing happens by itself: no worker loop runs and no webhook is sent until the test says so, so that every order of
events can be played. Each call to Stripe is watched: the task that makes it must hold no database connection.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event, select
from structlog.testing import capture_logs

from storefront import worker
from storefront.app import Shop, make_litestar, make_rooms, make_shop
from storefront.cart.models import CartLine, DeliveryRate
from storefront.catalogue.models import Variant
from storefront.database import Database, move_clock
from storefront.orders.models import Order, PaymentAttempt, Refund
from storefront.orders.queries import lines_of, order_view
from storefront.orders.words import timeline_text
from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.payments.gateway import Gateway
from storefront.payments.models import StripeEvent
from storefront.sandbox import Sandbox, faults
from storefront.sandbox.deliveries import signed
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.web.edge import Edge
from storefront.web.limits import Rule
from storefront.web.request import ShopRequest
from storefront.worker import WorkerRoom
from tests.catalogue.one_way import catalogue_writes
from tests.compiled import COMPILED, compile_once
from tests.faults import invariants
from tests.shop import Shopper, Thing, new_thing, until_waiting
from tests.web.page import Answer

Obj = dict[str, Any]
SECRET = "whsec_" + "faults"
ORIGIN = "http://127.0.0.1:8000"


_connections: ContextVar[Counter[str] | None] = ContextVar("connections", default=None)


@contextmanager
def _counted() -> Iterator[None]:
    token = _connections.set(Counter())
    try:
        yield
    finally:
        _connections.reset(token)


def _asker() -> Counter[str]:
    """How many database connections the request (or the round of a job) that runs now has in its hands."""
    found = _connections.get()
    return Counter() if found is None else found


# Routes that no process uses any more. To make them takes longer than most tests.
FREE_ROUTES: list[Any] = []


def routes_of(shop: Shop) -> Any:
    """The real routes, made or taken over from a process that has ended."""
    if shop.settings.production or not FREE_ROUTES:
        return make_litestar(shop)
    routes = FREE_ROUTES.pop()
    routes.state.rooms.update(make_rooms(shop))
    routes.state.settings, routes.state.database = shop.settings, shop.database
    routes.state.templates = shop.templates
    return routes


class Process:
    """One server process: its own connections, its own way to Stripe, its own circuit breaker."""

    def __init__(self, settings: Settings, assets: Assets, stripe: "Stripe") -> None:
        self.settings = settings
        made = make_shop(settings, assets, [])
        self.gateway = made.gateway if settings.stripe_api_base else Gateway(settings, stripe.watched())
        self.database = made.database
        compile_once(self.database)
        made.templates.environment.bytecode_cache = COMPILED
        self._watch()
        self.mailer = Mailer(settings, made.templates)
        self.worker = WorkerRoom(settings, self.database, self.gateway, self.mailer)
        self.limits = made.limits
        self._parts = replace(made, gateway=self.gateway)
        self._routes: Any = None

    @cached_property
    def app(self) -> Any:
        """Its routes; made when somebody first asks for a page, since many processes here only work."""
        self._routes = routes_of(self._parts)
        edge = Edge(self._routes, self.settings)

        async def asked(scope: Any, receive: Any, send: Any) -> None:
            with _counted():
                await edge(scope, receive, send)

        return asked

    def _watch(self) -> None:
        pool = self.database.engine.sync_engine
        event.listen(pool, "checkout", lambda *_: _asker().update(["open"]))
        event.listen(pool, "checkin", lambda *_: _asker().subtract(["open"]))

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def work(self, *names: str) -> None:
        """One round of the worker's jobs (those named, or all), each as if its time had come."""
        for _, job in worker.JOBS:
            if not names or job.__name__ in names:
                with _counted():
                    await job(self.worker)

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        """A webhook."""
        async with self.client() as client:
            given = headers if headers is not None else signed(body, SECRET, int(time.time()))
            return await client.post("/webhooks/stripe", content=body, headers=given)

    async def close(self) -> None:
        await self.gateway.close()
        await self.database.close()
        if self._routes is not None and not self.settings.production:
            FREE_ROUTES.append(self._routes)


class Held:
    """A call to Stripe that waits, before it takes effect or with its answer, until it is let on."""

    def __init__(self, call: str, when: str) -> None:
        self.call, self.when = call, when
        self._came, self._on = asyncio.Event(), asyncio.Event()

    async def reached(self) -> None:
        """Until somebody makes that call."""
        async with asyncio.timeout(10):
            await self._came.wait()

    def let_on(self) -> None:
        self._on.set()

    async def wait(self) -> None:
        self._came.set()
        await self._on.wait()

    def late(self, send: Any) -> Any:
        async def give(message: Obj) -> None:
            await self.wait()
            await send(message)

        return give


class Stripe:
    """The sandbox, told what to do and asked what it knows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sandbox = Sandbox(path, _nobody, webhook_secret=SECRET)
        self.calls: list[str] = []
        self.open_meanwhile: list[str] = []
        self.before: Callable[[str], Any] | None = None
        self.change: Callable[[str, Obj], Any] | None = None
        self._held: list[Held] = []

    def watched(self) -> Any:
        """The API as a process reaches it."""

        async def api(scope: Any, receive: Any, send: Any) -> None:
            call = f"{scope['method']} {scope['path']}"
            self.calls.append(call)
            if _asker()["open"]:
                self.open_meanwhile.append(call)
            if self.before is not None:
                await self.before(call)
            held = next((one for one in self._held if call.startswith(one.call)), None)
            if held is not None:
                self._held.remove(held)
                if held.when == "before":
                    await held.wait()
                else:
                    send = held.late(send)
            await self.sandbox.api(scope, receive, self._changed(call, send) if self.change else send)

        return api

    def _changed(self, call: str, send: Any) -> Any:
        """Answers as `change` makes them; one that becomes an error is a 400."""
        head: Obj = {}

        async def give(message: Obj) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
                return
            assert self.change is not None
            answer = await self.change(call, json.loads(message["body"]))
            body = json.dumps(answer).encode()
            kept = [pair for pair in head["headers"] if pair[0] != b"content-length"]
            status = 400 if "error" in answer and head["status"] == 200 else head["status"]
            await send({**head, "headers": kept, "status": status})
            await send({"type": "http.response.body", "body": body})

        return give

    def hold(self, call: str, when: str = "before") -> Held:
        """The next call that begins so waits until it is let on; `when` it has taken effect ("after"), or before."""
        self._held.append(made := Held(call, when))
        return made

    async def do(self, action: str, **fields: Any) -> Obj:
        return await self.sandbox.control(action, **fields)

    async def fault(
        self, match: str, kind: str, when: str = "before", times: int | None = 1, **more: Any
    ) -> None:
        wanted = {"match": match, "kind": kind, "when": when, "times": times, **more}
        await self.sandbox.store.write(lambda books: faults.order(books, wanted))

    async def heal(self) -> None:
        """No more faults."""
        await self.sandbox.store.write(faults.clear)

    async def objects(self, kind: str) -> list[Obj]:
        return await self.sandbox.store.read(lambda books: books.find(kind))

    async def session(self, session_id: str) -> Obj:
        return await self.sandbox.store.read(
            lambda books: books.need("checkout.session", session_id, "session")
        )

    async def events(self, *kinds: str) -> list[Obj]:
        """Its events, oldest first."""
        return [one for one in await self.objects("event") if not kinds or one["type"] in kinds]

    async def forget_events(self) -> None:
        """What was lost in the post and is not kept any more."""
        await self.sandbox.store.write(
            lambda books: books.db.execute("DELETE FROM objects WHERE kind = 'event'")
        )

    def asked(self, call: str) -> int:
        """How often it was called so."""
        return sum(one.startswith(call) for one in self.calls)

    def now(self) -> invariants.Stripe:
        return invariants.in_sandbox(self.path)


async def _nobody(_body: bytes, _headers: dict[str, str]) -> int:
    raise ConnectionRefusedError("nothing is delivered by itself")


@dataclass
class Bought:
    """A shopper with a placed order and the page that they were sent to."""

    shopper: Shopper
    order: int
    session: str
    answer: Answer


@dataclass
class House:
    """Everything a test plays with. `shop` is the first process; `another()` starts more beside it."""

    shop: Process
    stripe: Stripe
    assets: Assets
    delivered: set[str] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    log: list[Any] = field(default_factory=list)
    # Answers of 500 are what a test is about.
    may_fail: bool = False

    @property
    def database(self) -> Database:
        return self.shop.database

    def another(self, **settings: Any) -> Process:
        """A second process on the same database and Stripe."""
        made = Process(self.shop.settings.model_copy(update=settings), self.assets, self.stripe)
        self.processes.append(made)
        return made

    # Shoppers ----------------------------------------------------------------------------------------------------

    async def thing(
        self, *, on_hand: int = 5, price: int = 1500, delivered: bool = False, **more: Any
    ) -> Thing:
        """Something on sale; a download of which there are only so many, unless it is `delivered`."""
        return await new_thing(
            self.database, price=price, on_hand=on_hand, requires_shipping=delivered, **more
        )

    def shopper(self, process: Process | None = None) -> Shopper:
        client = (process or self.shop).client()
        self.clients.append(client)
        return Shopper(client)

    def same_shopper(self, other: Shopper, process: Process | None = None) -> Shopper:
        """The same browser at another process, or in another tab."""
        made = self.shopper(process)
        made.client.cookies.update(other.client.cookies)
        return made

    async def buy(self, *things: Thing, quantity: int = 1, shopper: Shopper | None = None) -> Bought:
        """Put things into the cart and order them."""
        shopper = shopper or self.shopper()
        for thing in things:
            await shopper.add(thing, quantity)
        return await self.placed(shopper, await shopper.order())

    async def placed(self, shopper: Shopper, answer: Answer) -> Bought:
        assert answer.status == 303, answer
        session_id = answer.location.rpartition("/")[2]
        session = await self.stripe.session(session_id)
        async with self.database.reads() as db:
            query = select(Order.id).where(Order.reference == session["client_reference_id"])
            return Bought(shopper, (await db.execute(query)).scalar_one(), session_id, answer)

    async def come_back(self, bought: Bought, process: Process | None = None) -> Answer:
        """The return page, as Stripe sends the shopper there."""
        shopper = self.same_shopper(bought.shopper, process)
        return await shopper.get(f"/checkout/return?session_id={bought.session}")

    async def page(self, order_id: int) -> Answer:
        """The order's own page, as whoever has its link sees it."""
        token = (await self.order(order_id)).token
        return await self.shopper().get(f"/orders/{token}")

    # Webhooks ----------------------------------------------------------------------------------------------------

    async def deliver(self, *events: Obj, process: Process | None = None) -> list[int]:
        """Post these events one after the other, each really signed; gives the statuses."""
        self.delivered.update(one["id"] for one in events)
        return [(await (process or self.shop).post(_body(one))).status_code for one in events]

    async def deliver_at_once(self, *events: Obj, processes: Iterable[Process] = ()) -> list[int]:
        """Post these events at the same moment, in turn to each of the processes."""
        to = list(processes) or [self.shop]
        self.delivered.update(one["id"] for one in events)
        posts = [to[number % len(to)].post(_body(one)) for number, one in enumerate(events)]
        return [answer.status_code for answer in await asyncio.gather(*posts)]

    async def deliver_new(self, *kinds: str, order: str = "as they happened") -> list[int]:
        """Deliver whatever was not delivered yet."""
        events = [one for one in await self.stripe.events(*kinds) if one["id"] not in self.delivered]
        if order == "reversed":
            events.reverse()
        elif order == "shuffled":
            random.Random(7).shuffle(events)
        statuses = await self.deliver(*events)
        assert all(status == 200 for status in statuses), statuses
        return statuses

    # Time --------------------------------------------------------------------------------------------------------

    def pass_time(self, **time_passed: float) -> None:
        """The shop's clock goes on."""
        self.ahead += timedelta(**time_passed)
        move_clock(self.ahead)

    async def pass_time_everywhere(self, **time_passed: float) -> None:
        """Both clocks go on."""
        self.pass_time(**time_passed)
        await self.stripe.do("clock", seconds=timedelta(**time_passed).total_seconds())

    # Looking -----------------------------------------------------------------------------------------------------

    async def order(self, order_id: int) -> Order:
        async with self.database.reads() as session:
            return await session.get_one(Order, order_id)

    async def state(self, order_id: int) -> str:
        return (await self.order(order_id)).state

    async def attempts(self, order_id: int) -> list[PaymentAttempt]:
        async with self.database.reads() as session:
            query = (
                select(PaymentAttempt).where(PaymentAttempt.order_id == order_id).order_by(PaymentAttempt.id)
            )
            return list(await session.scalars(query))

    async def refunds(self, order_id: int) -> list[Refund]:
        async with self.database.reads() as session:
            query = select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)
            return list(await session.scalars(query))

    async def orders(self) -> list[Order]:
        async with self.database.reads() as session:
            return list(await session.scalars(select(Order).order_by(Order.id)))

    async def stock(self, thing: Thing) -> tuple[int, int]:
        """On hand and held."""
        async with self.database.reads() as session:
            found = await session.get_one(Variant, thing.variant_id)
            return found.on_hand, found.held

    async def in_cart(self, order_id: int) -> dict[int, int]:
        """What lies in the cart of an order, by variant id."""
        async with self.database.reads() as session:
            order = await session.get_one(Order, order_id)
            rows = await session.scalars(select(CartLine).where(CartLine.cart_id == order.cart_id))
            return {row.variant_id: row.quantity for row in rows}

    async def messages(self, template: str = "") -> list[Message]:
        async with self.database.reads() as session:
            found = await session.scalars(select(Message).order_by(Message.id))
            return [one for one in found if template in {"", one.template}]

    async def inbox(self) -> dict[str, StripeEvent]:
        async with self.database.reads() as session:
            return {one.event_id: one for one in await session.scalars(select(StripeEvent))}

    async def story(self, order_id: int) -> list[str]:
        """The kinds of the order's timeline entries."""
        async with self.database.reads() as session:
            view = await order_view(session, Order.id == order_id)
            assert view is not None
            assert all(timeline_text(entry) for entry in view.timeline)
            assert await lines_of(session, order_id)
            return [entry.kind for entry in view.timeline]

    async def until_waiting(self, number: int = 1) -> None:
        """Until so many transactions wait for a lock. SQLite does not say, so there it is a moment."""
        if self.database.sqlite:
            await asyncio.sleep(0.2)
        else:
            await until_waiting(self.database, number, 4)

    @property
    def connections(self) -> int:
        """How many of the first process's pool are in use."""
        pool: Any = self.database.engine.pool
        return int(pool.checkedout())

    async def check(self, *, at_rest: bool = True, changing: Collection[int] = ()) -> None:
        """The invariants, that no transaction was open while Stripe was asked, and that nothing was written to its
        catalogue."""
        assert not self.stripe.open_meanwhile, self.stripe.open_meanwhile
        assert not catalogue_writes(self.stripe.calls)
        await invariants.check(self.database, self.stripe.now(), at_rest=at_rest, changing=changing)


def from_network(house: House, address: str) -> Shopper:
    """A shopper who comes from elsewhere."""
    transport = httpx.ASGITransport(app=house.shop.app, client=(address, 1))
    house.clients.append(client := httpx.AsyncClient(transport=transport, base_url=ORIGIN))
    return Shopper(client)


async def use_up(house: House, rule: Rule, key: str, *, left: int) -> None:
    """Count under a rule until so many tries are left."""
    asker = ShopRequest({"type": "http"})  # type: ignore[typeddict-item]
    for _ in range(rule.most - left):
        await house.shop.limits.meet(asker, (rule, key))


def _body(event: Obj) -> bytes:
    return json.dumps(event, indent=2).encode()


RATES = [
    {"zone": "us", "countries": ["US"], "code": "post", "title": "Post", "amount": 500, "free_from": None},
    {"zone": "de", "countries": ["DE"], "code": "post", "title": "Post", "amount": 900, "free_from": None},
]


@asynccontextmanager
async def open_house(settings: Settings, assets: Assets, folder: Path) -> AsyncIterator[House]:
    """A house on a migrated, empty database."""
    stripe = Stripe(folder / "stripe.db")
    await stripe.sandbox.store.write(lambda books: books.now)
    shop = Process(settings, assets, stripe)
    house = House(shop, stripe, assets, processes=[shop])
    try:
        async with shop.database.writes() as session:
            session.add_all(DeliveryRate(**rate, position=n) for n, rate in enumerate(RATES))
        with capture_logs() as house.log:
            yield house
        # With its exception: a 500 that a test may see as one answer of many.
        assert house.may_fail or [one for one in house.log if one["event"] == "unhandled"] == []
    finally:
        move_clock(timedelta(0))
        for client in house.clients:
            await client.aclose()
        for process in house.processes:
            await process.close()
        await stripe.sandbox.stop()
