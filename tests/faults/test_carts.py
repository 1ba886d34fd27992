"""Carts, prices and goods that change between ordering and paying, and orders that replace one another."""

import asyncio

import pytest
from sqlalchemy import update

from storefront.catalogue.models import Product, Variant
from storefront.checkout.place import MustReplace, Wanted, place
from storefront.orders.models import (
    CANCELLED,
    FAILED,
    PAID,
    PENDING,
)
from storefront.payments.giveup import PageClosed, close_page
from tests.faults.house import ORIGIN, House, Obj

REFUSED: Obj = {
    "error": {"type": "invalid_request_error", "message": "Only open Checkout Sessions can be expired."}
}


async def test_two_tabs_with_an_edited_cart_while_the_old_page_is_open(house: House) -> None:
    thing, other = await house.thing(), await house.thing()
    first = await house.buy(thing)
    second = await house.buy(other, shopper=house.same_shopper(first.shopper))
    assert await house.state(first.order) == CANCELLED
    assert (await house.stripe.session(first.session))["status"] == "expired"
    assert await house.stock(thing) == (5, 1)
    await house.stripe.do("pay", session=second.session)
    await house.deliver_new(order="shuffled")
    assert await house.state(second.order) == PAID
    await house.check()


async def test_the_old_page_was_paid_while_the_cart_was_edited(house: House) -> None:
    thing, other = await house.thing(), await house.thing()
    first = await house.buy(thing)
    await house.stripe.do("pay", session=first.session)
    await first.shopper.add(other)
    answer = await first.shopper.order()
    paid = await house.order(first.order)
    assert answer.location == f"/orders/{paid.token}"
    assert paid.state == PAID
    assert await house.in_cart(first.order) == {other.variant_id: 1}
    await house.deliver_new()
    await house.check()


async def test_the_old_pages_debit_had_failed_while_the_cart_was_edited(house: House) -> None:
    """Nobody has told the shop yet. Whoever orders the new cart is shown the failed order, not led to pay for it."""
    first, second = await house.thing(), await house.thing(price=4000)
    old = await house.buy(first)
    await house.stripe.do("pay_delayed", session=old.session)
    await house.stripe.do("fail", session=old.session)
    await old.shopper.add(second)
    answer = await old.shopper.order()
    assert (answer.status, answer.location) == (303, f"/orders/{(await house.order(old.order)).token}")
    assert await house.state(old.order) == FAILED
    assert "The payment did not arrive" in (await house.page(old.order)).words
    new = await house.placed(old.shopper, await old.shopper.order())
    assert (new.order != old.order, (await house.order(new.order)).total) == (True, 4000)
    await house.stripe.do("pay", session=new.session)
    await house.deliver_new()
    assert await house.state(new.order) == PAID
    await house.check()


async def test_a_page_that_another_tab_opened_meanwhile_is_closed_before_its_order_is_replaced(
    house: House,
) -> None:
    """Which page was closed is said when the order is replaced, and a newer one is closed first."""
    thing, other = await house.thing(), await house.thing()
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "500")
    assert (await shopper.order()).status == 503
    (old,) = await house.orders()
    closed = await close_page(house.database, house.shop.gateway, house.shop.settings, old.id)
    assert closed == PageClosed(old.id, None)
    tab = house.same_shopper(shopper)
    opened = await house.placed(tab, await tab.post(f"/orders/{old.token}/pay", {}))
    assert opened.order == old.id
    await shopper.add(other)
    wanted = Wanted("anna@example.org", "Anna", "", None, None, "", None, ORIGIN)
    assert old.cart_id is not None
    async with house.database.writes() as session:
        with pytest.raises(MustReplace):
            await place(session, house.shop.settings, old.cart_id, wanted, replacing=closed)
    assert await house.state(old.id) == PENDING
    assert (await shopper.order()).status == 303
    assert (await house.stripe.session(opened.session))["status"] == "expired"
    await house.check()


@pytest.mark.parametrize("how", ["400", "500"])
async def test_a_page_that_stripe_does_not_close_keeps_its_order_and_its_goods(
    house: House, how: str
) -> None:
    """Whatever Stripe says of closing it: while the page reads as open it may be paid."""
    thing, other = await house.thing(), await house.thing()
    first = await house.buy(thing)
    await first.shopper.add(other)

    async def refused(call: str, answer: Obj) -> Obj:
        if call.endswith("/expire"):
            return REFUSED
        return answer | {"status": "open"} if call.startswith("GET /v1/checkout/sessions/") else answer

    if how == "400":
        house.stripe.change = refused
    else:
        await house.stripe.fault("POST /v1/checkout/sessions/*/expire", "500", times=2)
    assert (await first.shopper.order()).status == 503
    assert [one.state for one in await house.orders()] == [PENDING]
    assert await house.stock(thing) == (5, 1)
    assert [one.state for one in await house.attempts(first.order)] == ["open"]
    house.stripe.change = None
    second = await house.placed(first.shopper, await first.shopper.order())
    assert await house.state(first.order) == CANCELLED
    assert await house.state(second.order) == PENDING
    await house.check()


