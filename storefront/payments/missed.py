"""What Stripe's events do not tell (any more): complete sessions, refunds and disputes, from Stripe's own lists."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database
from storefront.orders.models import Order, PaymentAttempt, Refund
from storefront.orders.queries import lock_order
from storefront.payments.disputed import dispute_facts, settle_dispute
from storefront.payments.errors import InvalidRequest, PaymentProblem
from storefront.payments.gateway import Gateway
from storefront.payments.models import Dispute
from storefront.payments.refunded import RefundFacts, id_of, settle_refunds, status_of
from storefront.payments.settle import settle
from storefront.settings import Settings

Report: TypeAlias = list[dict[str, Any]]

log = structlog.get_logger()


@contextmanager
def _one_of_many(report: Report, **which: str) -> Iterator[None]:
    """What cannot be settled is reported and must not keep the others."""
    try:
        yield
    except PaymentProblem:
        raise
    except Exception as error:
        log.error("not reconciled", **which, exc_info=error)
        report.append({**which, "outcome": "failed", "error": type(error).__name__})


async def missed_sessions(
    database: Database, gateway: Gateway, settings: Settings, since: int, report: Report
) -> None:
    """Settle every complete session since a Unix time that is of an order of ours and not paid here."""
    async for facts in gateway.sessions({"status": "complete", "created": {"gte": max(since, 0)}}):
        async with database.reads() as session:
            paid = select(PaymentAttempt.id).where(
                PaymentAttempt.session_id == facts.id, PaymentAttempt.paid_at.is_not(None)
            )
            ours = select(Order.number).where(Order.reference == facts.reference, ~paid.exists())
            number = await session.scalar(ours)
        if number is None:
            continue
        with _one_of_many(report, order=number, session=facts.id):
            async with database.writes() as session:
                settled = await settle(session, settings, facts)
            if settled.outcome != "unchanged":
                report.append({"order": number, "session": facts.id, "outcome": settled.outcome})


async def missed_refunds(
    database: Database, gateway: Gateway, settings: Settings, since: int, report: Report
) -> None:
    """Bring the refunds made since a Unix time to what Stripe says of them now."""
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    try:
        async for refund in gateway.refunds({"created": {"gte": max(since, 0)}}):
            with _one_of_many(report, refund=str(refund.get("id"))):
                intent = id_of(refund.get("payment_intent"))
                async with database.reads() as session:
                    row = select(Refund.state).where(Refund.stripe_id == refund["id"])
                    known = await session.scalar(row)
                    ours = await _order_of(session, intent)
                if ours is not None and known != status_of(refund):
                    said[intent].append(refund)
    except InvalidRequest:
        return
    for intent in said:
        with _one_of_many(report, payment=intent):
            facts = RefundFacts(intent, "", await gateway.refunds_of(intent))
            async with database.writes() as session:
                order = await lock_order(session, Order.id == await _order_of(session, intent))
                if order is None:
                    continue
                settled = await settle_refunds(session, settings, order, facts)
            if settled.outcome != "unchanged":
                refunds = [refund["id"] for refund in said[intent]]
                report.append({"order": order.number, "refunds": refunds, "outcome": settled.outcome})


async def missed_disputes(
    database: Database, gateway: Gateway, settings: Settings, since: int, report: Report
) -> None:
    """Bring the disputes opened since a Unix time to what Stripe says of them now."""
    try:
        async for dispute in gateway.disputes({"created": {"gte": max(since, 0)}}):
            with _one_of_many(report, dispute=str(dispute.get("id"))):
                facts = dispute_facts(dispute)
                async with database.reads() as session:
                    status = await session.scalar(select(Dispute.status).where(Dispute.stripe_id == facts.id))
                    ours = await _order_of(session, facts.payment_intent)
                if ours is None or status == facts.status:
                    continue
                async with database.writes() as session:
                    order = await lock_order(session, Order.id == ours)
                    if order is None:
                        continue
                    settled = await settle_dispute(session, settings, order, facts)
                if settled.outcome != "unchanged":
                    report.append({"order": order.number, "dispute": facts.id, "outcome": facts.status})
    except InvalidRequest:
        return


async def _order_of(session: AsyncSession, payment_intent: str) -> int | None:
    """The order that a payment belongs to, by its own or an attempt's payment intent."""
    if not payment_intent:
        return None
    direct = await session.scalar(select(Order.id).where(Order.payment_intent == payment_intent))
    if direct is not None:
        return direct
    attempt = select(PaymentAttempt.order_id).where(PaymentAttempt.payment_intent == payment_intent)
    found: int | None = await session.scalar(attempt.limit(1))
    return found
