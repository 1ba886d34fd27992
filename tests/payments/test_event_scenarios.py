"""What becomes of an order when Stripe tells its story: in order, reversed, shuffled, twice, and all at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from storefront.payments.models import Dispute
from tests.payments.scenarios import Ordered, events_of, ordered
from tests.payments.stripe_api import learn
from tests.payments.stripe_objects import Obj
from tests.shop import Running
from tests.stripe_double import StripeDouble, deliver


async def paid(order: Ordered) -> None:
    assert (await order.now()).state == "paid"
    assert await order.stock() == (7, 0), "taken once"
    told = [one for one in await order.messages() if one != "order-awaiting"]
    assert told == ["order-paid", "order-paid-owner"]


async def failed(order: Ordered) -> None:
    assert (await order.now()).state == "failed"
    assert await order.stock() == (9, 0), "released once"
    told = await order.messages()
    assert told.count("payment-failed") == 1
    assert "order-paid" not in told


async def expired(order: Ordered) -> None:
    assert (await order.now()).state == "cancelled"
    assert await order.stock() == (9, 0), "released once"
    assert "payment-failed" not in await order.messages()


async def flagged(order: Ordered) -> None:
    now = await order.now()
    assert now.state == "pending", "not marked paid"
    assert now.attention
    assert await order.messages() == ["owner-attention"]
    assert await order.stock() == (9, 2)


async def refunded(order: Ordered) -> None:
    now = await order.now()
    assert (now.state, now.refunded_amount) == ("paid", 3490)
    assert await order.stock() == (7, 0)
    assert (await order.messages()).count("order-paid") == 1


async def lost(order: Ordered) -> None:
    now = await order.now()
    async with order.shop.database() as database, database.reads() as session:
        [dispute] = list(await session.scalars(select(Dispute).where(Dispute.order_id == now.id)))
    assert (now.state, dispute.status, dispute.amount, dispute.currency) == ("paid", "lost", 3490, "USD")
    assert dispute.due_by is not None
    assert "lost" in now.attention


ENDS: dict[str, Callable[[Ordered], Awaitable[None]]] = {
    "paid_card": paid,
    "paid_in_reverse": paid,
    "async_then_succeeded": paid,
    "async_then_failed": failed,
    "expired": expired,
    "expired_after_paid": paid,
    "amount_too_low": flagged,
    "partial_refunds_to_full": refunded,
    "dispute_lost": lost,
}


async def tell(order: Ordered, events: list[Obj]) -> None:
    """Deliver events one after the other; each is true at Stripe before it is told."""
    for event in events:
        learn(order.stripe, event)
        answer = await deliver(order.shop.url, event)
        assert answer.status_code == 200, event["type"]


@pytest.mark.parametrize("name", ENDS)
async def test_a_story_told_in_order(shop: Running, stripe: StripeDouble, name: str) -> None:
    order = await ordered(shop, stripe)
    await tell(order, events_of(name, order))
    await ENDS[name](order)


@pytest.mark.parametrize("name", ENDS)
async def test_a_story_shuffled_and_told_twice_ends_the_same(
    shop: Running, stripe: StripeDouble, name: str
) -> None:
    order = await ordered(shop, stripe)
    events = events_of(name, order)
    for event in events:
        learn(stripe, event)
    backwards, told = events[::-1], events * 2
    random.Random(f"{name}").shuffle(told)
    for event in backwards + told:
        assert (await deliver(shop.url, event)).status_code == 200
    await ENDS[name](order)


@pytest.mark.parametrize("name", ENDS)
async def test_a_story_told_all_at_once_ends_the_same(shop: Running, stripe: StripeDouble, name: str) -> None:
    order = await ordered(shop, stripe)
    events = events_of(name, order)
    for event in events:
        learn(stripe, event)
    answers = await asyncio.gather(*(deliver(shop.url, event) for event in events * 3))
    assert {one.status_code for one in answers} == {200}
    await ENDS[name](order)


async def test_between_a_delayed_payment_and_its_money_the_things_stay_set_aside(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    events = events_of("async_then_succeeded", order)
    await tell(order, events[:2])
    assert (await order.now()).state == "awaiting"
    assert await order.stock() == (9, 2)
    assert await order.messages() == ["order-awaiting"]
    await tell(order, events[2:])
    assert (await order.now()).state == "paid"
    assert await order.stock() == (7, 0)


async def test_refunds_are_set_to_stripes_totals_and_never_added_up(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    seen = []
    for event in events_of("partial_refunds_to_full", order):
        await tell(order, [event, event])
        if event["type"] == "charge.refunded":
            seen.append((await order.now()).refunded_amount)
    assert seen == [1000, 2490, 3490]


async def test_an_event_of_no_order_of_ours_is_kept_and_acknowledged(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    [event] = events_of("unknown_order", order)
    event["data"]["object"] |= {"id": "cs_test_foreign", "client_reference_id": "foreign", "metadata": {}}
    answer = await deliver(shop.url, event)
    assert (answer.status_code, answer.text) == (200, "foreign")
    assert (await deliver(shop.url, event)).status_code == 200
    assert (await order.now()).state == "pending"
