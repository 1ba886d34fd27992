"""Stories that an order can live through. Each tries again where the process died, and knows the one right end."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import delete, select

from storefront.cart.models import DeliveryRate
from storefront.catalogue.models import Variant
from storefront.orders.change import HELD_BACK
from storefront.orders.models import CANCELLED, PAID, Order, PaymentAttempt, Refund
from storefront.orders.queries import lock_order
from storefront.payments.models import Reconciliation
from storefront.payments.refund import ask_for_refund
from storefront.promotions.change import offer
from tests.faults.invariants import in_sandbox
from tests.killed.case import Case, Shopper
from tests.shop import ANNA, Thing, new_thing

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


async def bought_with_a_code(case: Case) -> None:
    """The last order that may have it, so that one that was begun and left must not use it up."""
    thing = await case.thing()
    async with case.database.writes() as session:
        made = await offer(session, "LAST", case.settings.currency, percent=20, most_orders=1)
        made.begins_at -= timedelta(minutes=5)  # this process lives a little later than the shop's
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await shopper.enter("LAST")
        await case.stripe.control("pay", session=await shopper.order())
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS)
    (order,) = await case.orders()
    assert (order.discount, order.total) == (300, 1200)
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


async def _two_pages(case: Case, shopper: Shopper) -> tuple[str, str]:
    """A 500 that Stripe stored hides the first page of an order; the second is the one that its shopper sees."""
    await case.stripe.fault("POST /v1/checkout/sessions", "500", when="after", times=1)
    await shopper.order_in_vain()
    shown = await shopper.order()
    (hidden,) = {one["id"] for one in in_sandbox(case.stripe.path).of("checkout.session")} - {shown}
    return hidden, shown


async def paid_twice(case: Case) -> None:
    """Both pages of one order are paid: the second payment goes back."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        for page in await _two_pages(case, shopper):
            await case.stripe.control("pay", session=page)
    await _until(case, PAID)
    await _goes_back(case, 1500)
    await case.letters(*PAID_LETTERS, "finish-order", "owner-attention")
    await _stock(case, thing, 4)


async def paid_when_gone(case: Case) -> None:
    """An order is given up, its things are sold to somebody else, and then its hidden page is paid."""
    thing = await case.thing()
    async with case.shopper() as shopper, case.shopper() as rival:
        await shopper.add(thing, 5)
        hidden, __ = await _two_pages(case, shopper)
        (order,) = await case.orders()
        await shopper.cancel(order)
        await _until(case, CANCELLED)
        await rival.add(thing, 5)
        await case.stripe.control("pay", session=await rival.order())
        await _until(case, PAID)
        await case.stripe.control("pay", session=hidden)
    await _goes_back(case, 7500)
    await case.letters(*PAID_LETTERS, "finish-order", "late-money", "owner-attention")
    await _stock(case, thing, 0)


async def _goes_back(case: Case, amount: int) -> None:
    """Stripe refunds exactly this, once, and the shop knows it."""

    async def known() -> bool:
        async with case.database.reads() as session:
            rows = list(await session.scalars(select(Refund)))
        return [(one.amount, one.state) for one in rows] == [(amount, "succeeded")]

    await case.eventually(known)
    assert [one["amount"] for one in in_sandbox(case.stripe.path).of("refund")] == [amount]


async def called_off(case: Case) -> None:
    """The shopper cancels what is paid and was to be sent by post."""
    thing = await new_thing(case.database, on_hand=5)
    async with case.database.writes() as session:
        session.add(DeliveryRate(zone="us", countries=["US"], code="post", title="Post", amount=0))
    async with case.shopper() as shopper:
        await shopper.add(thing)
        page = await shopper.order(**ANNA, shipping_method="post")
        await case.stripe.control("pay", session=page)
        await _until(case, PAID)
        (order,) = await case.orders()
        await shopper.cancel(order, paid="yes")
    await _goes_back(case, 1500)
    await case.letters(*PAID_LETTERS, "order-called-off", "order-called-off-owner", "refunded")
    await _stock(case, thing, 5)


async def refunded_in_the_dashboard(case: Case) -> None:
    """Only Stripe's messages tell of it."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        page = await shopper.order()
        await case.stripe.control("pay", session=page)
        await _until(case, PAID)
        await case.stripe.control("refund", session=page, amount=400)
    await _goes_back(case, 400)
    await case.letters(*PAID_LETTERS, "refunded")


async def disputed(case: Case) -> None:
    """The bank asks for the money: the goods are held back, and the owner is told once."""
    thing = await case.thing()
    async with case.shopper() as shopper:
        await shopper.add(thing)
        page = await shopper.order()
        await case.stripe.control("pay", session=page)
        await _until(case, PAID)
        await case.stripe.control("dispute", session=page)

    async def before_staff() -> bool:
        return HELD_BACK in (await case.orders())[0].attention

    await case.eventually(before_staff)
    await case.letters(*PAID_LETTERS, "owner-attention")


async def settled_by_reconciling(case: Case) -> None:
    """No webhook ever arrives, nobody comes back; Stripe does not list its events any more, and
    when it was last compared is lost; the next process that starts asks for the session."""
    thing = await case.thing()
    await case.stripe.fault("webhook *", "drop", times=None)
    async with case.shopper() as shopper:
        await shopper.add(thing)
        await case.stripe.control("pay", session=await shopper.order())
    case.stripe.forget_events()
    async with case.database.writes() as session:
        await session.execute(delete(Reconciliation))
    await case.shop.start_anew()
    await _until(case, PAID)
    await case.letters(*PAID_LETTERS)
    await _stock(case, thing, 4)


async def _as_if_placed(case: Case, ago: timedelta) -> None:
    async with case.database.writes() as session:
        attempt = (await session.scalars(select(PaymentAttempt))).one()
        assert attempt.session_id is None
        attempt.created_at -= ago
        attempt.expires_at -= ago


# By the first word of a step: the stories that may pass it.
STORIES: dict[str, tuple[Story, ...]] = {
    "place": (settled_by_webhook, bought_with_a_code),
    "ask": (settled_by_webhook, bought_with_a_code, paid_later),
    "replace": (replaced,),
    "give up": (cancelled,),
    "settle": (settled_by_webhook, expired),
    "return": (settled_on_return,),
    "inbox": (settled_by_webhook,),
    "refund": (refunded,),
    "send": (settled_by_webhook,),
    "double": (paid_twice,),
    "late": (paid_when_gone,),
    "call off": (called_off,),
    "refunds": (refunded_in_the_dashboard,),
    "disputes": (disputed,),
    "reconcile": (settled_by_reconciling,),
}
EVERY: tuple[Story, ...] = (
    settled_by_webhook,
    bought_with_a_code,
    settled_on_return,
    refunded,
    replaced,
    cancelled,
    expired,
    paid_later,
    paid_twice,
    paid_when_gone,
    called_off,
    refunded_in_the_dashboard,
    disputed,
    settled_by_reconciling,
)
