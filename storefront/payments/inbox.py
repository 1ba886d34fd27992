"""The webhook inbox: an event is handled and stored in one transaction; one that cannot be handled is stored as
failed in another and tried again by the worker, so that nothing is lost and Stripe need not repeat it."""

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Busy, Database, now
from storefront.language import ENGLISH, speaking
from storefront.orders.models import Refund
from storefront.outbox.write import leave_message
from storefront.payments.errors import InvalidRequest, Misconfigured, PaymentProblem
from storefront.payments.gateway import Gateway
from storefront.payments.handlers import HANDLERS, OUR_VERSION
from storefront.payments.models import StripeEvent
from storefront.payments.patience import FOR_AN_EVENT, answer_within
from storefront.payments.refund import LEASE as REFUND_LEASE
from storefront.payments.settle import FOREIGN, Settled
from storefront.settings import Settings
from storefront.steps import step

log = structlog.get_logger()

MOST_TRIES = 10
LEASE = timedelta(seconds=60)
# While Stripe itself does not answer, an event waits for it without using up its tries, but not for ever.
WAITS_FOR_STRIPE = timedelta(days=3)
DONE = frozenset({"handled", "foreign", "ignored", "mismatch"})


async def receive(
    database: Database, gateway: Gateway, settings: Settings, event: dict[str, Any], *, counted: bool = False
) -> str:
    """Take in a verified event; gives the state in which it is stored. A repeat of one that is done does nothing, a
    repeat of a failed one tries again; `counted`: as one of its tries already. Raises what the database raises when
    the event cannot even be stored."""
    async with database.reads() as session:
        state = await session.scalar(select(StripeEvent.state).where(StripeEvent.event_id == event["id"]))
    if state in DONE:
        return str(state)
    try:
        with answer_within(FOR_AN_EVENT):
            return await _handle(database, gateway, settings, event)
    except Busy:
        raise
    except IntegrityError as error:
        # The same event at the same moment, which the other one has handled; or else a fault of ours.
        state = await _store_failed(database, settings, event, "IntegrityError", counted=counted)
        if state not in DONE:
            log.error("webhook failed", event_id=event["id"], type=event["type"], exc_info=error)
        return state
    except PaymentProblem as problem:
        stripes = not isinstance(problem, Misconfigured | InvalidRequest)
        log.warning("webhook waits", event_id=event["id"], type=event["type"], why=type(problem).__name__)
        why = type(problem).__name__
        return await _store_failed(database, settings, event, why, waits=stripes, counted=counted)
    except Exception as error:
        log.error("webhook failed", event_id=event["id"], type=event["type"], exc_info=error)
        return await _store_failed(database, settings, event, type(error).__name__, counted=counted)


async def _handle(database: Database, gateway: Gateway, settings: Settings, event: dict[str, Any]) -> str:
    handler = HANDLERS.get(event["type"])
    if event["livemode"] != settings.expects_livemode:
        log.error(
            "webhook of the other mode", event_id=event["id"], type=event["type"], livemode=event["livemode"]
        )
        return await _store(database, settings, event, "mismatch")
    if handler is None:
        return await _store(database, settings, event, "ignored")
    step("inbox: arrived")
    apply = await handler(gateway, settings, event)
    step("inbox: read from Stripe")
    async with database.writes() as session:
        settled: Settled = await apply(session)
        step("inbox: applied")
        row = await session.scalar(
            select(StripeEvent).where(StripeEvent.event_id == event["id"]).with_for_update()
        )
        if row is None:
            row = _row(event)
            session.add(row)
        elif row.state in DONE:
            return row.state
        row.state = "foreign" if settled == FOREIGN else "handled"
        # A replay keeps when it was settled first.
        row.order_id, row.settled_at, row.next_try_at = settled.order_id, row.settled_at or now(), None
        row.error = _other_version(event)
        await session.flush()
        created, row_state = row.created_at, row.state
    step("inbox: committed")
    waited = (now() - created).total_seconds()
    log.info(
        "webhook",
        event_id=event["id"],
        type=event["type"],
        outcome=settled.outcome,
        waited_s=round(waited, 1),
    )
    return row_state


def _row(event: dict[str, Any], state: str = "handled") -> StripeEvent:
    return StripeEvent(
        event_id=event["id"],
        type=event["type"],
        api_version=str(event.get("api_version") or "")[:50],
        livemode=event["livemode"],
        payload=event,
        state=state,
        tries=0,
        created_at=datetime.fromtimestamp(event["created"], UTC),
    )


def _other_version(event: dict[str, Any]) -> str:
    """What staff read beside an event that was made for another API version than ours; its object was read anew."""
    version = event.get("api_version")
    if version == OUR_VERSION:
        return ""
    log.warning("webhook of another version", event_id=event["id"], version=version)
    return f"made for API version {str(version)[:50]}, read anew with {OUR_VERSION}"


async def _store(database: Database, settings: Settings, event: dict[str, Any], state: str) -> str:
    """Keep an event for which there is nothing to do."""
    with suppress(IntegrityError):  # the same one at the same moment
        async with database.writes() as session:
            query = select(StripeEvent).where(StripeEvent.event_id == event["id"]).with_for_update()
            row = await session.scalar(query)
            if row is None:
                session.add(_row(event, state))
            else:
                row.state, row.next_try_at = state, None
            if state == "mismatch":
                await _tell_of_mismatch(session, settings, event)
    return state


