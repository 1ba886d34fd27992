"""Applying what Stripe says about a session to its order: one function for the webhook, the return page, the
reconciler and staff. Safe to call again and at the same time: it locks, looks, and does what is left to do."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.change import subtract_from_cart
from storefront.cart.models import Cart
from storefront.database import now
from storefront.language import later
from storefront.money import Money
from storefront.orders.change import (
    UNCLEAR,
    cancel,
    hold_again,
    is_unclear,
    let_go,
    move,
    note,
    raise_attention,
    take_out,
)
from storefront.orders.messages import tell_owner, tell_shopper
from storefront.orders.models import (
    AWAITING,
    CANCELLED,
    FAILED,
    OPEN_STATES,
    PAID,
    Order,
    PaymentAttempt,
    Refund,
    TimelineEntry,
)
from storefront.orders.queries import LIVE_ATTEMPTS, lines_of, lock_order, refunded_of
from storefront.payments.credited import settle_paid_credits
from storefront.payments.facts import SessionFacts
from storefront.settings import Settings
from storefront.steps import step

EXPIRED = later("the payment page expired")
FAILED_INTENT = frozenset({"requires_payment_method", "canceled"})


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it. `order_id` is None for a session that belongs to no order of ours."""

    order_id: int | None
    outcome: str


FOREIGN = Settled(None, "foreign")


async def settle(
    session: AsyncSession, settings: Settings, facts: SessionFacts, *, why: str = EXPIRED
) -> Settled:
    """Bring the session's order to where Stripe says its payment is. Call it inside a write transaction, with what
    was read from Stripe before that began. `why` is what the timeline says if the session turns out expired."""
    order = await _order_of(session, facts)
    if order is None:
        return FOREIGN
    wrong = _mismatch(order, facts, settings)
    if wrong:
        await _mismatched(session, settings, order, facts, wrong)
        return Settled(order.id, "mismatch")
    attempt = await _attempt_of(session, order, facts)
    if facts.paid:
        outcome = await _paid(session, settings, order, attempt, facts)
    elif facts.status == "complete":
        outcome = await _unpaid(session, settings, order, attempt, facts)
    elif facts.status == "expired":
        outcome = await _expired(session, order, attempt, why)
    else:
        outcome = "open"
    return Settled(order.id, outcome)


async def _order_of(session: AsyncSession, facts: SessionFacts) -> Order | None:
    attempt = select(PaymentAttempt.order_id).where(PaymentAttempt.session_id == facts.id)
    order_id = await session.scalar(attempt)
    if order_id is not None:
        return await lock_order(session, Order.id == order_id)
    # The answer that told us the session's id may never have been stored.
    return await lock_order(session, Order.reference == facts.reference) if facts.reference else None


def _mismatch(order: Order, facts: SessionFacts, settings: Settings) -> str:
    if facts.livemode != settings.expects_livemode:
        return "the payment was made in Stripe's other mode (test or live)"
    # Nobody pays a page that expired, so what it asked for does not matter any more.
    if facts.status != "expired" and (facts.amount, facts.currency) != (order.total, order.currency):
        return f"Stripe says {facts.amount} {facts.currency}, the order {order.total} {order.currency} (minor units)"
    return ""


async def _mismatched(
    session: AsyncSession, settings: Settings, order: Order, facts: SessionFacts, reason: str
) -> None:
    """The order stays as it is and stands before staff; once they have looked, hearing the same again says nothing
    new. When the page is over its money came, or is on its way: then the order leaves its cart as a paid one does."""
    arrived = facts.status == "complete" and await _completed(session, order, facts)
    told = select(TimelineEntry.data).where(
        TimelineEntry.order_id == order.id, TimelineEntry.kind == "mismatch"
    )
    if not arrived and any(data.get("reason") == reason for data in await session.scalars(told)):
        return
    note_mismatch(session, order, reason)
    if not arrived or order.state not in {*OPEN_STATES, CANCELLED}:
        await stand_before_staff(session, settings, order, reason, facts.id)
        return
    if order.state == CANCELLED:
        await stand_before_staff(session, settings, order, f"{UNCLEAR}{reason}", facts.id)
        return
    await take_from_cart(session, order)
    order.cart_id = None
    cause = f"{facts.id}:complete"
    await stand_before_staff(session, settings, order, f"{UNCLEAR}{reason}", cause, _what_to_decide(order))


