"""Comparing with Stripe, without any webhook: what was missed is settled, and what differed is reported."""

from datetime import timedelta
from typing import Any, TypeAlias

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database, lock, now
from storefront.orders.models import AWAITING, Order, PaymentAttempt
from storefront.orders.queries import LIVE_ATTEMPTS
from storefront.payments.errors import InvalidRequest, PaymentProblem
from storefront.payments.facts import SessionFacts
from storefront.payments.gateway import Gateway
from storefront.payments.handlers import PAYMENT_HANDLERS
from storefront.payments.inbox import DONE, receive
from storefront.payments.missed import missed_disputes, missed_refunds, missed_sessions
from storefront.payments.models import Reconciliation, StripeEvent
from storefront.payments.settle import settle
from storefront.settings import Settings
from storefront.steps import step

log = structlog.get_logger()

Report: TypeAlias = list[dict[str, Any]]

STRIPE_KEEPS_EVENTS = 30 * 24 * 3600
# How far back is looked when nobody knows any more since when, or Stripe has forgotten its events.
AS_FAR_AS = 180 * 24 * 3600
# Events are created a little before they can be listed; reading them twice does no harm.
OVERLAP = 600
# A refund or dispute may change days after it was made; its events tell, but for those that came before the overlap.
CHANGES_FOR = 3 * 24 * 3600
# A run that is not finished after so long was killed, or gave up for want of Stripe.
RUN_TAKES = timedelta(seconds=60)


async def reconcile(database: Database, gateway: Gateway, settings: Settings) -> Report:
    """Settle everything that Stripe knows and we do not; gives the stored report, empty when nothing differed.

    Raises a PaymentProblem when Stripe cannot be asked; what was settled until then stays settled.
    """
    async with database.writes() as session:
        cursor = await _cursor(session)
        run_id = await _begin(session, cursor)
    return await _run(database, gateway, settings, run_id, cursor)


async def reconcile_if_due(
    database: Database, gateway: Gateway, settings: Settings, every: timedelta
) -> bool:
    """Reconcile unless some process began to within `every`; gives whether it ran."""
    newest = select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1)
    async with database.reads() as session:
        if _fresh(await session.scalar(newest), every):
            return False
    async with database.writes() as session:
        # Of several workers whose time has come one begins: the others wait for its lock, and then look again, since
        # what PostgreSQL locked for them is still the row that was the newest when they asked.
        await lock(session, newest)
        if _fresh(await session.scalar(newest), every):
            return False
        cursor = await _cursor(session)
        run_id = await _begin(session, cursor)
    await _run(database, gateway, settings, run_id, cursor)
    return True


def _fresh(last: Reconciliation | None, every: timedelta) -> bool:
    if last is None:
        return False
    # A run that did not get to its end, or was killed, is made up for soon.
    return now() - last.started_at < (every if last.finished_at else min(every, RUN_TAKES))


async def _begin(session: AsyncSession, cursor: int | None) -> int:
    run = Reconciliation(cursor=str(cursor or ""))
    session.add(run)
    await session.flush()
    return run.id


async def _cursor(session: AsyncSession) -> int | None:
    """When the newest event was made that was read, by Stripe's clock (ours may be off); None when that is lost."""
    query = (
        select(Reconciliation.cursor).where(Reconciliation.cursor != "").order_by(Reconciliation.id.desc())
    )
    last = await session.scalar(query.limit(1))
    return int(last) if last and last.isdigit() else None


async def _run(
    database: Database, gateway: Gateway, settings: Settings, run_id: int, cursor: int | None
) -> Report:
    report: Report = []
    newest, finished_at = cursor, None
    try:
        newest = await _events(database, gateway, settings, cursor, report)
        await _sessions(database, gateway, settings, report)
        oldest_event = int(now().timestamp()) - STRIPE_KEEPS_EVENTS
        lost = cursor is None or cursor < oldest_event
        if lost:
            since = (cursor or int(now().timestamp()) - AS_FAR_AS) - STRIPE_KEEPS_EVENTS
            await missed_sessions(database, gateway, settings, since, report)
        else:
            since = (cursor or 0) - CHANGES_FOR
        await missed_refunds(database, gateway, settings, since, report)
        await missed_disputes(database, gateway, settings, since, report)
        finished_at = now()
    finally:
        async with database.writes() as session:
            row = await session.get(Reconciliation, run_id)
            if row is not None:
                row.finished_at, row.report, row.cursor = finished_at, report, str(newest or "")
                await session.flush()
                step("reconcile: report written")
        if report:
            log.info("reconciled", differences=len(report))
    return report


async def _events(
    database: Database, gateway: Gateway, settings: Settings, cursor: int | None, report: Report
) -> int | None:
    """Take in every event since the cursor that is not done; gives the new cursor. Newest first, as Stripe lists them,
    so that a month of them need not be kept in memory: their order never matters."""
    since = max(cursor or 0, int(now().timestamp()) - STRIPE_KEEPS_EVENTS) - OVERLAP
    newest = cursor
    try:
        async for event in gateway.events_since(max(since, 0), list(PAYMENT_HANDLERS)):
            newest = max(newest or 0, event["created"])
            async with database.reads() as session:
                query = select(StripeEvent.state).where(StripeEvent.event_id == event["id"])
                state = await session.scalar(query)
            if state not in DONE:
                outcome = await receive(database, gateway, settings, event)
                if outcome in {"handled", "failed", "given_up"}:
                    report.append({"event": event["id"], "type": event["type"], "outcome": outcome})
    except InvalidRequest as problem:
        # A Stripe that lists no events: sessions, refunds and disputes are asked for by themselves anyway.
        log.error("events cannot be listed", code=problem.code, detail=str(problem)[:200])
        return cursor
    return newest


async def _sessions(database: Database, gateway: Gateway, settings: Settings, report: Report) -> None:
    """Every attempt that may still change, and every order that waits for its money."""
    async with database.reads() as session:
        waiting = Order.state == AWAITING
        query = (
            select(PaymentAttempt, Order.reference, Order.number)
            .join(Order, Order.id == PaymentAttempt.order_id)
            .where(PaymentAttempt.state.in_(LIVE_ATTEMPTS) | (waiting & (PaymentAttempt.state == "complete")))
            .order_by(PaymentAttempt.id)
        )
        attempts = (await session.execute(query)).all()
    for attempt, reference, number in attempts:
        try:
            facts = await _facts(gateway, attempt, reference)
            if facts is None:
                continue
            async with database.writes() as session:
                settled = await settle(session, settings, facts)
        except PaymentProblem:
            raise
        except Exception as error:
            # One order that cannot be settled must not keep the others.
            log.error("not reconciled", order=number, exc_info=error)
            report.append({"order": number, "outcome": "failed", "error": type(error).__name__})
            continue
        if settled.outcome not in {"open", "unchanged"}:
            step("reconcile: session settled")
            report.append({"order": number, "session": facts.id, "outcome": settled.outcome})


async def _facts(gateway: Gateway, attempt: PaymentAttempt, reference: str) -> SessionFacts | None:
    try:
        if attempt.session_id is not None:
            return await gateway.session(attempt.session_id)
        since, until = attempt.created_at.timestamp() - 300, attempt.expires_at.timestamp()
        found = await gateway.find_sessions(reference, int(since), int(until))
    except InvalidRequest:
        return None
    mine = [one for one in found if one.attempt_key in {attempt.key, ""}]
    return mine[0] if mine else None
