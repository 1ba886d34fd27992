"""Declined cards, delayed money, and orders that are paid again, or twice."""

import pytest

from storefront.orders.models import (
    AWAITING,
    CANCELLED,
    FAILED,
    PAID,
    PENDING,
    Order,
)
from storefront.payments.giveup import give_up
from storefront.payments.missed import missed_sessions
from tests.faults.house import House, Obj


async def test_failed_payments_keep_their_reason_and_the_page_stays_open(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("decline", session=bought.session, reason="insufficient_funds")
    await house.deliver_new()
    order = await house.order(bought.order)
    assert order.state == PENDING
    assert "insufficient funds" in order.decline_reason
    assert "insufficient funds" in (await house.page(bought.order)).words
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.decline_reason) == (PAID, "")
    await house.check()


DELAYED = {
    "comes": ("settle", PAID),
    "does not come": ("fail", FAILED),
}


@pytest.mark.parametrize("end", DELAYED)
async def test_delayed_money_in_every_order(house: House, end: str) -> None:
    for order in ("as they happened", "reversed", "shuffled"):
        await _delayed_money(house, end, order)
    await house.check()


async def _delayed_money(house: House, end: str, order: str) -> None:
    thing = await house.thing()
    told = len(await house.messages("payment-failed"))
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    if order == "as they happened":
        await house.deliver_new()
        assert await house.state(bought.order) == AWAITING
        assert await house.stock(thing) == (5, 1)
        assert await house.in_cart(bought.order) == {}
    action, state = DELAYED[end]
    await house.stripe.do(action, session=bought.session)
    await house.deliver_new(order=order)
    assert await house.state(bought.order) == state
    assert await house.stock(thing) == ((4, 0) if state == PAID else (5, 0))
    every = await house.stripe.events()
    await house.deliver(*every)
    assert await house.state(bought.order) == state
    assert len(await house.messages("payment-failed")) == told + (state == FAILED)


async def test_the_same_thing_put_into_the_cart_again_while_the_money_is_on_its_way_stays_in_it(
    house: House,
) -> None:
    """What was bought has left the cart when the money was promised, and does not leave it once more."""
    thing = await house.thing()
    bought = await house.buy(thing, quantity=2)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    assert await house.in_cart(bought.order) == {}
    await bought.shopper.add(thing)
    await house.stripe.do("settle", session=bought.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    assert await house.in_cart(bought.order) == {thing.variant_id: 1}
    await house.check()


async def test_goods_wait_for_delayed_money_without_an_end(house: House) -> None:
    """A bank may take two weeks. Only Stripe says whether the money comes."""
    thing = await house.thing()
    bought = await house.buy(thing)
    assert (await house.order(bought.order)).hold_until is not None
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    assert (await house.order(bought.order)).hold_until is None
    house.pass_time(days=14)
    await house.shop.work("release_holds", "close_pages")
    assert (await house.state(bought.order), await house.stock(thing)) == (AWAITING, (5, 1))
    await house.stripe.do("settle", session=bought.session)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.hold_until) == (PAID, None)
    await house.check()


@pytest.mark.parametrize("road", ["webhook", "return page", "reconciler", "lists"])
async def test_a_payment_that_comes_as_its_id_alone_is_read_by_itself(house: House, road: str) -> None:
    """A proxy, or another double of Stripe, may not expand what it was asked to."""

    async def plain(call: str, answer: Obj) -> Obj:
        if call.startswith("GET /v1/checkout/sessions"):
            for session in answer.get("data", [answer]):
                if isinstance(session["payment_intent"], dict):
                    session["payment_intent"] = session["payment_intent"]["id"]
        return answer

    house.stripe.change = plain
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session, fails=True)
    await house.deliver_new()
    assert await house.state(bought.order) == AWAITING
    await house.stripe.do("fail", session=bought.session)
    if road == "webhook":
        await house.deliver_new()
    elif road == "return page":
        await house.come_back(bought)
    elif road == "reconciler":
        await house.stripe.forget_events()
        await house.shop.work("reconcile_now_and_then")
    else:
        report: list[Obj] = []
        await missed_sessions(house.database, house.shop.gateway, house.shop.settings, 0, report)
        assert [row["outcome"] for row in report] == ["failed"]
    assert await house.state(bought.order) == FAILED
    assert len(await house.messages("payment-failed")) == 1
    await house.check(at_rest=False)


