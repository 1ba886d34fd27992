"""The shop, put together. Start reading here.

A request passes the edge (headers, host, log), loses the prefix of its language, and passes the published static files
and the sandbox Stripe's pages where that stands in; then come Litestar's routes, whose handlers are in each room's
controllers.py.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from storefront.accounts.answers import offer_account
from storefront.accounts.controllers import AccountController
from storefront.accounts.credits import AccountCreditsController
from storefront.accounts.entry import EntryController
from storefront.accounts.guards import who_is_asking
from storefront.accounts.hashing import Hashing
from storefront.accounts.mailed import MailedController
from storefront.accounts.room import AccountsRoom
from storefront.accounts.safety import SafetyController
from storefront.accounts.twostep import TwoStepController
from storefront.backoffice.controllers import BackofficeController, BackofficeRoom
from storefront.cart.codes import CodeController
from storefront.cart.controllers import CartController, CartRoom, badge_count
from storefront.cart.cookies import told_count
from storefront.catalogue.change import CatalogueClock
from storefront.catalogue.controllers import CatalogueController, CatalogueRoom
from storefront.catalogue.facets import Facets
from storefront.catalogue.queries import another_currency
from storefront.catalogue.words import Words
from storefront.checkout.addresses import AddressController
from storefront.checkout.again import AgainController, LookAgain
from storefront.checkout.controllers import CheckoutController
from storefront.checkout.room import CheckoutRoom
from storefront.credits.controllers import CreditsController, CreditsRoom
from storefront.credits.queries import packages
from storefront.database import Database, away, now
from storefront.language import gettext as _
from storefront.language import later
from storefront.orders.change import held_for_cart
from storefront.orders.controllers import OrderController
from storefront.orders.finding import FindController
from storefront.orders.queries import used_by_others
from storefront.orders.room import OrdersRoom
from storefront.orders.withdrawing import WithdrawController
from storefront.outbox.mailer import Mailer, need_outbox
from storefront.outbox.models import WorkerBeat
from storefront.payments.controllers import REFUSED_A_MINUTE, PaymentsRoom, WebhookController
from storefront.payments.gateway import Gateway
from storefront.settings import Settings, WrongSettings, load_settings
from storefront.simulation import SANDBOX_SECRET, SandboxInFront, make_sandbox
from storefront.web.assets import Assets
from storefront.web.edge import ASGI, Edge
from storefront.web.errors import answer_error
from storefront.web.limits import Limit, Limits
from storefront.web.logs import set_up_logs
from storefront.web.origin import same_origin
from storefront.web.public import PublicPages
from storefront.web.request import ShopRequest
from storefront.web.site import SiteController, SiteRoom
from storefront.web.speech import Speech
from storefront.web.start import CannotStart, Start
from storefront.web.templates import NavEntry, Templates
from storefront.web.window import Window
from storefront.worker import SILENT_FOR, WorkerRoom, working

log = structlog.get_logger()

# uvicorn's own number for it: with several workers, a process that ends with any other is started again and again.
CANNOT_START = 3


@dataclass(frozen=True)
class Shop:
    """The things that every room shares, made once per process, at `started`."""

    settings: Settings
    database: Database
    templates: Templates
    public: PublicPages
    gateway: Gateway
    sandbox: Any
    clock: CatalogueClock
    facets: Facets
    limits: Limits
    started: datetime = field(default_factory=now)


def make_shop(settings: Settings, assets: Assets, deliver_to: list[ASGI]) -> Shop:
    """Everything that is shared; `deliver_to` will hold the finished app, to which the sandbox posts its webhooks."""
    database = Database(settings.database)
    templates = Templates(settings, assets)
    clock = CatalogueClock(database)
    sandbox = make_sandbox(settings, deliver_to) if settings.uses_sandbox else None
    gateway = Gateway(settings, sandbox.api if sandbox else None)

    async def badge(request: ShopRequest) -> Any:
        return await badge_count(request, database)

    public = PublicPages(templates, badge=badge, version=clock.current)
    facets = Facets(database.glance, clock.current)
    return Shop(settings, database, templates, public, gateway, sandbox, clock, facets, Limits(settings))


def create_app(settings: Settings | None = None) -> ASGI:
    """The ASGI application. Ends the process with one line when a setting is wrong."""
    try:
        return _made(settings or load_settings())
    except (WrongSettings, OSError) as error:
        sys.stderr.write(f"storefront: {error}\n")
        sys.exit(CANNOT_START)


def _made(settings: Settings) -> ASGI:
    set_up_logs()
    if settings.worker == "inside":
        need_outbox(settings)
    assets = Assets(settings)
    finished: list[ASGI] = []
    return serve(make_shop(settings, assets, finished), assets, finished)


def serve(shop: Shop, assets: Assets, deliver_to: list[ASGI]) -> ASGI:
    """The application of that shop, with everything that stands in front of its routes."""
    app: Any = shop.templates.pictures.wrap(assets.wrap(make_litestar(shop)))
    if shop.sandbox is not None:
        app = SandboxInFront(app, shop.sandbox)
    window = Window(app, shop.public, shop.clock.known, told_count(shop.settings))
    edge = Edge(Speech(window), shop.settings)
    deliver_to.append(edge)
    return Start(edge, lambda: prepare_database(shop))


def make_rooms(shop: Shop) -> dict[str, object]:
    """What the handlers of each room are given, by the name of their parameter."""
    settings, database, templates, public = shop.settings, shop.database, shop.templates, shop.public
    limits = shop.limits
    checkout_room = CheckoutRoom(settings, database, templates, shop.gateway, limits)

    async def fresh_badge(request: ShopRequest) -> Any:
        # Settling empties the cart without the shopper's browser, so the readable number may be old.
        return await badge_count(request, database, fresh=True)

    secrets = settings.webhook_secrets or ((SANDBOX_SECRET,) if shop.sandbox else ())
    return {
        "catalogue_room": CatalogueRoom(
            settings, database, templates, public, shop.facets, Words(database.glance, shop.clock.current)
        ),
        "cart_room": CartRoom(settings, database, templates, limits, held_for_cart, used_by_others),
        "orders_room": OrdersRoom(
            settings, database, templates, fresh_badge, LookAgain(checkout_room), offer_account, limits
        ),
        "accounts_room": AccountsRoom(settings, database, templates, limits, Hashing(), held_for_cart),
        "backoffice_room": BackofficeRoom(database, templates),
        "checkout_room": checkout_room,
        "credits_room": CreditsRoom(settings, database, templates, public),
        "payments_room": PaymentsRoom(settings, database, shop.gateway, secrets, Limit(REFUSED_A_MINUTE)),
        "site_room": SiteRoom(settings, templates, public, lambda: readiness(shop)),
    }


def make_litestar(shop: Shop) -> Litestar:
    """The routes and what their handlers are given."""
    rooms = make_rooms(shop)
    workshop = None if shop.settings.production else _workshop(shop.settings, shop.templates)
    if workshop is not None:
        rooms["workshop_room"] = workshop.room

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with running(shop):
            yield

    app = Litestar(
        route_handlers=[
            *(workshop.controllers if workshop else ()),
            CatalogueController,
            CartController,
            CodeController,
            CheckoutController,
            AgainController,
            FindController,
            WithdrawController,
            OrderController,
            EntryController,
            MailedController,
            AccountController,
            AccountCreditsController,
            CreditsController,
            SafetyController,
            TwoStepController,
            AddressController,
            BackofficeController,
            WebhookController,
            SiteController,
        ],
        dependencies={name: Provide(_given(rooms, name), sync_to_thread=False) for name in rooms},
        request_class=ShopRequest,
        guards=[same_origin, who_is_asking],
        exception_handlers={Exception: answer_error},  # type: ignore[dict-item] # every error, our own request class
        request_max_body_size=64_000,
        lifespan=[lifespan],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.rooms = rooms
    app.state.settings = shop.settings
    app.state.database = shop.database
    app.state.templates = shop.templates
    app.state.explain = workshop.explain if workshop else None
    return app


def _workshop(settings: Settings, templates: Templates) -> Any:
    """What designers are given, in development; production does not even load it."""
    from storefront.workshop.open import open_workshop

    return open_workshop(settings, templates)


def _given(rooms: dict[str, object], name: str) -> Any:
    return lambda: rooms[name]


@asynccontextmanager
async def running(shop: Shop) -> AsyncIterator[None]:
    """What runs as long as the shop does, once the database is ready: the worker, the sandbox."""
    shop.templates.navigation = await navigation(shop)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(shop.database.close)
        stack.push_async_callback(shop.gateway.close)
        stack.push_async_callback(shop.limits.close)
        if shop.sandbox is not None:
            await shop.sandbox.start()
            stack.push_async_callback(shop.sandbox.stop)
        if shop.settings.worker == "inside":
            mailer = Mailer(shop.settings, shop.templates)
            room = WorkerRoom(shop.settings, shop.database, shop.gateway, mailer)
            await stack.enter_async_context(working(room))
        warming = asyncio.create_task(_warm_up(shop))
        stack.callback(warming.cancel)
        yield


async def prepare_database(shop: Shop) -> None:
    """Development: migrate and load the demo catalogue into an empty database. Production: refuse to start behind.
    Either way the prices must be in the shop's currency, which they would be shown and charged in.

    Raises CannotStart.
    """
    try:
        behind = await shop.database.behind()
    except (OSError, SQLAlchemyError) as error:
        raise CannotStart(f"DATABASE_URL: {away(error)}") from error
    if shop.settings.production:
        if behind:
            raise CannotStart("DATABASE_URL: the database is behind its migrations; run: storefront migrate")
    else:
        from storefront.seed.demo import load_demo

        await shop.database.migrate()
        await load_demo(shop.database, shop.settings.currency)
    async with shop.database.reads() as session:
        other = await another_currency(session, shop.settings.currency)
    if other is not None:
        raise CannotStart(f"CURRENCY is {shop.settings.currency}, but there are things on sale in {other}")


async def navigation(shop: Shop) -> Any:
    """The navigation's entries, read again when the catalogue changes."""
    known: dict[int, list[NavEntry]] = {}

    async def read() -> list[NavEntry]:
        found = await shop.facets.collections()
        entries = [NavEntry(one.title, f"/collections/{one.slug}") for one in found]
        if await packages(shop.database.glance, shop.settings.currency):
            entries.append(NavEntry(later("Credits"), "/pricing"))
        return entries

    async def version() -> int:
        number = await shop.clock.current()
        if number not in known:
            entries = await read()
            known.clear()
            known[number] = entries
        return number

    def shown() -> list[NavEntry]:
        return next(iter(known.values()))

    shop.public.version = version
    await version()
    return lambda: tuple([_in_language(one) for one in shown()])


