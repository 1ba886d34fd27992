"""Sending money back. The refund's row exists before Stripe is asked. Stripe knows it by its cause, in the metadata:
a retry first looks whether Stripe has it, since a key is forgotten after a day and replays errors until then."""

import random
import secrets
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database, now
from storefront.money import format_money
from storefront.orders.change import is_unclear, note
from storefront.orders.models import REFUND_COUNTS, Order, Refund
from storefront.orders.queries import lock_order
from storefront.payments.errors import InvalidRequest, PaymentProblem, ReplayedFailure
from storefront.payments.gateway import Gateway
from storefront.payments.queries import is_paid_by, is_payment_of, taken_by_disputes
from storefront.payments.refunded import RefundFacts, settle_refunds, status_of
from storefront.payments.settle import stand_before_staff
from storefront.settings import Settings
from storefront.steps import step

log = structlog.get_logger()

# Longer than two calls to Stripe can take. Who holds a refund for longer must not ask for it any more.
LEASE = timedelta(seconds=30)
SLOWEST = 300
GIVEN_UP_AFTER = timedelta(days=3)


class NotRefundable(Exception):
    """Not paid, or more than is left to refund. The message says which."""


async def ask_for_refund(
    session: AsyncSession,
    order: Order,
    amount: int | None,
    *,
    restock: bool = False,
    payment: str = "",
) -> Refund:
    """Put down a refund of `amount` minor units (None: all that is left) of an order that is locked. The worker, or
    `send_refunds` at once, asks Stripe. What disputes took is gone already. `payment`: of this one of its payments,
    such as a second one or one that came too late; else of the one by which it is paid. Raises NotRefundable."""
    if is_unclear(order):
        raise NotRefundable(
            f"the payment of {order.number} does not fit it; send it back in Stripe's Dashboard, then cancel the order"
        )
    own = is_paid_by(order, payment or order.payment_intent)
    if not payment and not own:
        raise NotRefundable(f"{order.number} was not paid through Stripe")
    if not own and not await is_payment_of(session, order, payment):
        raise NotRefundable(f"{order.number} has no payment {payment}")
    if restock and not own:
        raise NotRefundable(f"payment {payment} took nothing of {order.number} out of stock")
    intent = payment or str(order.payment_intent)
    wanted = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.order_id == order.id,
        Refund.payment_intent == intent,
        Refund.state.in_([*REFUND_COUNTS, "wanted"]),
    )
    gone = int(await session.scalar(wanted) or 0)
    if intent == order.payment_intent:
        # A refund that Stripe could not list has no row.
        gone = max(gone, order.refunded_amount)
    taken = await taken_by_disputes(session, order.id, intent)
    # Each of an order's payments was as much as its total, or it would not have been taken for its own.
    left = max(order.total - gone - taken, 0)
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        much = format_money(left, order.currency) if left else "nothing"
        why = f": a dispute has taken {format_money(taken, order.currency)}" if taken else ""
        of = order.number if own else f"payment {intent} of {order.number}"
        raise NotRefundable(f"{much} of {of} can be refunded{why}")
    key = _new_key()
    refund = Refund(
        order_id=order.id,
        key=key,
        cause=key,
        payment_intent=intent,
        amount=amount,
        currency=order.currency,
        restock=restock,
    )
    session.add(refund)
    note(session, order, "refund-asked", amount=amount, currency=order.currency)
    await session.flush()
    return refund


def _new_key() -> str:
    return f"refund-{secrets.token_hex(16)}"


async def send_refunds(database: Database, gateway: Gateway, settings: Settings, *, most: int = 10) -> int:
    """Ask Stripe for the refunds that are due; gives how many were tried. Several workers may do this at once."""
    tried = 0
    while tried < most and (row := await _claim(database)) is not None:
        step("refund: claimed")
        await _send(database, gateway, settings, row)
        tried += 1
    return tried


async def _claim(database: Database) -> Refund | None:
    """Take the refund that has been due longest: nobody else gets it for 30 seconds. One at a time, so that a slow
    Stripe cannot use up the lease of those behind."""
    due = (
        select(Refund)
        .where(Refund.state == "wanted", Refund.next_try_at <= now())
        .order_by(Refund.next_try_at, Refund.id)
        .limit(1)
    )
    async with database.reads() as session:
        if await session.scalar(due.with_only_columns(Refund.id)) is None:
            return None
    async with database.writes() as session:
        row = await session.scalar(due.with_for_update(skip_locked=True))
        if row is not None:
            row.tries += 1
            row.next_try_at = now() + LEASE
        return row


