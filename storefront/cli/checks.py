"""storefront check: what a shop needs to be run for real, each with whether it is so."""

from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cli.words import many
from storefront.database import Database, away, now
from storefront.orders.models import OPEN_STATES, Order
from storefront.outbox.mailer import need_outbox
from storefront.outbox.models import Message, WorkerBeat
from storefront.payments.errors import Misconfigured, PaymentProblem
from storefront.payments.gateway import SKEW_THAT_MATTERS, Gateway
from storefront.payments.handlers import OUR_VERSION
from storefront.payments.models import Reconciliation, StripeEvent
from storefront.process import open_shop
from storefront.settings import DEVELOPMENT_SECRET, Settings, WrongSettings, need_folder
from storefront.worker import RECONCILE_EVERY, SILENT_FOR

Row: TypeAlias = tuple[bool | None, str]

RECENT = timedelta(days=7)
# https://docs.stripe.com/keys: what is shorter was cut off when it was copied.
SHORTEST_KEY = 24
SHORTEST_WEBHOOK_SECRET = 20


async def run_checks(settings: Settings) -> list[Row]:
    """Rows of (passed, words); None for what is only a warning. No row holds a secret."""
    rows = [*_production(settings), *_folders(settings), *_stripe_keys(settings), *_webhooks(settings)]
    async with open_shop(settings) as shop:
        rows += await _database(settings, shop.database)
        rows += await _stripe(settings, shop.gateway)
    return rows


def _production(settings: Settings) -> list[Row]:
    """What production wants; in development these are only said."""
    wanted = False if settings.production else None
    own_key = DEVELOPMENT_SECRET not in settings.secret_keys
    https = settings.base_url.startswith("https://")
    mail, sqlite = bool(settings.smtp_url.get_secret_value()), settings.database.startswith("sqlite")
    environment = (
        "production" if settings.production else "development: templates reload, and the sandbox may run"
    )
    return [
        (settings.production or None, f"STOREFRONT_ENV is {environment}"),
        (own_key or wanted, f"SECRET_KEY is {'the shop’s own' if own_key else 'the development key'}"),
        (
            https or wanted,
            f"BASE_URL is {settings.base_url or 'not set'}" + ("" if https else ": wants https://…"),
        ),
        (not sqlite or None, f"the database is {'SQLite: one machine only' if sqlite else 'PostgreSQL'}"),
        (mail or None, f"SMTP_URL is {'set' if mail else 'empty: messages are kept as files in OUTBOX_DIR'}"),
    ]


def _folders(settings: Settings) -> list[Row]:
    """The folders that cannot be used. Pictures may well be only read where the shop is served."""
    rows: list[Row] = []
    try:
        need_outbox(settings)
    except WrongSettings as error:
        rows.append((False, f"{error}: no message goes out"))
    try:
        need_folder("MEDIA_DIR", settings.media_dir)
    except WrongSettings as error:
        rows.append((None, f"{error}: no picture can be added from here"))
    return rows


def _stripe_keys(settings: Settings) -> list[Row]:
    """The key's form was checked when the settings were read; here is what does not go together."""
    if settings.uses_sandbox:
        return [(None, "STRIPE_SECRET_KEY is empty: the sandbox stands in for Stripe")]
    key, live = settings.stripe_secret_key.get_secret_value(), settings.expects_livemode
    kind = "restricted" if key.startswith("rk_") else "secret"
    rows: list[Row] = [(True, f"STRIPE_SECRET_KEY is a {'live' if live else 'test'} {kind} key")]
    if len(key) < SHORTEST_KEY:
        rows.append((None, "STRIPE_SECRET_KEY is shorter than Stripe's keys are: was it cut off?"))
    if live and not settings.production:
        rows.append(
            (False, "a live key in development would charge real cards: set STOREFRONT_ENV=production")
        )
    if settings.production and not live:
        rows.append((None, "production with a test key takes no real money"))
    if settings.stripe_api_base:
        rows.append((None if not live else False, f"STRIPE_API_BASE leads to {settings.stripe_api_base}"))
    return rows


