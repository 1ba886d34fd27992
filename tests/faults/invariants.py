"""The invariants I1 to I5 of docs/payments.md, read from the database and from Stripe's own objects.

`check(database, stripe)` raises AssertionError with every finding. `stripe` is `in_sandbox(path)` or
`of_objects(…)`, or None where nobody played Stripe. While something is under way (a webhook not delivered yet)
give `at_rest=False`: then only what must hold at every moment is asked for.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.models import StockMovement, Variant
from storefront.database import Database
from storefront.orders.models import (
    AWAITING,
    CANCELLED,
    FAILED,
    PAID,
    PENDING,
    TRANSITIONS,
    Hold,
    Order,
    OrderLine,
    PaymentAttempt,
    Refund,
    TimelineEntry,
)
from storefront.orders.queries import LIVE_ATTEMPTS
from storefront.outbox.models import Message
from storefront.payments.models import StripeEvent
from storefront.promotions.models import Promotion
from tests.faults.ledger import wrong_in_ledger

Obj = dict[str, Any]
Pieces = Counter[int]

# What a timeline entry says about the order's state; other kinds leave it as it was.
STATE_AFTER = {
    "placed": PENDING,
    "free": PAID,
    "paid": PAID,
    "late-paid": PAID,
    "awaiting": AWAITING,
    "failed": FAILED,
    "cancelled": CANCELLED,
}
REFUND_COUNTS = {"pending", "requires_action", "succeeded"}
MOST_TRIES = {"event": 10, "message": 11}


@dataclass
class Stripe:
    """Stripe's objects by kind and id."""

    kinds: dict[str, dict[str, Obj]] = field(default_factory=lambda: defaultdict(dict))

    def of(self, kind: str) -> list[Obj]:
        return list(self.kinds[kind].values())

    def paid_sessions(self, reference: str) -> list[Obj]:
        """The sessions of one order for which Stripe took money."""
        return [
            one
            for one in self.of("checkout.session")
            if one["client_reference_id"] == reference and one["payment_status"] == "paid"
        ]

    def refunds(self, payment_intent: str | None) -> list[Obj]:
        return [one for one in self.of("refund") if one["payment_intent"] == payment_intent]

    def refunded(self, payment_intent: str | None) -> int:
        return sum(one["amount"] for one in self.refunds(payment_intent) if one["status"] in REFUND_COUNTS)


def of_objects(objects: Iterable[Obj]) -> Stripe:
    """Stripe's objects, wherever they are kept."""
    stripe = Stripe()
    for one in objects:
        stripe.kinds[one["object"]][one["id"]] = one
    return stripe


def in_sandbox(path: Path) -> Stripe:
    """The objects in a sandbox's file; its process may be running."""
    with closing(sqlite3.connect(path, timeout=10)) as books:
        return of_objects(json.loads(row[0]) for row in books.execute("SELECT body FROM objects"))


