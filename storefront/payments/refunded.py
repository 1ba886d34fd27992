"""Refunds as Stripe tells them, applied to their order: set to Stripe's totals, whatever the order and the number of
the events."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.money import Money, format_money
from storefront.orders.change import note, put_back_once
from storefront.orders.messages import tell_shopper
from storefront.orders.models import CANCELLED, Order, Refund
from storefront.orders.queries import refunded_of
from storefront.payments.credited import settle_returned_credits
from storefront.payments.errors import InvalidRequest
from storefront.payments.gateway import Gateway
from storefront.payments.settle import Settled, stand_before_staff
from storefront.settings import Settings

# A refund only goes forwards through these (docs.stripe.com/refunds#failed-refunds: it may fail after it succeeded),
# so that what was read from Stripe a moment too early never undoes what is newer.
STAGES = {"wanted": 0, "pending": 1, "requires_action": 1, "succeeded": 2, "failed": 3, "canceled": 3}


def status_of(refund: dict[str, Any]) -> str:
    """What Stripe says of a refund. A word that we do not know (or none, which its API allows) is one on its way: it
    counts as given back until Stripe says that it is not."""
    said = refund["status"]
    return said if said in STAGES else "pending"


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """Refunds of one payment. `at_least` is what a charge says in all, for when Stripe could not list them."""

    payment_intent: str
    reference: str
    refunds: list[dict[str, Any]] = field(default_factory=list)
    at_least: int = 0


async def refund_facts(gateway: Gateway, event: dict[str, Any]) -> RefundFacts:
    """Everything that Stripe has refunded of the event's payment, as of now."""
    given = event["data"]["object"]
    is_charge = given.get("object") == "charge"
    intent = id_of(given.get("payment_intent"))
    reference = (given.get("metadata") or {}).get("order_id") or await reference_of(gateway, intent)
    try:
        refunds = await gateway.refunds_of(intent) if intent else []
    except InvalidRequest:
        refunds = []
    if refunds:
        return RefundFacts(intent, reference, refunds)
    at_least = given.get("amount_refunded") or 0 if is_charge else 0
    return RefundFacts(intent, reference, [] if is_charge else [given], at_least)


async def reference_of(gateway: Gateway, payment_intent: str) -> str:
    """Our order's reference on a payment: objects that the Dashboard makes do not carry it themselves."""
    if not payment_intent:
        return ""
    try:
        intent = await gateway.payment_intent(payment_intent)
    except InvalidRequest:
        return ""
    return str((intent.get("metadata") or {}).get("order_id") or "")


async def settle_refunds(
    session: AsyncSession, settings: Settings, order: Order, facts: RefundFacts
) -> Settled:
    """Bring the order's refund rows and its refunded amount to what Stripe says."""
    await _follow_rows(session, settings, order, facts)
    if order.payment_intent != facts.payment_intent:
        # A payment that the order is not paid by, or not yet: what went back of it is no refund of the order.
        return Settled(order.id, "other payment")
    total = await refunded_of(session, order.id, order.payment_intent)
    if not facts.refunds:
        total = max(total, facts.at_least)
    total = min(total, order.total)
    if total == order.refunded_amount:
        return Settled(order.id, "unchanged")
    more, order.refunded_amount = total - order.refunded_amount, total
    in_all = Money(total, order.currency)
    note(session, order, "refunded", amount=str(in_all))
    await settle_returned_credits(session, settings, order)
    if more > 0 and order.state != CANCELLED:
        refund = Money(more, order.currency)
        # One refund may fail and the next bring the order to the same total again.
        number = await session.scalar(select(func.count()).where(Refund.order_id == order.id))
        cause = f"{total}:{number}"
        await tell_shopper(session, settings, order, "refunded", cause, refund=refund, refunded_total=in_all)
    return Settled(order.id, "refunded")


async def _follow_rows(session: AsyncSession, settings: Settings, order: Order, facts: RefundFacts) -> None:
    """Our own refund rows take Stripe's state; refunds from Stripe's Dashboard get a row."""
    rows = list(await session.scalars(select(Refund).where(Refund.order_id == order.id)))
    by_stripe = {row.stripe_id: row for row in rows if row.stripe_id}
    by_cause = {row.cause: row for row in rows}
    for refund in facts.refunds:
        ours = (refund.get("metadata") or {}).get("refund_id", "")
        row = by_stripe.get(refund["id"]) or by_cause.get(ours)
        if row is None:
            row = Refund(
                order_id=order.id,
                key=f"stripe-{refund['id']}",
                cause=f"stripe:{refund['id']}",
                payment_intent=facts.payment_intent,
                amount=refund["amount"],
                currency=str(refund["currency"]).upper(),
                state="wanted",
            )
            session.add(row)
        await _follow(session, settings, order, row, refund)
    await session.flush()


async def _follow(
    session: AsyncSession, settings: Settings, order: Order, row: Refund, refund: dict[str, Any]
) -> None:
    known, said = row.stripe_id is not None, status_of(refund)
    if row.state == said or (known and STAGES[said] <= STAGES.get(row.state, STAGES["pending"])):
        return
    row.stripe_id, row.state, row.error = refund["id"], said, ""
    amount = format_money(row.amount, row.currency)
    if said == "failed":
        note(session, order, "refund-failed", amount=amount)
        reason = f"a refund of {amount} failed ({refund['id']})"
        what_to_do = (
            "Stripe returned the money to your balance. Arrange the refund with the shopper in another way."
        )
        await stand_before_staff(session, settings, order, reason, refund["id"], what_to_do)
    if said == "succeeded" and row.restock:
        await put_back_once(session, order)


def id_of(value: Any) -> str:
    """The id in a field that may be expanded."""
    return str(value["id"]) if isinstance(value, dict) else value or ""
