"""Payments that do not fit their order: other amounts, currencies, modes, and what staff decide then."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from storefront.database import now
from storefront.orders.change import resolve
from storefront.orders.find import LINK, ask_for_link
from storefront.orders.models import (
    CANCELLED,
    PENDING,
    Order,
    PaymentAttempt,
)
from storefront.payments.giveup import give_up
from storefront.payments.reconcile import reconcile
from storefront.payments.refund import NotRefundable, ask_for_refund
from tests.faults.house import Bought, House, Obj


async def test_an_amount_or_currency_that_is_off_stands_before_staff(house: House) -> None:
    thing = await house.thing(price=1500)
    changes: list[Obj] = [{"amount_total": 1400}, {"amount_total": 1600}, {"currency": "eur"}]
    for number, change in enumerate(changes, 1):
        bought = await house.buy(thing)
        await house.stripe.do("pay", session=bought.session)
        completed = (await house.stripe.events("checkout.session.completed"))[-1]
        completed["data"]["object"] |= change
        twin = {**completed, "id": f"evt_{number}"}
        assert await house.deliver(completed, completed, twin) == [200] * 3
        order = await house.order(bought.order)
        assert order.state == PENDING
        assert order.attention
        assert len(await house.messages("owner-attention")) == number
        assert (await house.story(bought.order)).count("mismatch") == 1
    await house.check()


async def test_delayed_money_of_an_amount_that_is_off_is_not_waited_for(house: House) -> None:
    """Its page is complete and nothing is paid yet: the shopper is not told that the right money is on its way."""
    bought = await house.buy(await house.thing(price=1500))
    await house.stripe.do("pay_delayed", session=bought.session)
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        order.subtotal, order.total = order.subtotal + 1, order.total + 1
    await house.deliver_new()
    await house.come_back(bought)
    order = await house.order(bought.order)
    assert (order.state, "1500" in order.attention) == (PENDING, True)
    assert (await house.story(bought.order)).count("mismatch") == 1
    assert not await house.messages("order-awaiting")
    await house.check()


async def test_an_amount_that_is_off_waits_for_staff_and_ends_with_what_they_decide(house: House) -> None:
    """Stripe is not asked about it again and again, the goods stay held, nobody pays twice, and what was decided
    stays decided."""
    thing = await house.thing(on_hand=5)
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        order.subtotal, order.total = order.subtotal + 1, order.total + 1
    await house.deliver_new()
    house.pass_time(minutes=90)
    before = len(house.stripe.calls)
    for _ in range(3):
        await house.shop.work("release_holds", "close_pages")
    assert len(house.stripe.calls) == before
    order = await house.order(bought.order)
    assert (order.state, await house.stock(thing)) == (PENDING, (5, 1))
    paying = await bought.shopper.post(f"/orders/{order.token}/pay", {})
    assert paying.location == f"/orders/{order.token}"
    shop = house.shop
    await give_up(shop.database, shop.gateway, shop.settings, bought.order, decided=True)
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        assert resolve(order) == []
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.deliver({**completed, "id": "evt_again"})
    assert (await house.order(bought.order)).attention == ""
    await house.shop.work("release_holds")
    assert (await house.state(bought.order), await house.stock(thing)) == (CANCELLED, (5, 0))


async def pay_what_does_not_fit(house: House, bought: Bought) -> None:
    """The shopper pays, and the amount is not the order's."""
    await house.stripe.do("pay", session=bought.session)
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        order.subtotal, order.total = order.subtotal + 1, order.total + 1


@pytest.mark.parametrize("heard", ["by webhook", "not yet"])
@pytest.mark.parametrize("then", ["another note", "something more", "cancelled by the shopper"])
async def test_an_order_whose_payment_does_not_fit_is_neither_replaced_nor_cancelled(
    house: House, heard: str, then: str
) -> None:
    """Or its shopper would pay twice, and be told that nothing is owed."""
    thing, other = await house.thing(), await house.thing()
    bought = await house.buy(thing)
    await pay_what_does_not_fit(house, bought)
    page = f"/orders/{(await house.order(bought.order)).token}"
    form = await bought.shopper.get("/checkout")
    if heard == "by webhook":
        await house.deliver_new()
    if then == "cancelled by the shopper":
        assert (await bought.shopper.post(f"{page}/cancel", {})).location == page
    elif then == "something more":
        await bought.shopper.add(other)
        answer = await bought.shopper.order()
        # What was bought has left the cart: the other thing is an order of its own.
        assert (answer.location == page) == (heard == "not yet")
    else:
        answer = await bought.shopper.order_from(form, note="Please ring twice")
        assert answer.location == ("/cart" if heard == "by webhook" else page)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, bool(order.attention)) == (PENDING, True)
    assert await house.stock(thing) == (5, 1)
    assert [one.state for one in await house.attempts(bought.order)] == ["complete"]
    cart = await bought.shopper.get("/cart")
    assert thing.slug not in cart.text
    newer = [one for one in await house.orders() if one.id != bought.order]
    for one in newer:
        assert await house.stock(other) == (5, 1)
        assert one.total == other.price
    await house.check()