async def test_an_address_corrected_after_back_replaces_the_order(house: House) -> None:
    thing = await house.thing(delivered=True)
    first = await house.buy(thing)
    second = await house.placed(first.shopper, await first.shopper.order(address_line1="13 Mill Lane"))
    assert second.order != first.order
    assert (await house.order(second.order)).address["address_line1"] == "13 Mill Lane"  # type: ignore[index]
    assert await house.state(first.order) == CANCELLED
    assert await house.stock(thing) == (5, 1)
    await house.stripe.do("pay", session=second.session)
    await house.deliver_new()
    await house.check()


async def test_an_order_may_replace_its_own_last_piece(house: House) -> None:
    thing = await house.thing(on_hand=1, delivered=True)
    first = await house.buy(thing)
    second = await house.placed(first.shopper, await first.shopper.order(name="Anna L."))
    assert await house.stock(thing) == (1, 1)
    assert await house.state(second.order) == PENDING
    await house.check()


async def test_what_is_added_to_the_cart_while_paying_stays_in_it(house: House) -> None:
    thing, other = await house.thing(), await house.thing()
    bought = await house.buy(thing)
    await bought.shopper.add(thing, 2)
    await bought.shopper.add(other)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.in_cart(bought.order) == {thing.variant_id: 2, other.variant_id: 1}
    await house.check()


async def test_a_double_click_and_a_reload_are_one_order_with_one_page(house: House) -> None:
    shopper = house.shopper()
    await shopper.add(await house.thing())
    tabs = [house.same_shopper(shopper, process) for process in (house.shop, house.another()) * 3]
    answers = await asyncio.gather(*(tab.order() for tab in tabs))
    again = await shopper.order()
    assert {answer.location for answer in answers if answer.status == 303} == {again.location}
    assert {answer.status for answer in answers} <= {303, 503}
    assert len(await house.orders()) == 1
    assert len(await house.stripe.objects("checkout.session")) == 1
    await house.check()


@pytest.mark.parametrize("price", [1500, 0])
async def test_a_second_tab_and_a_repost_after_payment_find_the_order(house: House, price: int) -> None:
    shopper = house.shopper()
    await shopper.add(await house.thing(price=price))
    tab, late = house.same_shopper(shopper, house.another()), house.same_shopper(shopper)
    page = await tab.get("/checkout")
    answer = await shopper.order()
    if price:
        await house.stripe.do("pay", session=(await house.placed(shopper, answer)).session)
        await house.deliver_new()
    (order,) = await house.orders()
    assert order.state == PAID
    for _again in range(2):
        assert (await tab.order_from(page)).location == f"/orders/{order.token}"
    assert len(await house.orders()) == 1
    house.pass_time(hours=2)
    assert (await late.order_from(page)).location == "/cart", "by then it means another purchase"
    await house.check()


async def test_the_cancel_page_and_then_paid(house: House) -> None:
    bought = await house.buy(await house.thing())
    token = (await house.order(bought.order)).token
    back = await bought.shopper.get(f"/checkout/cancel?order={token}")
    assert (back.status, back.location) == (303, "/cart")
    assert await house.state(bought.order) == PENDING
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_product_changed_or_archived_while_at_stripe_is_paid_as_agreed(house: House) -> None:
    thing = await house.thing(price=1500)
    bought = await house.buy(thing)
    async with house.database.writes() as session:
        await session.execute(
            update(Variant).where(Variant.id == thing.variant_id).values(price=9900, archived=True)
        )
        await session.execute(update(Product).where(Product.id == thing.product_id).values(status="archived"))
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.total, order.attention) == (PAID, 1500, "")
    await house.check()


async def test_a_price_that_rose_before_ordering_places_nothing(house: House) -> None:
    thing, shopper = await house.thing(price=1500), house.shopper()
    await shopper.add(thing)
    page = await shopper.get("/checkout")
    async with house.database.writes() as session:
        await session.execute(update(Variant).where(Variant.id == thing.variant_id).values(price=1600))
    answer = await shopper.submit(page, "/checkout", email="anna@example.org", name="Anna")
    assert answer.status == 409
    assert await house.orders() == []
    assert house.stripe.asked("POST /v1/checkout/sessions") == 0
