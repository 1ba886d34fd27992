"""A discount from the cart to the money: agreed, asked of Stripe, charged once, counted once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from storefront.cart.models import Cart
from storefront.orders.models import CANCELLED, FAILED, PAID, Order
from tests.faults.house import Bought, House
from tests.promotions.codes import end, enter, offer, sums
from tests.shop import Shopper


async def with_code(house: House, code: str = "SPRING", *, price: int = 2550) -> Shopper:
    """A shopper with two things and a code in the cart."""
    shopper = house.shopper()
    await shopper.add(await house.thing(price=price, on_hand=90, delivered=True), 2)
    await enter(shopper, code)
    return shopper


async def bought(house: House) -> Bought:
    shopper = await with_code(house)
    return await house.placed(shopper, await shopper.order())


async def code_in_cart(house: House) -> list[int | None]:
    async with house.database.reads() as session:
        return list(await session.scalars(select(Cart.promotion_id).order_by(Cart.id)))


async def test_the_order_keeps_what_came_off(house: House) -> None:
    promotion = await offer(house)
    shopper = await with_code(house)
    form = await shopper.get("/checkout")
    assert sums(form)["Discount SPRING"] == "-$10.20"
    assert form.element("pay").text.startswith("Pay $45.80 now")
    placed = await house.placed(shopper, await shopper.order())
    order = await house.order(placed.order)
    assert (order.subtotal, order.discount, order.shipping, order.total) == (5100, 1020, 500, 4580)
    assert (order.promotion_id, order.promotion_code) == (promotion.id, "SPRING")
    session = await house.stripe.session(placed.session)
    assert (session["amount_subtotal"], session["amount_total"]) == (5600, 4580)
    (coupon,) = await house.stripe.objects("coupon")
    assert (coupon["amount_off"], coupon["currency"], coupon["duration"]) == (1020, "usd", "once")
    assert (coupon["max_redemptions"], coupon["name"]) == (1, "SPRING")
    assert coupon["metadata"]["order_id"] == order.reference
    await house.stripe.do("pay", session=placed.session)
    await house.deliver_new()
    assert await house.state(placed.order) == PAID
    page = await house.page(placed.order)
    assert sums(page) == {
        "Subtotal": "$51.00",
        "Discount SPRING": "-$10.20",
        "Post": "$5.00",
        "Total": "$45.80 USD",
    }
    await house.shop.work("send_messages")
    letters = [file.read_text() for file in house.shop.settings.outbox_dir.glob("*.eml")]
    assert len([one for one in letters if "Discount SPRING" in one]) == 2, "the shopper's and the owner's"
    assert await code_in_cart(house) == [None], "it went with what was bought"
    await house.check()


async def test_without_a_code_stripe_is_asked_for_no_coupon(house: House) -> None:
    await house.buy(await house.thing())
    assert not house.stripe.asked("POST /v1/coupons")


async def test_a_free_order_needs_no_stripe(house: House) -> None:
    await offer(house, percent=100)
    shopper = house.shopper()
    await shopper.add(await house.thing(price=1500))
    await enter(shopper, "SPRING")
    answer = await shopper.order()
    assert "/orders/" in answer.location
    (order,) = await house.orders()
    assert (order.state, order.total, order.discount) == (PAID, 0, 1500)
    assert not house.stripe.calls
    await house.check()


async def test_what_is_left_to_pay_must_be_enough_for_stripe(house: House) -> None:
    await offer(house, amount=1480)
    shopper = house.shopper()
    await shopper.add(await house.thing(price=1500))
    cart = await enter(shopper, "SPRING")
    assert "An order must come to $0.50 at least" in cart.words
    assert (await shopper.get("/checkout")).location == "/cart"


async def test_a_code_that_ends_before_the_press_is_agreed_to_anew(house: House) -> None:
    await offer(house)
    shopper = await with_code(house)
    form = await shopper.get("/checkout")
    await end(house)
    answer = await shopper.order_from(form)
    assert answer.status == 409
    assert "The total has changed from $45.80 to $56.00." in answer.words
    assert "The code SPRING has ended." in answer.words
    assert answer.element("email").attrs["value"]
    assert not await house.orders()
    placed = await house.placed(shopper, await shopper.order())
    order = await house.order(placed.order)
    assert (order.discount, order.promotion_id, order.promotion_code, order.total) == (0, None, "", 5600)


async def test_the_last_use_goes_to_one_of_many(house: House) -> None:
    await offer(house, most_orders=2)
    shoppers = [await with_code(house) for _ in range(6)]
    forms = [await one.get("/checkout") for one in shoppers]
    other = house.another()
    asked = [
        house.same_shopper(one, other if number % 2 else None).order_from(form)
        for number, (one, form) in enumerate(zip(shoppers, forms, strict=True))
    ]
    answers = await asyncio.gather(*asked)
    assert sorted(one.status for one in answers) == [303, 303, 409, 409, 409, 409]
    refused = next(one for one in answers if one.status == 409)
    assert "The code SPRING has been used up." in refused.words
    assert "The total has changed from $45.80 to $56.00." in refused.words
    assert sorted(order.discount for order in await house.orders()) == [1020, 1020]
    await house.check()


async def test_a_second_press_and_an_edited_order_use_it_once(house: House) -> None:
    await offer(house, most_orders=1)
    first = await bought(house)
    again = await first.shopper.order()
    assert again.location == first.answer.location, "the same order"
    assert "used up" not in (await first.shopper.get("/cart")).words
    replaced = await house.placed(first.shopper, await first.shopper.order(note="Please ring twice."))
    assert replaced.order != first.order
    assert await house.state(first.order) == CANCELLED
    assert (await house.order(replaced.order)).discount == 1020
    await house.check()


async def test_an_order_that_is_given_up_gives_its_use_back(house: House) -> None:
    await offer(house, most_orders=1)
    first = await bought(house)
    second = await with_code(house, "NONE")
    assert "The code SPRING has been used up." in (await enter(second, "SPRING")).words
    token = (await house.order(first.order)).token
    await first.shopper.post(f"/orders/{token}/cancel", {})
    assert await house.state(first.order) == CANCELLED
    assert sums(await enter(second, "SPRING"))["Discount"] == "-$10.20"
    placed = await house.placed(second, await second.order())
    assert (await house.order(placed.order)).discount == 1020
    await house.check()


async def test_late_money_is_honoured_with_its_discount(house: House) -> None:
    await offer(house, most_orders=1)
    first = await bought(house)
    await house.stripe.do("pay", session=first.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    session = {**completed["data"]["object"], "status": "expired", "payment_status": "unpaid"}
    late = {**completed, "id": "evt_x", "type": "checkout.session.expired", "data": {"object": session}}
    await house.deliver(late)
    assert await house.state(first.order) == CANCELLED
    await house.deliver_new()
    assert await house.state(first.order) == PAID
    assert (await house.order(first.order)).total == 4580
    await house.check()


async def test_a_delayed_payment_that_fails_is_paid_again_with_a_coupon_of_its_own(house: House) -> None:
    """The first coupon is used up by the session that completed."""
    await offer(house, most_orders=1)
    first = await bought(house)
    await house.stripe.do("pay_delayed", session=first.session)
    await house.deliver_new()
    assert await code_in_cart(house) == [None]
    await house.stripe.do("fail", session=first.session)
    await house.deliver_new()
    assert await house.state(first.order) == FAILED
    token = (await house.order(first.order)).token
    again = await first.shopper.post(f"/orders/{token}/pay", {})
    session_id = again.location.rpartition("/")[2]
    assert session_id != first.session
    coupons = await house.stripe.objects("coupon")
    assert [one["amount_off"] for one in coupons] == [1020, 1020]
    await house.stripe.do("pay", session=session_id)
    await house.deliver_new()
    assert await house.state(first.order) == PAID
    await house.check()


async def test_what_is_put_back_into_the_cart_has_its_code(house: House) -> None:
    await offer(house)
    first = await bought(house)
    token = (await house.order(first.order)).token
    await first.shopper.post(f"/orders/{token}/cancel", {})
    stranger = house.shopper()
    await stranger.post(f"/orders/{token}/reorder", {})
    assert sums(await stranger.get("/cart"))["Discount"] == "-$10.20"


@pytest.mark.parametrize("kind", ["reset", "cut", "500", "429"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_coupon_is_asked_for_until_it_is_there(house: House, kind: str, when: str) -> None:
    await offer(house)
    shopper = await with_code(house)
    await house.stripe.fault("POST /v1/coupons", kind, when, times=None)
    answer = await shopper.order()
    assert answer.status == 503
    assert not await house.stripe.objects("checkout.session")
    await house.stripe.heal()
    house.shop.gateway.breaker.worked()
    placed = await house.placed(shopper, await shopper.order())
    session = await house.stripe.session(placed.session)
    assert session["amount_total"] == 4580
    assert len(await house.orders()) == 1
    await house.stripe.do("pay", session=placed.session)
    await house.deliver_new()
    assert await house.state(placed.order) == PAID
    await house.check()


async def test_webhooks_and_the_return_page_at_once_settle_it_once(house: House) -> None:
    await offer(house)
    first = await bought(house)
    await house.stripe.do("pay", session=first.session)
    events = await house.stripe.events("checkout.session.completed")
    await asyncio.gather(house.deliver_at_once(*events, *events), house.come_back(first))
    assert await house.state(first.order) == PAID
    await house.check()


async def test_a_refund_gives_back_what_was_paid(house: House) -> None:
    await offer(house)
    first = await bought(house)
    await house.stripe.do("pay", session=first.session)
    await house.deliver_new()
    token = (await house.order(first.order)).token
    await first.shopper.post(f"/orders/{token}/cancel", {"paid": "yes"})
    await house.shop.work()
    await house.deliver_new()
    order: Order = await house.order(first.order)
    assert order.refunded_amount == order.total == 4580
    await house.check()


async def test_a_paid_order_that_is_called_off_gives_its_use_back(house: House) -> None:
    await offer(house, most_orders=1)
    first = await bought(house)
    await house.stripe.do("pay", session=first.session)
    await house.deliver_new()
    token = (await house.order(first.order)).token
    await first.shopper.post(f"/orders/{token}/cancel", {"paid": "yes"})
    second = await with_code(house, "NONE")
    assert sums(await enter(second, "SPRING"))["Discount"] == "-$10.20"


async def test_an_order_outlives_its_code(house: House) -> None:
    await offer(house)
    first = await bought(house)
    await end(house)
    house.pass_time(minutes=1)
    token = (await house.order(first.order)).token
    assert (await first.shopper.post(f"/orders/{token}/pay", {})).location == first.answer.location
    await house.stripe.do("pay", session=first.session)
    await house.deliver_new()
    assert await house.state(first.order) == PAID
    assert timedelta(0) < house.ahead


async def test_a_coupon_that_comes_late_leaves_no_page_open(house: House) -> None:
    """The order is given up while its coupon is being made."""
    await offer(house)
    shopper = await with_code(house)
    coupon = house.stripe.hold("POST /v1/coupons")
    ordering = asyncio.create_task(shopper.order())
    await coupon.reached()
    (order,) = await house.orders()
    other = house.another()
    await house.same_shopper(shopper, other).post(f"/orders/{order.token}/cancel", {})
    coupon.let_on()
    assert (await ordering).location == f"/orders/{order.token}"
    assert await house.state(order.id) == CANCELLED
    assert {one["status"] for one in await house.stripe.objects("checkout.session")} <= {"expired"}
    await house.check()
