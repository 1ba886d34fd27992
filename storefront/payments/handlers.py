"""One small function per kind of event. Each first reads from Stripe what it needs, with no transaction open, and
gives the step that applies it inside one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.apply import REFUSED, UNCHANGED
from storefront.database import now
from storefront.orders.change import note
from storefront.orders.models import AWAITING, FAILED, PENDING, Order, PaymentAttempt
from storefront.orders.queries import lock_order
from storefront.payments.disputed import read_dispute, settle_dispute
from storefront.payments.errors import InvalidRequest
from storefront.payments.facts import SessionFacts, decline_reason, session_facts
from storefront.payments.gateway import Gateway
from storefront.payments.refunded import refund_facts, settle_refunds
from storefront.payments.settle import FOREIGN, Settled, settle
from storefront.payments.sync import apply_one, read_product
from storefront.settings import Settings

Apply: TypeAlias = Callable[[AsyncSession], Awaitable[Settled]]
Handler: TypeAlias = Callable[[Gateway, Settings, dict[str, Any]], Awaitable[Apply]]

log = structlog.get_logger()

OUR_VERSION = "2026-10-28.endive"


async def on_session(gateway: Gateway, settings: Settings, event: dict[str, Any]) -> Apply:
    """checkout.session.*: paid and expired are final and signed, so the event itself is believed; whether an unpaid
    session waits or has failed only its payment intent says, now."""
    given = event["data"]["object"]
    other_version = event.get("api_version") != OUR_VERSION
    facts = None if other_version else session_facts(given)
    if facts is None or not (facts.paid or facts.status == "expired"):
        facts = await _read_anew(gateway, given["id"]) or session_facts(given)
        facts = _as_the_event_says(facts, event["type"])

    async def apply(session: AsyncSession) -> Settled:
        return await settle(session, settings, facts)

    return apply


async def _read_anew(gateway: Gateway, session_id: str) -> SessionFacts | None:
    try:
        return await gateway.session(session_id)
    except InvalidRequest:
        return None  # Stripe does not know it any more: what it signed then is all there is


def _as_the_event_says(facts: SessionFacts, kind: str) -> SessionFacts:
    """What the payment intent did not say, its signed event does."""
    failed = kind == "checkout.session.async_payment_failed" and not facts.intent_status
    return replace(facts, intent_status="requires_payment_method") if failed else facts


async def on_declined(_gateway: Gateway, _settings: Settings, event: dict[str, Any]) -> Apply:
    """payment_intent.payment_failed: the reason is kept; the session stays open, so the state stays."""
    intent = event["data"]["object"]

    async def apply(session: AsyncSession) -> Settled:
        order = await order_of_payment(
            session, intent["id"], (intent.get("metadata") or {}).get("order_id", "")
        )
        if order is None:
            return FOREIGN
        reason = decline_reason(intent)[:200]
        if order.state in {PENDING, FAILED, AWAITING} and reason and reason != order.decline_reason:
            order.decline_reason = reason
            note(session, order, "declined", reason=reason)
            return Settled(order.id, "declined")
        return Settled(order.id, "unchanged")

    return apply


async def on_refund(gateway: Gateway, settings: Settings, event: dict[str, Any]) -> Apply:
    """charge.refunded and refund.*: amounts are set to Stripe's totals, read anew, never added up."""
    facts = await refund_facts(gateway, event)

    async def apply(session: AsyncSession) -> Settled:
        order = await order_of_payment(session, facts.payment_intent, facts.reference)
        return FOREIGN if order is None else await settle_refunds(session, settings, order, facts)

    return apply


async def on_dispute(gateway: Gateway, settings: Settings, event: dict[str, Any]) -> Apply:
    """charge.dispute.*: the dispute as it is now stands in front of staff."""
    facts = await read_dispute(gateway, event)

    async def apply(session: AsyncSession) -> Settled:
        order = await order_of_payment(session, facts.payment_intent, facts.reference)
        return FOREIGN if order is None else await settle_dispute(session, settings, order, facts)

    return apply


async def on_catalogue(gateway: Gateway, settings: Settings, event: dict[str, Any]) -> Apply:
    """product.* and price.*: the product is read anew with its prices, whatever the event says of it."""
    given = event["data"]["object"]
    product = given["id"] if given.get("object") == "product" else given["product"]
    product_id = str(product["id"] if isinstance(product, dict) else product)
    read_at = now()
    read = await read_product(gateway, settings, product_id)

    async def apply(session: AsyncSession) -> Settled:
        outcomes = await apply_one(session, settings, product_id, read, read_at)
        for one in outcomes:
            if one.what == REFUSED:
                log.warning("not sold here", stripe_id=one.id, why=one.text)
        return Settled(None, outcomes[-1].what if outcomes else UNCHANGED)

    return apply


async def order_of_payment(session: AsyncSession, payment_intent: str, reference: str) -> Order | None:
    """The order that a payment belongs to, locked: by its payment intent, else by the reference in its metadata."""
    if payment_intent:
        order = await lock_order(session, Order.payment_intent == payment_intent)
        if order is not None:
            return order
        query = select(PaymentAttempt.order_id).where(PaymentAttempt.payment_intent == payment_intent)
        order_id = await session.scalar(query)
        if order_id is not None:
            return await lock_order(session, Order.id == order_id)
    return await lock_order(session, Order.reference == reference) if reference else None


# The reconciler reads these again from Stripe's list; for the catalogue that is `storefront stripe sync`.
PAYMENT_HANDLERS: dict[str, Handler] = {
    "checkout.session.completed": on_session,
    "checkout.session.async_payment_succeeded": on_session,
    "checkout.session.async_payment_failed": on_session,
    "checkout.session.expired": on_session,
    "payment_intent.payment_failed": on_declined,
    "charge.refunded": on_refund,
    "refund.created": on_refund,
    "refund.updated": on_refund,
    "refund.failed": on_refund,
    "charge.dispute.created": on_dispute,
    "charge.dispute.updated": on_dispute,
    "charge.dispute.closed": on_dispute,
}
CATALOGUE_EVENTS = tuple(
    f"{thing}.{verb}" for thing in ("product", "price") for verb in ("created", "updated", "deleted")
)
HANDLERS: dict[str, Handler] = {**PAYMENT_HANDLERS, **dict.fromkeys(CATALOGUE_EVENTS, on_catalogue)}