@dataclass
class Shop:
    """Everything that the shop wrote down, and what was found wrong with it."""

    orders: list[Order]
    lines: dict[int, list[OrderLine]]
    holds: list[Hold]
    attempts: dict[int, list[PaymentAttempt]]
    timeline: dict[int, list[TimelineEntry]]
    refunds: dict[int, list[Refund]]
    variants: list[Variant]
    movements: list[StockMovement]
    messages: list[Message]
    events: list[StripeEvent]
    promotions: list[Promotion]
    # Variants that were not always counted, or not always uncounted: an order may have set them aside, or not.
    changing: set[int]
    wrong: list[str] = field(default_factory=list)

    def pieces(self, order: Order) -> Pieces:
        """What the order takes of variants that are counted."""
        found = Pieces()
        for line in self.lines[order.id]:
            if line.tracked:
                found[line.variant_id] += line.quantity
        return found

    def held(self, order: Order) -> Pieces:
        return Pieces({one.variant_id: one.quantity for one in self.holds if one.order_id == order.id})

    def moved(self, cause: str) -> Pieces:
        return Pieces({one.variant_id: one.quantity for one in self.movements if one.cause == cause})

    def fits(self, found: Pieces, wanted: Pieces) -> bool:
        """Whether these are the pieces, of variants that may have changed some or none of them."""
        return all(
            found[one] in ({0, wanted[one]} if one in self.changing else {wanted[one]})
            for one in {*found, *wanted}
        )

    def say(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


async def read_shop(session: AsyncSession, changing: Collection[int]) -> Shop:
    async def by_order(model: Any) -> dict[int, list[Any]]:
        found = defaultdict(list)
        for row in await session.scalars(select(model).order_by(model.id)):
            found[row.order_id].append(row)
        return found

    async def every(model: Any) -> list[Any]:
        return list(await session.scalars(select(model)))

    return Shop(
        orders=list(await session.scalars(select(Order).order_by(Order.id))),
        lines=await by_order(OrderLine),
        holds=await every(Hold),
        attempts=await by_order(PaymentAttempt),
        timeline=await by_order(TimelineEntry),
        refunds=await by_order(Refund),
        variants=await every(Variant),
        movements=await every(StockMovement),
        messages=await every(Message),
        events=await every(StripeEvent),
        promotions=await every(Promotion),
        changing=set(changing),
    )


async def check(
    database: Database, stripe: Stripe | None = None, *, at_rest: bool = True, changing: Collection[int] = ()
) -> None:
    """Raise AssertionError unless I1 to I5 hold. `at_rest`: nothing is under way any more; `changing`: the variants
    that became counted, or uncounted, meanwhile."""
    async with database.reads() as session:
        shop = await read_shop(session, changing)
        shop.wrong += await wrong_in_ledger(session)
    stock_adds_up(shop)
    effects_happen_once(shop)
    codes_are_not_overdrawn(shop)
    nothing_is_unbounded(shop)
    for order in shop.orders:
        states_follow_the_table(shop, order)
        holds_fit_the_state(shop, order)
        effects_fit_the_state(shop, order)
        if stripe is not None:
            nobody_is_paid_for_nothing(shop, stripe, order)
            if at_rest:
                stripe_and_shop_agree(shop, stripe, order)
    assert not shop.wrong, "\n".join(["Invariants do not hold:", *shop.wrong])


def stock_adds_up(shop: Shop) -> None:
    """I2."""
    held: Counter[int] = Counter()
    for hold in shop.holds:
        held[hold.variant_id] += hold.quantity
    moved: Counter[int] = Counter()
    for movement in shop.movements:
        moved[movement.variant_id] += movement.quantity
    for one in shop.variants:
        numbers = f"{one.sku}: on hand {one.on_hand}, held {one.held}"
        if one.tracked:
            shop.say(0 <= one.held <= one.on_hand, f"I2 {numbers}")
        shop.say(one.held == held[one.id], f"I2 {numbers}, but the holds add up to {held[one.id]}")
        shop.say(one.on_hand == moved[one.id], f"I2 {numbers}, but the movements add up to {moved[one.id]}")


def effects_happen_once(shop: Shop) -> None:
    """I3: one cause, one effect, whatever the tables' own constraints say."""
    refunds = [one for rows in shop.refunds.values() for one in rows]
    for what, causes in {
        "message": Counter(one.key for one in shop.messages),
        "movement": Counter((one.variant_id, one.cause) for one in shop.movements),
        "refund": Counter((one.order_id, one.cause) for one in refunds),
        "refund at Stripe": Counter(one.stripe_id for one in refunds if one.stripe_id),
        "event": Counter(one.event_id for one in shop.events),
        "open order of a cart": Counter(
            one.cart_id for one in shop.orders if one.state in {PENDING, FAILED} and one.cart_id
        ),
    }.items():
        shop.say(max(causes.values(), default=0) <= 1, f"I3 {what} twice: {causes.most_common(1)}")


def codes_are_not_overdrawn(shop: Shop) -> None:
    """I3 for discounts: no more orders have a code than may, but for late money, which is honoured."""
    for one in shop.promotions:
        mine = [
            order
            for order in shop.orders
            if order.promotion_id == one.id and order.state != CANCELLED and order.called_off_at is None
        ]
        late = [
            order for order in mine if any(entry.kind == "late-paid" for entry in shop.timeline[order.id])
        ]
        most = one.most_orders or len(mine)
        shop.say(len(mine) - len(late) <= most, f"I3 {len(mine)} orders have {one.code}, {most} may")
    for order in shop.orders:
        shop.say(
            bool(order.discount) == (order.promotion_id is not None), f"I3 {order.number}: off without a code"
        )


def nothing_is_unbounded(shop: Shop) -> None:
    """I5, as far as rows show it: tries end."""
    for event in shop.events:
        shop.say(event.tries <= MOST_TRIES["event"], f"I5 {event.event_id} was tried {event.tries} times")
        waits = (event.state == "failed") == (event.next_try_at is not None)
        shop.say(waits, f"I5 {event.event_id} is {event.state}, next try at {event.next_try_at}")
    for message in shop.messages:
        shop.say(message.tries <= MOST_TRIES["message"], f"I5 {message.key} was tried {message.tries} times")


def states_follow_the_table(shop: Shop, order: Order) -> None:
    """I4, from the timeline."""
    state = ""
    for entry in shop.timeline[order.id]:
        after = STATE_AFTER.get(entry.kind)
        if after is None:
            continue
        allowed = after == PENDING if not state else after in TRANSITIONS[state]
        shop.say(allowed, f"I4 {order.number}: {state or 'nothing'} → {after}")
        state = after
    shop.say(state == order.state, f"I4 {order.number} is {order.state}, its timeline says {state}")


def holds_fit_the_state(shop: Shop, order: Order) -> None:
    """Pending and awaiting orders hold all their pieces, paid and cancelled ones none; a failed one does while it is
    being paid again."""
    held, pieces = shop.held(order), shop.pieces(order)
    live = any(one.state in LIVE_ATTEMPTS for one in shop.attempts[order.id])
    wrong = f"I2 {order.number} is {order.state} and holds {dict(held)} of {dict(pieces)}"
    if order.state in {PENDING, AWAITING} or (order.state == FAILED and live):
        shop.say(shop.fits(held, pieces), wrong)
    elif order.state in {PAID, CANCELLED}:
        shop.say(not held, wrong)


def effects_fit_the_state(shop: Shop, order: Order) -> None:
    """A paid order's pieces left once and its messages were left once; nobody else's did."""
    cause = f"order:{order.id}"
    left = Pieces({one: -quantity for one, quantity in shop.moved(cause).items()})
    wanted = shop.pieces(order) if order.state == PAID else Pieces()
    shop.say(
        shop.fits(left, wanted),
        f"I3 {order.number} is {order.state} and {dict(left)} left the house, not {dict(wanted)}",
    )
    for template in ("order-paid", "order-paid-owner"):
        number = sum(one.key == f"{cause}:{template}" for one in shop.messages)
        shop.say(number == (order.state == PAID), f"I3 {order.number}: {number} × {template}")
    if order.state == PAID:
        shop.say(order.paid_at is not None, f"I1 {order.number} is paid, but when?")
        shop.say(
            order.cart_taken or order.cart_id is None, f"I3 {order.number}: its things are in the cart yet"
        )
    if order.called_off_at is not None:
        came = shop.moved(f"restock:{order.id}")
        shop.say(
            came == left, f"I3 {order.number} was called off and {dict(came)} came back, not {dict(left)}"
        )
        asked = [one.amount for one in shop.refunds[order.id] if not one.cause.startswith("stripe:")]
        shop.say(order.total in [*asked, 0], f"I1 {order.number} was called off, {asked} wanted back")
    live = sum(one.state in LIVE_ATTEMPTS for one in shop.attempts[order.id])
    shop.say(live <= 1, f"I3 {order.number} has {live} open attempts")
    back = [one for one in shop.refunds[order.id] if one.payment_intent == order.payment_intent]
    # What is wanted here while the Dashboard gives it back is refused by Stripe.
    for what, refunds in {
        "has given back": [one for one in back if one.state in REFUND_COUNTS],
        "wants to give back": [
            one
            for one in back
            if one.state in {*REFUND_COUNTS, "wanted"} and not one.cause.startswith("stripe:")
        ],
    }.items():
        amount = sum(one.amount for one in refunds)
        shop.say(amount <= order.total, f"I3 {order.number} {what} {amount} of {order.total}")


def nobody_is_paid_for_nothing(shop: Shop, stripe: Stripe, order: Order) -> None:
    """The half of I1 that holds at every moment, and I3 at Stripe's end."""
    sessions = stripe.kinds["checkout.session"]
    taken = stripe.paid_sessions(order.reference)
    if order.state == PAID and order.total:
        fits = [
            one
            for one in taken
            if one["payment_intent"] == order.payment_intent
            and (one["amount_total"], one["currency"].upper()) == (order.total, order.currency)
        ]
        shop.say(bool(fits), f"I1 {order.number} is paid, but Stripe took no such money")
    for attempt in shop.attempts[order.id]:
        session = sessions.get(attempt.session_id or "")
        if session is not None and attempt.state == "expired":
            status = session["status"]
            shop.say(status == "expired", f"I1 {order.number}: {attempt.session_id} is {status} at Stripe")
    for refund in shop.refunds[order.id]:
        mine = [
            one
            for one in stripe.refunds(refund.payment_intent)
            if (one["metadata"] or {}).get("refund_id") in {refund.cause, refund.key}
        ]
        shop.say(len(mine) <= 1, f"I3 {order.number}: Stripe refunded {refund.cause} {len(mine)} times")


def stripe_and_shop_agree(shop: Shop, stripe: Stripe, order: Order) -> None:
    """I1 in full: money that Stripe took pays the order, or went back, or stands in front of staff."""
    for session in stripe.paid_sessions(order.reference):
        intent = session["payment_intent"]
        went_back = stripe.refunded(intent) == session["amount_total"]
        pays = order.state == PAID and order.payment_intent == intent
        shop.say(
            pays or went_back or bool(order.attention),
            f"I1 {order.number} is {order.state}, Stripe took {session['amount_total']} by {session['id']}",
        )
    if order.payment_intent and not order.attention:
        total = stripe.refunded(order.payment_intent)
        shop.say(
            order.refunded_amount == total,
            f"I1 {order.number} says {order.refunded_amount} refunded, Stripe {total}",
        )
    waiting = [one.cause for one in shop.refunds[order.id] if one.state == "wanted"]
    shop.say(not waiting, f"I5 {order.number} still wants refunds: {waiting}")
