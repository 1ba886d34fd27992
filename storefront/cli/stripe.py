"""storefront stripe … and storefront check: the way to Stripe, looked after."""

import asyncio
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from storefront.cli.start import fail, settings, with_database, with_shop
from storefront.cli.sync import sync
from storefront.cli.words import Whole, how_long, many
from storefront.database import Database
from storefront.orders.models import Order
from storefront.settings import Settings

if TYPE_CHECKING:
    from storefront.app import Shop


@click.group()
def stripe() -> None:
    """Compare with Stripe, bring its catalogue here, and try webhooks out."""


stripe.add_command(sync)


@stripe.command()
def reconcile() -> None:
    """Settle what Stripe knows and the shop does not, without any webhook; prints what differed."""
    from storefront.payments.errors import PaymentProblem
    from storefront.payments.reconcile import reconcile as run

    async def work(shop: "Shop") -> list[dict[str, Any]]:
        return await run(shop.database, shop.gateway, shop.settings)

    try:
        report = with_shop(work)
    except PaymentProblem as problem:
        fail(f"Stripe cannot be asked ({type(problem).__name__}); what was settled until then stays settled")
    for row in report:
        click.echo("  ".join(f"{key}={value}" for key, value in row.items()))
    click.echo(many(len(report), "difference") if report else "nothing differed")


@stripe.command()
@click.option("--failed", is_flag=True, help="Only those that could not be handled.")
@click.option("--most", type=Whole(1, 10_000), default=50, show_default=True)
def events(failed: bool, most: int) -> None:
    """The newest messages from Stripe, and how many there are of each kind."""
    from storefront.payments.queries import count_events, newest_events

    async def work(_found: Settings, database: Database) -> None:
        async with database.reads() as session:
            rows = await newest_events(session, failed=failed, most=most)
            counts = await count_events(session)
        for row in rows:
            waited = how_long((row.settled_at - row.created_at).total_seconds()) if row.settled_at else "-"
            error = f"  {row.error} (tries: {row.tries})" if row.error else ""
            at = f"{row.received_at:%Y-%m-%d %H:%M:%S}"
            click.echo(f"{row.event_id}  {at}  {row.state:9} {waited:>8}  {row.type}{error}")
        click.echo("  ".join(f"{state}: {number}" for state, number in counts.items()) or "no events")

    with_database(work)


@stripe.command()
@click.argument("event_ids", nargs=-1, required=True)
def replay(event_ids: tuple[str, ...]) -> None:
    """Handle stored events again; what was done for them already is not done again."""
    from storefront.payments.inbox import replay as run

    async def work(shop: "Shop") -> tuple[bool, list[str]]:
        done, unknown = True, []
        for event_id in event_ids:
            try:
                state = await run(shop.database, shop.gateway, shop.settings, event_id)
            except LookupError:
                unknown.append(event_id)
                continue
            click.echo(f"{event_id}  {state}")
            done = done and state in {"handled", "foreign", "ignored"}
        return done, unknown

    done, unknown = with_shop(work)
    wrong = [f"there is no event {', '.join(unknown)}"] if unknown else []
    if not done:
        wrong.append("not every event was handled; see storefront stripe events --failed")
    if wrong:
        fail("; ".join(wrong))


@stripe.command()
@click.argument("number")
@click.option(
    "--base", default="", help="Where the shop runs; BASE_URL or http://127.0.0.1:8000 when not given."
)
@click.option("--type", "kind", default="checkout.session.completed", show_default=True)
def simulate(number: str, base: str, kind: str) -> None:
    """Post a really signed event for order NUMBER to the running shop, as Stripe would (development only).

    It is about the order's own session and payment, so that the same once more changes nothing.
    """
    import hashlib
    import hmac

    import httpx

    from storefront.payments.handlers import HANDLERS, on_session
    from storefront.payments.queries import attempt_to_repeat
    from storefront.payments.simulate import simulated_event
    from storefront.simulation import secret_of

    found = settings()
    if found.production or found.expects_livemode:
        fail("simulate is for development with a test key or the sandbox")
    known = [name for name, handler in HANDLERS.items() if handler is on_session]
    if kind not in known:
        fail(f"simulate knows no {kind!r}; it knows {', '.join(known)}")

    async def event(_found: Settings, database: Database) -> dict[str, Any]:
        async with database.reads() as session:
            order = await session.scalar(select(Order).where(Order.number == number.upper()))
            if order is None:
                fail(f"there is no order {number}")
            attempt = await attempt_to_repeat(session, order)
        return simulated_event(order, attempt, kind, secrets.token_hex(8))

    body = json.dumps(with_database(event), indent=2).encode()
    at = int(time.time())
    signature = hmac.new(secret_of(found).encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={at},v1={signature}", "content-type": "application/json"}
    url = f"{base or found.base_url or 'http://127.0.0.1:8000'}/webhooks/stripe"
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=15)
    except httpx.HTTPError as error:
        fail(f"{url} does not answer ({type(error).__name__})")
    click.echo(f"{kind} posted to {url}: {answer.status_code} {answer.text[:100]}")
    if answer.status_code != 200:
        fail("the shop did not take it")


@click.command()
def check() -> None:
    """Check the settings, the database, the worker and the way to Stripe; prints what passes."""
    from storefront.cli.checks import run_checks

    failed = 0
    for passed, text in asyncio.run(run_checks(settings())):
        failed += passed is False
        click.echo(f"{ {True: 'ok  ', False: 'FAIL', None: 'warn'}[passed] }  {text}")
    if failed:
        fail(f"{many(failed, 'check')} failed")
