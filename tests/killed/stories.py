"""Stories that an order can live through. Each tries again where the process died, and knows the one right end."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import select

from storefront.catalogue.models import Variant
from storefront.orders.models import CANCELLED, PAID, Order, PaymentAttempt
from storefront.orders.queries import lock_order
from storefront.payments.refund import ask_for_refund
from tests.faults.invariants import in_sandbox
from tests.killed.case import Case
from tests.shop import Thing

Story: TypeAlias = Callable[[Case], Awaitable[None]]

PAID_LETTERS = ("order-paid", "order-paid-owner")


async def _stock(case: Case, thing: Thing, on_hand: int, held: int = 0) -> None:
    async with case.database.reads() as session:
        row = (
            await session.execute(select(Variant.on_hand, Variant.held).where(Variant.id == thing.variant_id))
        ).one()
    assert tuple(row) == (on_hand, held)


async def _until(case: Case, state: str) -> None:
    async def reached() -> bool:
        return await case.state() == state

    await case.eventually(reached)


def _sessions(case: Case) -> list[str]:
    """The states of the pages that Stripe made."""
    return sorted(one["status"] for one in in_sandbox(case.stripe.path).of("checkout.session"))


async def settled_by_webhook(case: Case) -> None:
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await case.stripe.control("pay", session=await shopper.order())
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS)
    assert len(await case.orders()) == 1
    assert _sessions(case) == ["complete"]
    await _stock(case, thing, 4)


async def settled_on_return(case: Case) -> None:
    """No webhook ever arrives."""
    thing = await case.thing()
    await case.stripe.fault("webhook *", "drop", times=None)
    async with case.shopper() as shopper:
        await shopper.add(thing)
        page = await shopper.order()
        await case.stripe.control("pay", session=page)
        await shopper.come_back(page)
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS)
    assert _sessions(case) == ["complete"]
    await _stock(case, thing, 4)


async def refunded(case: Case) -> None:
    """Staff send all of it back, and the things go back onto the shelf."""
    await settled_by_webhook(case)
    async with case.database.writes() as session:
        order = await lock_order(session, Order.state == PAID)
        assert order is not None
        refund = await ask_for_refund(session, order, None, restock=True)
        refund.next_try_at = datetime.now(UTC)  # this process lives a little later than the shop's

    async def back() -> bool:
        return (await case.orders())[0].refunded_amount == order.total

    await case.eventually(back)
    await case.letters(*PAID_LETTERS, "refunded")
    stripe = in_sandbox(case.stripe.path)
    assert [one["amount"] for one in stripe.of("refund")] == [order.total]


async def replaced(case: Case) -> None:
    """The cart is changed while the first page is open: that page closes, the new one is paid."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await shopper.order()
        await shopper.add(thing)
        await case.stripe.control("pay", session=await shopper.order())
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS)
    assert [one.state for one in await case.orders()] == [CANCELLED, PAID]
    assert _sessions(case) == ["complete", "expired"]
    await _stock(case, thing, 3)


async def cancelled(case: Case) -> None:
    """The shopper gives the order up."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await shopper.order()
        (order,) = await case.orders()
        await shopper.cancel(order)
    await _until(case, CANCELLED)
    assert _sessions(case) == ["expired"]
    await _stock(case, thing, 5)


async def expired(case: Case) -> None:
    """The shopper walks away, and the page runs out."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await case.stripe.control("expire", session=await shopper.order())
    await _until(case, CANCELLED)
    await _stock(case, thing, 5)


async def paid_later(case: Case) -> None:
    """Stripe was away when the order was placed; 20 minutes later the shopper follows the link."""
    thing = await case.thing()
    await case.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await shopper.order_in_vain()
        (order,) = await case.orders()
        await _as_if_placed(case, timedelta(minutes=20))
        await case.stripe.control("pay", session=await shopper.pay_again(order))
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS, "finish-order")
    assert _sessions(case) == ["complete"]
    await _stock(case, thing, 4)


async def _as_if_placed(case: Case, ago: timedelta) -> None:
    async with case.database.writes() as session:
        attempt = (await session.scalars(select(PaymentAttempt))).one()
        assert attempt.session_id is None
        attempt.created_at -= ago
        attempt.expires_at -= ago


# By the first word of a step: the stories that may pass it.
STORIES: dict[str, tuple[Story, ...]] = {
    "place": (settled_by_webhook,),
    "ask": (settled_by_webhook, paid_later),
    "replace": (replaced,),
    "give up": (cancelled,),
    "settle": (settled_by_webhook, expired),
    "return": (settled_on_return,),
    "inbox": (settled_by_webhook,),
    "refund": (refunded,),
    "send": (settled_by_webhook,),
}
EVERY: tuple[Story, ...] = (
    settled_by_webhook,
    settled_on_return,
    refunded,
    replaced,
    cancelled,
    expired,
    paid_later,
)
