"""Orders that expire, are cancelled or run out of time while they are paid: in every order, and both at once."""

import asyncio

from storefront.orders.models import (
    CANCELLED,
    PAID,
    PENDING,
)
from storefront.payments.giveup import give_up
from tests.faults.house import Bought, House


async def test_expired_after_paid_changes_nothing(house: House) -> None:
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    (completed,) = await house.stripe.events("checkout.session.completed")
    session = {**completed["data"]["object"], "status": "expired", "payment_status": "unpaid"}
    late = {**completed, "id": "evt_late", "type": "checkout.session.expired", "data": {"object": session}}
    assert await house.deliver(late) == [200]
    assert await house.state(bought.order) == PAID
    await house.check()


async def cancelled_though_paid(house: House, bought: Bought) -> None:
    """The order is given up although its page was paid: an `expired` that never was, then the truth."""
    (completed,) = await house.stripe.events("checkout.session.completed")
    session = {**completed["data"]["object"], "status": "expired", "payment_status": "unpaid"}
    await house.deliver(
        {**completed, "id": "evt_x", "type": "checkout.session.expired", "data": {"object": session}}
    )
    assert await house.state(bought.order) == CANCELLED


async def test_paid_after_expired_takes_the_stock_again(house: House) -> None:
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    await cancelled_though_paid(house, bought)
    assert await house.stock(thing) == (1, 0)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    assert await house.stock(thing) == (0, 0)
    assert "late-paid" in await house.story(bought.order)
    await house.check()


async def test_paid_after_expired_with_the_stock_gone_is_refunded_once_and_both_are_told(
    house: House,
) -> None:
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    await cancelled_though_paid(house, bought)
    other = await house.buy(thing)
    await house.stripe.do("pay", session=other.session)
    await house.deliver_new()
    await asyncio.gather(house.shop.work("refund"), house.another().work("refund"))
    await house.deliver_new()
    late = await house.order(bought.order)
    assert (late.state, late.refunded_amount, late.attention) == (CANCELLED, late.total, "")
    assert await house.state(other.order) == PAID
    assert len(await house.messages("late-money")) == 1
    assert [one.recipient for one in await house.messages("owner-attention")] == [
        house.shop.settings.shop_email
    ]
    assert len(await house.stripe.objects("refund")) == 1
    await house.check()


async def test_payment_after_the_shopper_cancelled_elsewhere(house: House) -> None:
    """The page is paid in the moment in which the order is cancelled: Stripe's word decides."""
    bought = await house.buy(await house.thing())
    order = await house.order(bought.order)
    await house.stripe.do("pay", session=bought.session)
    answer = await bought.shopper.post(f"/orders/{order.token}/cancel", {})
    assert answer.status == 303
    assert await house.state(bought.order) == PAID
    await house.deliver_new()
    await house.check()


async def test_the_hold_runs_out_while_paying(house: House) -> None:
    """Stripe is asked before anything is handed back; what it says decides."""
    thing = await house.thing(on_hand=1)
    paid, idle = await house.buy(thing), await house.buy(await house.thing(on_hand=1))
    await house.stripe.do("pay", session=paid.session)
    house.pass_time(minutes=60)
    await house.shop.work("release_holds")
    assert await house.state(paid.order) == PAID
    assert await house.state(idle.order) == CANCELLED
    assert (await house.stripe.session(idle.session))["status"] == "expired"
    await house.deliver_new()
    await house.check()


async def test_the_hold_outlasts_a_stripe_that_does_not_answer(house: House) -> None:
    """A page that somebody saw may have been paid: its goods stay set aside until Stripe has been asked."""
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    house.pass_time(minutes=90)
    await house.stripe.fault("* *", "reset", times=None)
    await house.shop.work("release_holds")
    assert (await house.state(bought.order), await house.stock(thing)) == (PENDING, (1, 1))
    await house.stripe.heal()
    await house.shop.work("release_holds")
    assert (await house.state(bought.order), await house.stock(thing)) == (CANCELLED, (1, 0))
    await house.check()


async def test_goods_stay_held_while_a_page_may_still_come_to_be(house: House) -> None:
    """Stripe never answered and lists no such page; the request may be on its way to it yet."""
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    house.pass_time(minutes=20)
    assert (await shopper.post(f"/orders/{order.token}/cancel", {})).status == 503
    house.pass_time(minutes=30)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (PENDING, (1, 1))
    assert house.stripe.asked("GET /v1/checkout/sessions") == 2
    house.pass_time(minutes=6)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (CANCELLED, (1, 0))
    await house.check()


async def test_the_end_of_an_unknown_page_is_not_that_of_the_page_that_is_asked_for(house: House) -> None:
    """Stripe tells of a page that names an attempt which we do not have. Ours, whose answer was lost, may still be."""
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    (asking,) = await house.attempts(order.id)
    stranger = {**asking.parameters, "metadata": {**asking.parameters["metadata"], "attempt": "stranger"}}
    made = await house.shop.gateway.create_session(stranger, "stranger")
    await house.stripe.do("expire", session=made.id)
    await house.deliver_new()
    assert (await house.state(order.id), await house.stock(thing)) == (PENDING, (1, 1))
    ours, other = await house.attempts(order.id)
    assert (ours.key, ours.state, ours.session_id) == (asking.key, "asking", None)
    assert other.session_id == made.id
    bought = await house.placed(shopper, await shopper.order())
    assert (bought.order, bought.session != made.id) == (order.id, True)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(order.id) == PAID
    await house.check()


async def test_an_order_that_is_paid_again_meanwhile_is_not_cancelled(house: House) -> None:
    """Stripe says that there is no page of the order. Until that is written down another tab asks for a new one."""
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    slow = house.stripe.hold("POST /v1/checkout/sessions")
    giving_up = asyncio.create_task(
        give_up(house.database, house.shop.gateway, house.shop.settings, order.id)
    )
    await slow.reached()
    tab = house.same_shopper(shopper, house.another())
    await house.stripe.fault("POST /v1/checkout/sessions", "500")
    assert (await tab.post(f"/orders/{order.token}/pay", {})).status == 503
    new = house.stripe.hold("POST /v1/checkout/sessions")
    paying = asyncio.create_task(tab.post(f"/orders/{order.token}/pay", {}))
    await new.reached()
    slow.let_on()
    assert await giving_up == PENDING
    assert await house.stock(thing) == (1, 1)
    new.let_on()
    bought = await house.placed(tab, await paying)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(order.id) == PAID
    await house.check()


async def test_a_page_that_stripe_does_not_know_does_not_hold_stock_for_ever(house: House) -> None:
    """Another account's key, or a sandbox that was thrown away: after its own end no page can be paid."""
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.sandbox.store.write(lambda books: books.remove(bought.session))
    house.pass_time(minutes=46)
    await house.shop.work("release_holds", "close_pages")
    assert await house.state(bought.order) == PENDING
    house.pass_time(minutes=15)
    await house.shop.work("release_holds", "close_pages")
    found = await house.order(bought.order)
    assert found.state == CANCELLED
    assert found.attention
    assert await house.stock(thing) == (1, 0)
