"""Stripe is read, and before that is written down more happens and is heard of: what is older never undoes it."""

import asyncio
from collections.abc import Awaitable, Callable

from storefront.orders.models import FAILED
from tests.faults.house import House, Obj
from tests.faults.test_disputes import dispute
from tests.faults.test_refunds import paid


async def settled_late(
    house: House, events: list[Obj], read: str, meanwhile: Callable[[], Awaitable[object]]
) -> None:
    """Deliver `events`; what they read of Stripe (`read` is how that call begins) is as of before `meanwhile`."""
    answer = house.stripe.hold(read, "after")
    early = asyncio.create_task(house.deliver(*events))
    await answer.reached()
    await meanwhile()
    answer.let_on()
    assert await early == [200] * len(events)


async def test_a_refund_that_failed_meanwhile_does_not_succeed_again(house: House) -> None:
    bought = await paid(house)
    made = (await house.stripe.do("refund", session=bought.session, amount=300))["refund"]
    (refunded,) = await house.stripe.events("charge.refunded")

    async def it_fails() -> None:
        await house.stripe.do("fail_refund", refund=made["id"])
        await house.deliver(*await house.stripe.events("refund.failed"), process=house.another())

    await settled_late(house, [refunded], "GET /v1/refunds", it_fails)
    assert [one.state for one in await house.refunds(bought.order)] == ["failed"]
    assert (await house.order(bought.order)).refunded_amount == 0
    await house.check()


async def test_a_dispute_that_was_won_meanwhile_does_not_open_again(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    created = await house.stripe.events("charge.dispute.created")

    async def it_is_won() -> None:
        await house.stripe.do("win_dispute", dispute=opened["id"])
        await house.deliver(*await house.stripe.events("charge.dispute.closed"), process=house.another())

    await settled_late(house, created, "GET /v1/disputes/", it_is_won)
    assert (await dispute(house)).status == "won"
    assert (await house.order(bought.order)).attention == "", "the goods may leave"
    assert len(await house.messages("owner-attention")) == 1
    await house.check()


async def test_delayed_money_that_failed_meanwhile_is_not_awaited_again(house: House) -> None:
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    completed = await house.stripe.events("checkout.session.completed")

    async def it_fails() -> None:
        await house.stripe.do("fail", session=bought.session)
        failed = await house.stripe.events("checkout.session.async_payment_failed")
        await house.deliver(*failed, process=house.another())

    await settled_late(house, completed, "GET /v1/checkout/sessions/", it_fails)
    assert await house.state(bought.order) == FAILED
    assert await house.stock(thing) == (5, 0), "nothing is held for it"
    assert not await house.messages("order-awaiting")
    await house.check()


async def test_a_failure_that_is_heard_of_once_more_leaves_the_next_payment_alone(house: House) -> None:
    """The order is being paid again when Stripe repeats, under another id, that the first payment failed."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    assert (await bought.shopper.post(f"/orders/{token}/pay", {})).status == 303
    assert await house.stock(thing) == (5, 1)
    (failed,) = await house.stripe.events("checkout.session.async_payment_failed")
    await house.deliver({**failed, "id": "evt_again"})
    assert await house.stock(thing) == (5, 1), "the page that is open keeps what it holds"
    assert len(await house.messages("payment-failed")) == 1
    await house.check()