async def _completed(session: AsyncSession, order: Order, facts: SessionFacts) -> bool:
    """Its page is over, so that nobody asks Stripe about it for ever. False when that was known."""
    attempt = await _attempt_of(session, order, facts)
    if attempt.state == "complete" or (attempt.state == "failed" and not facts.paid):
        return False
    attempt.state = "complete"
    await session.flush()
    return True


def _what_to_decide(order: Order) -> str:
    return (
        "Compare the payment in Stripe's Dashboard with the order. Its things stay set aside, and its shopper reads"
        " that we write to them. To end it, send the money back in the Dashboard, then:"
        f" storefront orders cancel {order.number}, storefront orders resolve {order.number}"
    )


def note_mismatch(session: AsyncSession, order: Order, reason: str) -> None:
    """Have the timeline say, once, that the payment does not fit; the shopper should know that we are looking."""
    if reason not in order.attention:
        note(session, order, "mismatch", reason=reason)


async def stand_before_staff(
    session: AsyncSession, settings: Settings, order: Order, reason: str, cause: str, what_to_do: str = ""
) -> None:
    """Leave the order as it is, say why on it, and write to the owner; once per reason."""
    if not raise_attention(order, reason):
        return
    what_to_do = what_to_do or (
        f"Compare the payment in Stripe's Dashboard with the order: storefront orders show {order.number}"
    )
    await tell_owner(session, settings, order, "owner-attention", cause, reason=reason, what_to_do=what_to_do)


async def _attempt_of(session: AsyncSession, order: Order, facts: SessionFacts) -> PaymentAttempt:
    """The attempt that this session is, taught its session's id if it did not know it."""
    mine = list(await session.scalars(select(PaymentAttempt).where(PaymentAttempt.order_id == order.id)))
    found = next((one for one in mine if one.session_id == facts.id), None)
    found = found or next(
        (one for one in mine if one.session_id is None and one.key == facts.attempt_key), None
    )
    if found is None and not facts.attempt_key:
        found = next((one for one in mine if one.session_id is None and one.state == "asking"), None)
    if found is None:
        found = PaymentAttempt(
            order_id=order.id, key=f"found-{facts.id}", parameters={}, state="dropped", expires_at=now()
        )
        session.add(found)
    found.session_id = facts.id
    found.session_url = facts.url or found.session_url
    found.payment_intent = facts.payment_intent or found.payment_intent
    if found.state == "asking" and facts.status == "open":
        found.state = "open"
    await session.flush()
    return found


async def _paid(
    session: AsyncSession, settings: Settings, order: Order, attempt: PaymentAttempt, facts: SessionFacts
) -> str:
    if attempt.paid_at is not None:
        return "unchanged"
    attempt.state, attempt.paid_at = "complete", now()
    if order.state == PAID:
        await _refund_in_full(session, settings, order, facts, "double")
        await session.flush()
        step("double: refund put down")
        note(session, order, "double-refund")
        await stand_before_staff(
            session, settings, order, "paid twice; the second payment is refunded", facts.id
        )
        return "double"
    late = order.state in {CANCELLED, FAILED}
    if late and not await _hold_once_more(session, order):
        return await _late_and_gone(session, settings, order, facts)
    step("settle: locked")
    move(order, PAID)
    order.paid_at, order.hold_until, order.decline_reason = now(), None, ""
    await _becomes_the_payment(session, order, facts)
    order.livemode = facts.livemode
    await take_out(session, order)
    await session.flush()
    step("settle: stock moved")
    await settle_paid_credits(session, settings, order)
    await take_from_cart(session, order)
    step("settle: cart emptied")
    note(session, order, "late-paid" if late else "paid")
    await tell_paid(session, settings, order)
    await session.flush()
    step("settle: messages written")
    return "paid"


async def _becomes_the_payment(session: AsyncSession, order: Order, facts: SessionFacts) -> None:
    """The order's refunded amount is that of this payment: an earlier one may have gone back when the goods were gone,
    and of this one something may have gone back before we heard of it."""
    order.payment_intent = facts.payment_intent or None
    order.refunded_amount = min(await refunded_of(session, order.id, order.payment_intent), order.total)


async def _hold_once_more(session: AsyncSession, order: Order) -> bool:
    nested = await session.begin_nested()
    if await hold_again(session, order):
        await nested.commit()
        return True
    await nested.rollback()
    await session.refresh(order)
    return False


