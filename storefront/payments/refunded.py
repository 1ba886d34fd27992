"""Refunds as Stripe tells them, applied to their order: set to Stripe's totals, whatever the order and the number of
the events."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.money import Money, format_money
from storefront.orders.change import note, put_back_once
from storefront.orders.messages import tell_shopper
from storefront.orders.models import CANCELLED, REFUND_COUNTS, Order, Refund
from storefront.orders.queries import refunded_of
from storefront.payments.credited import settle_returned_credits
from storefront.payments.errors import InvalidRequest
from storefront.payments.gateway import Gateway
from storefront.payments.queries import is_paid_by, is_payment_of
from storefront.payments.settle import Settled, stand_before_staff
from storefront.settings import Settings
from storefront.steps import step

# A refund only goes forwards through these (docs.stripe.com/refunds#failed-refunds: it may fail after it succeeded),
# so that what was read from Stripe a moment too early never undoes what is newer.
STAGES = {"wanted": 0, "pending": 1, "requires_action": 1, "succeeded": 2, "failed": 3, "canceled": 3}

# The money is ours again: what the timeline and the owner are told of it, and what the owner has to do.
CAME_BACK = {
    "failed": (
        "refund-failed",
        "failed",
        "Stripe returned the money to your balance. Arrange the refund with the shopper in another way.",
    ),
    "canceled": (
        "refund-cancelled",
        "was cancelled at Stripe",
        "The money stays with you. If it is still due, refund it once more{how}",
    ),
}


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
    step("refunds: rows written")
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
    note(session, order, "refunded", amount=in_all.amount, currency=in_all.currency)
    await settle_returned_credits(session, settings, order)
    if more > 0 and not await _was_told_of(session, order):
        refund = Money(more, order.currency)
        # One refund may fail and the next bring the order to the same total again.
        number = await session.scalar(select(func.count()).where(Refund.order_id == order.id))
        cause = f"{total}:{number}"
        await tell_shopper(session, settings, order, "refunded", cause, refund=refund, refunded_total=in_all)
    return Settled(order.id, "refunded")


async def _was_told_of(session: AsyncSession, order: Order) -> bool:
    """Whether the message about late money told the shopper already: it promises the refund that is made by itself,
    and no later one."""
    if order.state != CANCELLED:
        return False
    by_hand = select(Refund.id).where(
        Refund.order_id == order.id,
        Refund.payment_intent == order.payment_intent,
        Refund.state.in_(REFUND_COUNTS),
        Refund.cause.not_like("late:%"),
    )
    return await session.scalar(by_hand.limit(1)) is None


async def _follow_rows(session: AsyncSession, settings: Settings, order: Order, facts: RefundFacts) -> None:
    """Our own refund rows take Stripe's state; refunds from Stripe's Dashboard get a row."""
    rows = list(await session.scalars(select(Refund).where(Refund.order_id == order.id)))
    by_stripe = {row.stripe_id: row for row in rows if row.stripe_id}
    by_cause = {row.cause: row for row in rows}
    for refund in facts.refunds:
        ours = (refund.get("metadata") or {}).get("refund_id", "")
        row = by_stripe.get(refund["id"]) or by_cause.get(ours)
        if row is None or row.stripe_id not in {None, refund["id"]}:
            # Not ours; or one that carries our id beside the one that we know by it, and counts like any other.
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
    row.stripe_id, row.amount, row.state, row.error = refund["id"], refund["amount"], said, ""
    amount = format_money(row.amount, row.currency)
    if said in CAME_BACK:
        kind, what, what_to_do = CAME_BACK[said]
        note(session, order, kind, amount=row.amount, currency=row.currency)
        reason = f"a refund of {amount} {what} ({refund['id']})"
        await stand_before_staff(
            session,
            settings,
            order,
            reason,
            refund["id"],
            what_to_do.format(how=await _how_to_refund(session, order, row)),
        )
    if said == "succeeded" and row.restock:
        await put_back_once(session, order)


async def _how_to_refund(session: AsyncSession, order: Order, row: Refund) -> str:
    """The end of the sentence that says how the money of a refund that came back is refunded once more."""
    if is_paid_by(order, row.payment_intent):
        return f": storefront orders refund {order.number}"
    if await is_payment_of(session, order, row.payment_intent):
        return f": storefront orders refund {order.number} --payment {row.payment_intent}"
    return f". See payment {row.payment_intent} in Stripe's Dashboard."


def id_of(value: Any) -> str:
    """The id in a field that may be expanded. Raises TypeError for what is none, before Stripe is asked about it."""
    found = value["id"] if isinstance(value, dict) else value or ""
    if not isinstance(found, str):
        raise TypeError("an id that is no text")
    return found