async def test_the_page_of_an_order_whose_payment_does_not_fit_says_so(house: House) -> None:
    bought = await house.buy(await house.thing())
    await pay_what_does_not_fit(house, bought)
    await house.deliver_new()
    page = await house.page(bought.order)
    for words in ("Your payment has reached us", "There is nothing more to pay", "write to you"):
        assert words in page.words
    for words in ("Waiting for your payment", "Held for you until", "Cancel the order", "Pay $"):
        assert words not in page.words
    token = (await house.order(bought.order)).token
    german = await house.shopper().get(f"/de/orders/{token}")
    assert "Your payment" not in german.words
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        ask_for_link(session, order.number, order.email, LINK)
    await house.shop.work("answer_questions")
    (link,) = await house.messages("order-link")
    assert "There is nothing more to pay" in link.data["state_text"]


@pytest.mark.parametrize("road", ["expired later", "worker", "id never stored"])
async def test_an_order_whose_payment_does_not_fit_does_not_expire(house: House, road: str) -> None:
    """Neither by an event of another page, nor by a worker who only learns of the payment when the hold has run out."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await pay_what_does_not_fit(house, bought)
    if road == "expired later":
        await house.deliver_new()
        async with house.database.writes() as session:
            late = now() + timedelta(minutes=5)
            other = PaymentAttempt(order_id=bought.order, key="other", parameters={}, expires_at=late)
            other.state, other.session_id = "open", "cs_test_other"
            session.add(other)
        (completed,) = await house.stripe.events("checkout.session.completed")
        changes = {"id": "cs_test_other", "status": "expired", "payment_status": "unpaid"}
        gone = {**completed["data"]["object"], **changes, "payment_intent": None}
        expired = {"id": "evt_other", "type": "checkout.session.expired", "data": {"object": gone}}
        assert await house.deliver({**completed, **expired}) == [200]
    elif road == "id never stored":
        async with house.database.writes() as session:
            (attempt,) = await session.scalars(select(PaymentAttempt))
            attempt.state, attempt.session_id, attempt.session_url = "asking", None, None
    await house.pass_time_everywhere(minutes=90)
    for _ in range(2):
        await house.shop.work("release_holds", "close_pages")
    order = await house.order(bought.order)
    assert (order.state, bool(order.attention)) == (PENDING, True)
    assert await house.stock(thing) == (5, 1)
    assert "complete" in [one.state for one in await house.attempts(bought.order)]
    house.pass_time(days=8)
    await house.shop.work("release_holds")
    assert await house.state(bought.order) == PENDING
    await house.check()


async def test_staff_give_up_an_order_whose_payment_does_not_fit(house: House) -> None:
    """They send the money back in Stripe's Dashboard, and cancel; until they have resolved it, its page promises
    nothing."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await pay_what_does_not_fit(house, bought)
    await house.deliver_new()
    (mail,) = await house.messages("owner-attention")
    assert "storefront orders cancel" in mail.data["what_to_do"]
    async with house.database.writes() as session:
        order = await session.get_one(Order, bought.order)
        with pytest.raises(NotRefundable, match="Dashboard"):
            await ask_for_refund(session, order, None)
        assert resolve(order) != [], "its page would offer to pay again"
    assert "nothing more to pay" in (await house.page(bought.order)).words
    shop = house.shop
    state = await give_up(shop.database, shop.gateway, shop.settings, bought.order, decided=True)
    assert (state, await house.stock(thing)) == (CANCELLED, (5, 0))
    assert "nothing is owed" not in (await house.page(bought.order)).words
    async with house.database.writes() as session:
        assert resolve(await session.get_one(Order, bought.order)) == []
    assert "nothing is owed" in (await house.page(bought.order)).words


@pytest.mark.parametrize("road", ["return page", "reconciler"])
async def test_a_payment_of_the_other_mode_stands_before_staff(house: House, road: str) -> None:
    """The keys were changed from test to live, or back, while somebody was paying."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    await house.stripe.forget_events()

    async def other_mode(call: str, answer: Obj) -> Obj:
        if call.startswith("GET /v1/checkout/sessions"):
            for session in answer.get("data", [answer]):
                session["livemode"] = True
        return answer

    house.stripe.change = other_mode
    for _ in range(2):
        if road == "return page":
            assert (await house.come_back(bought)).status == 303
        else:
            await reconcile(house.database, house.shop.gateway, house.shop.settings)
    order = await house.order(bought.order)
    assert (order.state, order.payment_intent) == (PENDING, None)
    assert "mode" in order.attention
    assert await house.stock(thing) == (5, 1)
    assert [one.paid_at for one in await house.attempts(bought.order)] == [None]
    assert len(await house.messages("owner-attention")) == 1
    assert not await house.messages("order-paid")
    house.stripe.change = None
    await house.check()


async def test_a_page_that_asks_for_something_else_is_never_shown(house: House) -> None:
    """Stripe's answer is compared before anybody is sent there, and the page is closed."""
    thing = await house.thing(price=1500)
    changes: list[Obj] = [{"amount_total": 1400}, {"currency": "eur"}, {"livemode": True}]
    for number, change in enumerate(changes, 1):
        shopper = house.shopper()
        await shopper.add(thing)

        async def other(call: str, answer: Obj, change: Obj = change) -> Obj:
            return answer | change if call == "POST /v1/checkout/sessions" else answer

        house.stripe.change = other
        assert (await shopper.order()).status == 503
        order = (await house.orders())[-1]
        assert (order.state, bool(order.attention)) == (PENDING, True)
        house.stripe.change = None
        assert (await house.stripe.objects("checkout.session"))[-1]["status"] == "expired"
        await house.deliver_new()
        assert (await house.order(order.id)).attention == order.attention
        assert len(await house.messages("owner-attention")) == number
        assert (await shopper.order()).status == 303
    await house.check()
