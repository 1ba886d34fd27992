"""Disputes as Stripe tells them: kept as they are now, in front of staff while they are open, and told to the owner.

https://docs.stripe.com/disputes/how-disputes-work
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import now
from storefront.money import format_money
from storefront.orders.change import HELD_BACK, lower_attention, note, raise_attention
from storefront.orders.messages import tell_owner
from storefront.orders.models import Order
from storefront.payments.credited import settle_returned_credits
from storefront.payments.errors import InvalidRequest
from storefront.payments.gateway import Gateway
from storefront.payments.models import Dispute
from storefront.payments.refunded import id_of, reference_of
from storefront.payments.settle import Settled
from storefront.settings import Settings
from storefront.steps import step

# A dispute only goes forwards through these, so that what was read a moment too early never undoes what is newer. An
# inquiry (warning_…) may still become a dispute after it was closed.
STAGES = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "won": 5,
    "lost": 5,
    "prevented": 5,
}
OVER = frozenset({"won", "lost", "warning_closed", "prevented"})


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """https://docs.stripe.com/api/disputes/object; `amount` in minor units."""

    id: str
    payment_intent: str
    reference: str
    status: str
    reason: str
    amount: int
    currency: str
    due_by: datetime | None


async def read_dispute(gateway: Gateway, event: dict[str, Any]) -> DisputeFacts:
    """The event's dispute as it is now."""
    given = event["data"]["object"]
    try:
        current = await gateway.dispute(given["id"])
    except InvalidRequest:
        current = given
    intent = id_of(current.get("payment_intent"))
    return dispute_facts(current, await reference_of(gateway, intent))


def dispute_facts(dispute: dict[str, Any], reference: str = "") -> DisputeFacts:
    """The facts of a dispute as JSON."""
    due = (dispute.get("evidence_details") or {}).get("due_by")
    return DisputeFacts(
        id=dispute["id"],
        payment_intent=id_of(dispute.get("payment_intent")),
        reference=reference,
        status=str(dispute.get("status") or ""),
        reason=str(dispute.get("reason") or ""),
        amount=int(dispute.get("amount") or 0),
        currency=str(dispute.get("currency") or "").upper(),
        due_by=datetime.fromtimestamp(due, UTC) if due else None,
    )


async def settle_dispute(
    session: AsyncSession, settings: Settings, order: Order, facts: DisputeFacts
) -> Settled:
    """Keep the dispute as Stripe has it. While it is open, and when it was lost, it stands in front of staff and
    nothing is sent; the owner is told of every step."""
    row = await session.scalar(select(Dispute).where(Dispute.stripe_id == facts.id))
    if row is None:
        row = Dispute(
            order_id=order.id,
            stripe_id=facts.id,
            payment_intent=facts.payment_intent,
            amount=facts.amount,
            currency=facts.currency,
            status="",
        )
        session.add(row)
        note(session, order, "disputed", reason=facts.reason)
    elif row.status == facts.status or STAGES.get(facts.status, 0) < STAGES.get(row.status, 0):
        row.due_by = facts.due_by if row.status == facts.status else row.due_by
        return Settled(order.id, "unchanged")
    lower_attention(order, _reason(row.stripe_id, row.status))
    row.status, row.reason, row.amount = facts.status, facts.reason, facts.amount
    row.payment_intent = facts.payment_intent or row.payment_intent
    row.due_by, row.changed_at = facts.due_by, now()
    if facts.status in OVER:
        note(session, order, "dispute-closed", status=facts.status)
    if facts.status not in OVER or facts.status == "lost":
        raise_attention(order, _reason(facts.id, facts.status))
    await _tell(session, settings, order, facts)
    await session.flush()
    step("disputes: written")
    await settle_returned_credits(session, settings, order)
    return Settled(order.id, "disputed")


def _reason(dispute_id: str, status: str) -> str:
    reason = f"dispute {dispute_id} is {status}"
    return reason if status in OVER else HELD_BACK + reason


async def _tell(session: AsyncSession, settings: Settings, order: Order, facts: DisputeFacts) -> None:
    amount = format_money(facts.amount, facts.currency)
    until = f" until {facts.due_by:%Y-%m-%d %H:%M} UTC" if facts.due_by else ""
    if facts.status in OVER:
        reason = f"the dispute about {amount} is closed: {facts.status}"
        what = "See the payment in Stripe's Dashboard."
    else:
        reason = f"{amount} is disputed ({facts.reason}, {facts.status})"
        what = f"Send nothing more. Answer in Stripe's Dashboard{until}."
    cause = f"dispute:{facts.id}:{facts.status}"
    await tell_owner(session, settings, order, "owner-attention", cause, reason=reason, what_to_do=what)