async def _late_and_gone(session: AsyncSession, settings: Settings, order: Order, facts: SessionFacts) -> str:
    if order.state == FAILED:
        await cancel(session, order, later("the goods were gone when the money came"))
    await _becomes_the_payment(session, order, facts)
    await _refund_in_full(session, settings, order, facts, "late")
    await session.flush()
    step("late: refund put down")
    note(session, order, "late-refund")
    amount = Money(order.total, order.currency)
    await tell_shopper(session, settings, order, "late-money", facts.id, refund=amount)
    what_to_do = "The refund is made by itself. Nothing to do, unless it fails."
    reason = "money arrived for an order that was given up, and the goods are gone"
    await tell_owner(
        session, settings, order, "owner-attention", f"late:{facts.id}", reason=reason, what_to_do=what_to_do
    )
    return "late-refund"


async def _refund_in_full(
    session: AsyncSession, settings: Settings, order: Order, facts: SessionFacts, cause: str
) -> None:
    """Put down the refund of a whole payment; the worker asks Stripe for it with the key stored here."""
    if not facts.payment_intent:
        reason = "a payment has to be sent back, but Stripe did not say which"
        await stand_before_staff(session, settings, order, reason, f"{cause}:{facts.id}")
        return
    session.add(
        Refund(
            order_id=order.id,
            key=f"refund-{order.reference}-{cause}-{facts.id}"[:255],
            cause=f"{cause}:{facts.id}",
            payment_intent=facts.payment_intent,
            amount=facts.amount,
            currency=facts.currency,
        )
    )


async def _unpaid(
    session: AsyncSession, settings: Settings, order: Order, attempt: PaymentAttempt, facts: SessionFacts
) -> str:
    """A delayed method: the session is complete, the money is not there."""
    if attempt.paid_at is not None or attempt.state == "failed":
        return "unchanged"
    attempt.state = "failed" if facts.intent_status in FAILED_INTENT else "complete"
    if order.state in {PAID, CANCELLED}:
        return "unchanged"
    if attempt.state == "failed":
        await take_from_cart(session, order)
        if order.state != FAILED:
            # An order that is paid again and fails again was failed all the time.
            await _leave_cart_to_a_newer(session, order)
            move(order, FAILED)
            note(session, order, "failed")
        order.hold_until = None
        await let_go(session, order)
        await tell_shopper(session, settings, order, "payment-failed", str(attempt.id))
        return "failed"
    if order.state == AWAITING:
        return "unchanged"
    move(order, AWAITING)
    order.hold_until = None
    await take_from_cart(session, order)
    note(session, order, "awaiting")
    await tell_shopper(session, settings, order, "order-awaiting", str(attempt.id))
    return "awaiting"


async def _leave_cart_to_a_newer(session: AsyncSession, order: Order) -> None:
    """A cart has one open order. While this one waited for its money another may have been placed from the cart."""
    newer = select(Order.id).where(
        Order.cart_id == order.cart_id, Order.state.in_(OPEN_STATES), Order.id != order.id
    )
    if order.cart_id is not None and await session.scalar(newer) is not None:
        order.cart_id = None


async def _expired(session: AsyncSession, order: Order, attempt: PaymentAttempt, why: str) -> str:
    if attempt.state not in LIVE_ATTEMPTS:
        return "unchanged"
    attempt.state = "expired"
    if order.state not in OPEN_STATES or is_unclear(order):
        return "unchanged"
    await session.flush()
    await cancel(session, order, why)
    await session.flush()
    step("settle: holds released")
    return "cancelled"


async def take_from_cart(session: AsyncSession, order: Order) -> None:
    """What was bought leaves its cart, once; what was added meanwhile stays. The draft and the code that
    the order had go with it."""
    if order.cart_taken or order.cart_id is None:
        return
    order.cart_taken = True
    bought: dict[int, int] = {}
    for line in await lines_of(session, order.id):
        bought[line.variant_id] = bought.get(line.variant_id, 0) + line.quantity
    await subtract_from_cart(session, order.cart_id, bought)
    await session.execute(update(Cart).where(Cart.id == order.cart_id).values(draft=None, draft_at=None))
    if order.promotion_id is not None:
        mine = (Cart.id == order.cart_id) & (Cart.promotion_id == order.promotion_id)
        await session.execute(update(Cart).where(mine).values(promotion_id=None))


async def tell_paid(session: AsyncSession, settings: Settings, order: Order) -> None:
    """The confirmation for the shopper and the news for the owner, once per order."""
    await tell_shopper(session, settings, order, "order-paid")
    await tell_owner(session, settings, order, "order-paid-owner")