async def _tell_of_mismatch(session: AsyncSession, settings: Settings, event: dict[str, Any]) -> None:
    mode = "live" if event["livemode"] else "test"
    reason = f"Stripe sent a {event['type']} ({event['id']}) of its {mode} mode; nothing was done with it."
    what_to_do = "Look at the webhook endpoints and keys in Stripe's Dashboard: test and live are mixed up."
    # Once a day: such a mistake brings every event.
    await _tell_owner(session, settings, f"event:mismatch:{now():%Y-%m-%d}", reason, what_to_do)


async def _store_failed(
    database: Database,
    settings: Settings,
    event: dict[str, Any],
    error: str,
    *,
    waits: bool = False,
    counted: bool = False,
) -> str:
    """Keep an event that could not be handled, for another try; `waits`: because Stripe did not answer us."""
    async with database.writes() as session:
        row = await session.scalar(
            select(StripeEvent).where(StripeEvent.event_id == event["id"]).with_for_update()
        )
        if row is None:
            row = _row(event, "failed")
            session.add(row)
            await session.flush()  # which sets received_at
        elif row.state in DONE:
            return row.state
        row.error = error[:500]
        if waits and now() - row.received_at < WAITS_FOR_STRIPE:
            row.state, row.next_try_at = "failed", now() + retry_after(3)
            row.tries -= 1 if counted else 0
            return row.state
        row.tries += 0 if counted else 1
        if waits or row.tries >= MOST_TRIES:
            await _give_up(session, settings, row)
        else:
            row.state, row.next_try_at = "failed", now() + retry_after(row.tries)
        return row.state


async def _give_up(session: AsyncSession, settings: Settings, row: StripeEvent) -> None:
    row.state, row.next_try_at = "given_up", None
    reason = f"Stripe's {row.type} ({row.event_id}) could not be handled: {row.error}."
    what_to_do = f"See storefront stripe events --failed, then storefront stripe replay {row.event_id}"
    await _tell_owner(session, settings, f"event:{row.event_id}:given-up", reason, what_to_do)


async def _tell_owner(
    session: AsyncSession, settings: Settings, key: str, reason: str, what_to_do: str
) -> None:
    data = {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "reason": reason,
        "what_to_do": what_to_do,
    }
    recipient = settings.shop_email
    with speaking(ENGLISH.code):
        await leave_message(session, key=key, recipient=recipient, template="owner-event", data=data)


async def replay(database: Database, gateway: Gateway, settings: Settings, event_id: str) -> str:
    """Handle a stored event again, whatever its state; gives the state it has then. Raises LookupError when it is
    unknown. What was done for it already is not done again."""
    async with database.writes() as session:
        query = select(StripeEvent).where(StripeEvent.event_id == event_id).with_for_update()
        row = await session.scalar(query)
        if row is None:
            raise LookupError(event_id)
        row.state, row.tries, row.next_try_at = "failed", 0, now() + LEASE
        event = row.payload
    return await receive(database, gateway, settings, event)


async def try_all_again(database: Database) -> None:
    """Stripe is back: the events and refunds that failed meanwhile need not wait for their turn. Rows that somebody
    holds are passed over, and each table has its own transaction, since whoever settles locks both. A refund that is
    due soon may be so because a worker has it, and comes by itself."""
    failed = select(StripeEvent.id).where(StripeEvent.state == "failed")
    async with database.writes() as session:
        free = failed.with_for_update(skip_locked=True)
        await session.execute(update(StripeEvent).where(StripeEvent.id.in_(free)).values(next_try_at=now()))
    async with database.writes() as session:
        late = select(Refund.id).where(
            Refund.state == "wanted", Refund.next_try_at > now() + 2 * REFUND_LEASE
        )
        free = late.with_for_update(skip_locked=True)
        await session.execute(update(Refund).where(Refund.id.in_(free)).values(next_try_at=now()))


def retry_after(tries: int) -> timedelta:
    """5 s, 10 s, 20 s … up to an hour, a fifth up or down, so that what failed together does not come together."""
    seconds = min(5 * 2 ** (tries - 1), 3600) * random.uniform(0.8, 1.2)  # noqa: S311
    return timedelta(seconds=seconds)


async def retry_due(database: Database, gateway: Gateway, settings: Settings, *, most: int = 20) -> int:
    """Try failed events again whose time has come; gives how many were tried. Several workers may do this."""
    tried = 0
    while tried < most and (event := await _claim(database, settings)) is not None:
        await receive(database, gateway, settings, event, counted=True)
        tried += 1
    return tried


async def _claim(database: Database, settings: Settings) -> dict[str, Any] | None:
    """Take the event that has been due longest: nobody else takes it up while this try lasts. The try counts from here
    on, so that an event at which the process dies each time comes to its end too."""
    due = (
        select(StripeEvent)
        .where(StripeEvent.state == "failed", StripeEvent.next_try_at <= now())
        .order_by(StripeEvent.next_try_at, StripeEvent.id)
        .limit(1)
    )
    async with database.reads() as session:
        if await session.scalar(due.with_only_columns(StripeEvent.id)) is None:
            return None
    async with database.writes() as session:
        row = await session.scalar(due.with_for_update(skip_locked=True))
        if row is None:
            return None
        row.next_try_at = now() + LEASE
        row.tries += 1
        if row.tries > MOST_TRIES:
            row.tries, row.error = MOST_TRIES, row.error or "the process ended each time"
            await _give_up(session, settings, row)
            return None
        return row.payload
