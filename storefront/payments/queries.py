"""Reads of the webhook inbox and of attempts, for staff, and of what disputes took."""

from collections.abc import Sequence

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.orders.models import PAID, Order, PaymentAttempt
from storefront.orders.queries import LIVE_ATTEMPTS
from storefront.payments.models import Dispute, StripeEvent

# Stripe takes the money when a dispute opens, and gives it back when it is won; an inquiry (warning_…) takes none.
# https://docs.stripe.com/disputes/how-disputes-work
TAKES_MONEY = ("needs_response", "under_review", "lost")


async def newest_events(session: AsyncSession, *, failed: bool, most: int) -> list[StripeEvent]:
    """The newest stored events; with `failed` those that wait for another try or were given up."""
    query = select(StripeEvent).order_by(StripeEvent.id.desc()).limit(most)
    if failed:
        query = query.where(StripeEvent.state.in_(("failed", "given_up")))
    return list(await session.scalars(query))


async def count_events(session: AsyncSession) -> dict[str, int]:
    """How many events there are in each state, foreign and unknown ones among them."""
    query = select(StripeEvent.state, func.count()).group_by(StripeEvent.state).order_by(StripeEvent.state)
    return {row[0]: row[1] for row in await session.execute(query)}


async def disputes_to_answer(session: AsyncSession, order_id: int) -> list[Dispute]:
    """The order's disputes that wait for the owner's answer, the most urgent first."""
    query = select(Dispute).where(Dispute.order_id == order_id, Dispute.status.endswith("needs_response"))
    return list(await session.scalars(query.order_by(Dispute.due_by, Dispute.id)))


async def attempt_to_repeat(session: AsyncSession, order: Order) -> PaymentAttempt | None:
    """The attempt by which the order was paid; else the one that may still be, else the newest with a page."""
    paid = PaymentAttempt.paid_at.is_not(None)
    ours = paid & (PaymentAttempt.payment_intent == order.payment_intent)
    live = PaymentAttempt.state.in_(LIVE_ATTEMPTS)
    query = select(PaymentAttempt).where(
        PaymentAttempt.order_id == order.id, live | PaymentAttempt.session_id.is_not(None)
    )
    rank = case((ours, 0), (paid, 1), (live, 2), else_=3)
    found: PaymentAttempt | None = await session.scalar(
        query.order_by(rank, PaymentAttempt.id.desc()).limit(1)
    )
    return found


def is_paid_by(order: Order, payment_intent: str | None) -> bool:
    """Whether this is the payment that the order is paid by; nothing changes that any more."""
    return order.state == PAID and bool(payment_intent) and order.payment_intent == payment_intent


async def is_payment_of(session: AsyncSession, order: Order, payment_intent: str) -> bool:
    """Whether the order was paid with it: by it, once more, or too late. One of another amount is none of these."""
    query = select(PaymentAttempt.id).where(
        PaymentAttempt.order_id == order.id,
        PaymentAttempt.payment_intent == payment_intent,
        PaymentAttempt.paid_at.is_not(None),
    )
    return bool(payment_intent) and await session.scalar(query.limit(1)) is not None


async def taken_by_disputes(
    session: AsyncSession, order_id: int, payment_intent: str | None, statuses: Sequence[str] = TAKES_MONEY
) -> int:
    """What disputes in these states have taken of one payment of an order; minor units."""
    query = select(func.coalesce(func.sum(Dispute.amount), 0)).where(
        Dispute.order_id == order_id,
        Dispute.payment_intent.in_([payment_intent or "", ""]),
        Dispute.status.in_(statuses),
    )
    return int(await session.scalar(query) or 0)