def _webhooks(settings: Settings) -> list[Row]:
    secrets = settings.webhook_secrets
    if not secrets:
        if settings.uses_sandbox:
            return []
        return [(False, "STRIPE_WEBHOOK_SECRET is empty: every webhook is refused")]
    rows: list[Row] = [(True, f"STRIPE_WEBHOOK_SECRET is set ({len(secrets)}), each whsec_…")]
    if not settings.uses_sandbox and any(len(one) < SHORTEST_WEBHOOK_SECRET for one in secrets):
        rows.append((None, "a STRIPE_WEBHOOK_SECRET is shorter than Stripe's are: was it cut off?"))
    if len(set(secrets)) < len(secrets):
        rows.append((None, "STRIPE_WEBHOOK_SECRET names one secret twice"))
    if settings.webhook_allowed_ips and not settings.trusted_proxies:
        rows.append(
            (
                None,
                "WEBHOOK_ALLOWED_IPS without TRUSTED_PROXIES: behind a proxy every webhook would be refused",
            )
        )
    return rows


async def _stripe(settings: Settings, gateway: Gateway) -> list[Row]:
    try:
        await gateway.ping()
    except Misconfigured:
        return [(False, "Stripe refuses STRIPE_SECRET_KEY")]
    except PaymentProblem as problem:
        return [(False, f"Stripe cannot be used: {type(problem).__name__}")]
    rows: list[Row] = [(True, "Stripe answers and takes the key")]
    skew = gateway.clock_skew
    if skew is None:
        return rows if settings.uses_sandbox else [*rows, (None, "Stripe did not say what time it is")]
    right = abs(skew) <= SKEW_THAT_MATTERS
    words = "agrees with Stripe's" if right else "is off Stripe's: webhooks and payment pages will be refused"
    return [*rows, (right, f"this clock {words} ({skew:+.0f} s)")]


async def _database(settings: Settings, database: Database) -> list[Row]:
    try:
        if await database.behind():
            return [(False, "the database is behind its migrations; run: storefront migrate")]
        async with database.reads() as session:
            return [
                (True, "the database is up to date"),
                *await _worker(session),
                *await _inbox(session),
                *await _what_waits_for_staff(session, settings),
            ]
    except Exception as error:
        return [(False, away(error))]


async def _worker(session: AsyncSession) -> list[Row]:
    beat = await session.scalar(select(func.max(WorkerBeat.at)))
    run = await session.scalar(select(func.max(Reconciliation.finished_at)))
    alive = beat is not None and now() - beat <= SILENT_FOR
    compared = run is not None and now() - run <= 3 * RECONCILE_EVERY
    said = f"was compared with Stripe {_ago(run)} ago" if run else "was never compared with Stripe"
    return [
        (alive or None, "a worker loop is alive" if alive else "no worker loop has beaten for 2 minutes"),
        (compared or None, f"the shop {said}"),
    ]


async def _inbox(session: AsyncSession) -> list[Row]:
    recent = StripeEvent.received_at > now() - RECENT
    last = await session.scalar(select(func.max(StripeEvent.received_at)))
    states = select(StripeEvent.state, func.count()).where(recent).group_by(StripeEvent.state)
    counts = {row[0]: row[1] for row in await session.execute(states)}
    other = select(func.count()).where(recent, StripeEvent.api_version != OUR_VERSION)
    versions = await session.scalar(other) or 0
    failed = counts.get("failed", 0) + counts.get("given_up", 0)
    rows: list[Row] = [
        (
            last is not None or None,
            f"the last webhook came {_ago(last)} ago" if last else "no webhook came yet",
        )
    ]
    if failed:
        rows.append(
            (None, f"{many(failed, 'webhook')} could not be handled: storefront stripe events --failed")
        )
    if counts.get("mismatch"):
        rows.append(
            (False, f"{many(counts['mismatch'], 'webhook')} of Stripe's other mode: test and live are mixed")
        )
    if versions:
        rows.append((None, f"{many(versions, 'webhook')} made for another API version than {OUR_VERSION}"))
    return rows


async def _what_waits_for_staff(session: AsyncSession, settings: Settings) -> list[Row]:
    attention = await session.scalar(select(func.count()).where(Order.attention != "")) or 0
    other = Order.livemode != settings.expects_livemode
    mixed = await session.scalar(select(func.count()).where(other, Order.state.in_(OPEN_STATES))) or 0
    unsent = await session.scalar(select(func.count()).where(Message.given_up_at.is_not(None))) or 0
    rows: list[Row] = []
    if attention:
        rows.append(
            (None, f"{many(attention, 'order')} must wait for a decision: storefront orders list --attention")
        )
    if mixed:
        rows.append((False, f"{many(mixed, 'open order')} placed in Stripe's other mode"))
    if unsent:
        rows.append((None, f"{many(unsent, 'message')} given up: storefront messages list --failed"))
    return rows


def _ago(moment: datetime) -> str:
    seconds = (now() - moment).total_seconds()
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} seconds"