async def _send(database: Database, gateway: Gateway, settings: Settings, row: Refund) -> None:
    """One try. What cannot be known stays wanted; what Stripe refuses stands in front of staff."""
    refused, known = "", []
    try:
        try:
            known = await gateway.refunds_of(row.payment_intent)
            step("refund: about to ask")
            if not any((refund.get("metadata") or {}).get("refund_id") == row.cause for refund in known):
                refused = await _taken(database, row, known)
                if not refused and not await _still_held(database, row):
                    return
                if not refused:
                    known.append(await _create(database, gateway, row))
        except InvalidRequest as problem:
            refused = f"Stripe refused to refund it ({problem.code or 'invalid request'})"
    except PaymentProblem as problem:
        log.warning("refund not sent", refund=row.id, problem=type(problem).__name__, tries=row.tries)
        await _try_later(database, settings, row, problem)
        return
    step("refund: answered")
    async with database.writes() as session:
        order = await lock_order(session, Order.id == row.order_id)
        current = await session.get(Refund, row.id, populate_existing=True)
        if order is None or current is None:
            return
        await settle_refunds(
            session, settings, order, RefundFacts(row.payment_intent, order.reference, known)
        )
        step("refund: written")
        if refused:
            covered = _went_back(known) >= order.total
            await _fail(session, settings, order, current, refused, covered=covered)


async def _try_later(database: Database, settings: Settings, row: Refund, problem: PaymentProblem) -> None:
    """Sooner at first, later and spread when Stripe goes on failing; after three days staff must look."""
    async with database.writes() as session:
        order = await lock_order(session, Order.id == row.order_id)
        current = await session.get(Refund, row.id, populate_existing=True, with_for_update=True)
        if order is None or current is None or current.state != "wanted" or current.tries != row.tries:
            return
        if now() - current.created_at > GIVEN_UP_AFTER:
            await _fail(session, settings, order, current, "Stripe did not answer for three days")
            return
        pause = timedelta(seconds=min(2**current.tries, SLOWEST) * random.uniform(0.6, 1.2))  # noqa: S311 - spreads
        if isinstance(problem, ReplayedFailure):
            # The key gets this answer for a day. Whether Stripe refunded all the same is seen in its list before the
            # new key is used. After any other 5xx an earlier request may still run, so the key stays.
            current.key, pause = _new_key(), max(pause, LEASE)
        current.next_try_at = now() + pause


async def _fail(
    session: AsyncSession,
    settings: Settings,
    order: Order,
    refund: Refund,
    why: str,
    *,
    covered: bool = False,
) -> None:
    """`covered`: all of the payment goes back without this refund, so nobody has to look; unless its goods wait for
    it."""
    if refund.state != "wanted":
        return
    refund.state, refund.error = "failed", why
    if covered and not refund.restock:
        return
    amount = format_money(refund.amount, refund.currency)
    note(session, order, "refund-failed", amount=refund.amount, currency=refund.currency)
    what_to_do = (
        f"See payment {refund.payment_intent} in Stripe's Dashboard, and refund it there if it is due."
    )
    reason = f"a refund of {amount} was not made: {why}"
    await stand_before_staff(session, settings, order, reason, refund.cause, what_to_do)


async def _taken(database: Database, row: Refund, known: list[dict[str, Any]]) -> str:
    """Why the refund is not made, if a dispute has taken its money since it was put down; `known` are the payment's
    other refunds. An order's payments are each as much as its total, or they would not have been taken for its own."""
    async with database.reads() as session:
        total = (await session.get_one(Order, row.order_id)).total
        taken = await taken_by_disputes(session, row.order_id, row.payment_intent)
    if not taken or row.amount <= total - _went_back(known) - taken:
        return ""
    return f"a dispute has taken {format_money(taken, row.currency)} of the payment"


def _went_back(known: list[dict[str, Any]]) -> int:
    return sum(refund["amount"] for refund in known if status_of(refund) in REFUND_COUNTS)


async def _still_held(database: Database, row: Refund) -> bool:
    """Whether the refund is ours to ask for yet: a process that stood still may find it done under another key."""
    async with database.reads() as session:
        current = await session.get_one(Refund, row.id)
    held = current.state == "wanted" and (current.tries, current.key) == (row.tries, row.key)
    return held and now() < row.next_try_at


async def _create(database: Database, gateway: Gateway, row: Refund) -> dict[str, object]:
    async with database.reads() as session:
        reference = await session.scalar(select(Order.reference).where(Order.id == row.order_id))
    metadata = {"refund_id": row.cause, "order_id": str(reference)}
    return await gateway.create_refund(
        payment_intent=row.payment_intent, amount=row.amount, metadata=metadata, key=row.key
    )