async def test_a_failed_order_is_paid_again_by_a_new_attempt(house: House) -> None:
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session, fails=True)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    again = await house.placed(bought.shopper, await bought.shopper.post(f"/orders/{token}/pay", {}))
    assert again.order == bought.order
    assert again.session != bought.session
    assert await house.stock(thing) == (1, 1)
    await house.stripe.do("pay_delayed", session=again.session)
    await house.deliver_new()
    assert await house.state(bought.order) == AWAITING
    await house.deliver(*await house.stripe.events())
    assert await house.state(bought.order) == AWAITING
    await house.stripe.do("settle", session=again.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_second_attempt_that_fails_too_is_told_too(house: House) -> None:
    """Its `completed` never arrives before it has failed, so the order goes from failed to failed."""
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    again = await house.placed(bought.shopper, await bought.shopper.post(f"/orders/{token}/pay", {}))
    await house.stripe.do("pay_delayed", session=again.session)
    await house.stripe.do("fail", session=again.session)
    await house.deliver_new(order="reversed")
    assert await house.state(bought.order) == FAILED
    assert await house.stock(thing) == (1, 0)
    assert len(await house.messages("payment-failed")) == 2
    await house.check()


async def test_paying_a_failed_order_again_when_its_goods_are_gone_is_refused(house: House) -> None:
    thing = await house.thing(on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    await house.buy(thing)
    token = (await house.order(bought.order)).token
    answer = await bought.shopper.post(f"/orders/{token}/pay", {})
    assert answer.status == 409
    await house.check()


async def test_a_failed_order_bought_anew_from_the_cart_empties_the_cart(house: House) -> None:
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    again = await house.buy(thing, shopper=bought.shopper)
    assert again.order == bought.order
    await house.stripe.do("pay", session=again.session)
    await house.deliver_new()
    assert await house.in_cart(bought.order) == {}
    await house.check()


async def test_two_pages_of_one_order_both_paid_the_second_is_refunded(house: House) -> None:
    """A 500 that Stripe stored hid the first page; somebody found it all the same."""
    thing = await house.thing()
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "500", "after")
    assert (await shopper.order()).status == 503
    second = await house.placed(shopper, await shopper.order())
    sessions = await house.stripe.objects("checkout.session")
    assert len(sessions) == 2
    for session in sessions:
        await house.stripe.do("pay", session=session["id"])
    await house.deliver_new(order="shuffled")
    await house.shop.work("refund")
    await house.deliver_new()
    assert await house.state(second.order) == PAID
    assert sum(one["amount"] for one in await house.stripe.objects("refund")) == 1500
    order = await house.order(second.order)
    assert order.refunded_amount == 0
    await house.check()


async def test_a_late_payment_after_an_earlier_one_was_refunded_pays_the_order(house: House) -> None:
    """Two pages, both paid late: the first money went back for want of stock, then stock came back."""
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "500", "after")
    await shopper.order()
    second = await house.placed(shopper, await shopper.order())
    hidden = next(
        one["id"] for one in await house.stripe.objects("checkout.session") if one["id"] != second.session
    )
    house.pass_time(minutes=60)
    async with house.database.reads() as session:
        order_id = second.order
        assert await session.get(Order, order_id)
    await give_up(house.database, house.shop.gateway, house.shop.settings, order_id)
    rival = await house.buy(thing)
    await house.stripe.do("pay", session=hidden)
    await house.deliver_new()
    await house.shop.work("refund")
    order = await house.order(order_id)
    assert (order.state, order.refunded_amount) == (CANCELLED, 1500)
    await house.check()
    await give_up(house.database, house.shop.gateway, house.shop.settings, rival.order)
    (session_paid,) = [
        one
        for one in await house.stripe.events("checkout.session.completed")
        if one["data"]["object"]["id"] == hidden
    ]
    other = {**session_paid["data"]["object"], "id": "cs_test_third", "payment_intent": "pi_third"}
    await house.deliver({**session_paid, "id": "evt_third", "data": {"object": other}})
    order = await house.order(order_id)
    assert (order.state, order.refunded_amount, order.payment_intent) == (PAID, 0, "pi_third")