def _in_language(entry: NavEntry) -> NavEntry:
    # Collections are called as the owner calls them; this one is the shop's own.
    return entry._replace(title=_(entry.title)) if entry.url == "/pricing" else entry


async def _warm_up(shop: Shop) -> None:
    """After start, off the loop: import the SDK; then, for a real Stripe, see whether it can be reached."""
    await asyncio.to_thread(shop.gateway.warm_up)
    if shop.settings.stripe_connectivity_check and shop.sandbox is None:
        try:
            await shop.gateway.ping()
        except Exception as problem:
            log.error("stripe cannot be used", problem=type(problem).__name__)


async def readiness(shop: Shop) -> dict[str, Any]:
    """What /readyz says: ready means that the database answers and is up to date; the rest are warnings."""
    warnings = []
    try:
        behind = await shop.database.behind()
        async with shop.database.reads() as session:
            last = await session.scalar(select(func.max(WorkerBeat.at)))
        # A loop of this very process has to get going first.
        begins = shop.settings.worker == "inside" and now() - shop.started <= SILENT_FOR
        if not begins and (last is None or now() - last > SILENT_FOR):
            warnings.append("no worker loop has beaten for 2 minutes")
    except Exception as error:
        log.error("not ready", exc_info=error)
        return {"ok": False, "database": "does not answer"}
    if shop.limits.away:
        warnings.append("Redis does not answer; limits count in each process")
    if shop.gateway.breaker.tripped:
        warnings.append("Stripe does not answer")
    return {"ok": not behind, "database": "behind its migrations" if behind else "ok", "warnings": warnings}
