"""What shoppers do between the cart and the money: twice, at once, in another tab, too late."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from storefront.cart.change import set_quantity
from storefront.cart.models import Cart, CartLine
from storefront.catalogue.apply import ProductRow, apply_products
from storefront.catalogue.match import PriceRow
from storefront.catalogue.models import Product, Variant
from storefront.checkout.place import MustReplace, Wanted, place
from storefront.checkout.room import PLACED_AT_ONCE
from storefront.database import now
from storefront.orders.change import held_for_cart, resolve
from storefront.orders.find import LINK, ask_for_link
from storefront.orders.models import (
    AWAITING,
    CANCELLED,
    FAILED,
    PAID,
    PENDING,
    Order,
    PaymentAttempt,
    TimelineEntry,
)
from storefront.payments import gateway
from storefront.payments.giveup import PageClosed, close_page, give_up
from storefront.payments.missed import missed_sessions
from storefront.payments.reconcile import reconcile
from storefront.payments.refund import NotRefundable, ask_for_refund
from storefront.payments.settle import Settled, settle
from tests.faults.house import ORIGIN, Bought, House, Obj
from tests.shop import Shopper, Thing
from tests.web.page import Answer

REFUSED: Obj = {
    "error": {"type": "invalid_request_error", "message": "Only open Checkout Sessions can be expired."}
}


async def in_cart(house: House, order_id: int) -> dict[int, int]:
    """What lies in the cart of an order, by variant id."""
    async with house.database.reads() as session:
        order = await session.get_one(Order, order_id)
        rows = await session.scalars(select(CartLine).where(CartLine.cart_id == order.cart_id))
        return {row.variant_id: row.quantity for row in rows}


async def change_line(shopper: Shopper, quantity: int, line: int = 0) -> None:
    cart = await shopper.get("/cart")
    actions = [
        form.attrs["action"] for form in cart.root.all("form") if "/cart/items/" in form.attrs["action"]
    ]
    await shopper.post(sorted(set(actions))[line], {"quantity": str(quantity)})


# Expiry and payment, in the wrong order -----------------------------------------------------------------------


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


# Carts that change ----------------------------------------------------------------------------------------------


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
    assert await in_cart(house, first.order) == {other.variant_id: 1}
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
    assert await in_cart(house, bought.order) == {thing.variant_id: 2, other.variant_id: 1}
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


# Amounts, attempts, reasons -------------------------------------------------------------------------------------


async def _becomes_credits(house: House, thing: Thing) -> None:
    """Stripe's price of the thing gets a credit amount, so it is not counted any more."""
    async with house.database.writes() as session:
        product = await session.get_one(Product, thing.product_id)
        variant = await session.get_one(Variant, thing.variant_id)
        product.stripe_id, variant.stripe_price_id = f"prod_{product.id}", f"price_{variant.id}"
        await session.flush()
        price = PriceRow(f"price_{variant.id}", thing.price, "", thing.sku, 100)
        row = ProductRow(f"prod_{product.id}", product.title, "", None, (price,), frozenset())
        (outcome,) = await apply_products(session, "USD", [row], now())
        assert outcome.what == ("unchanged" if variant.held else "changed")


async def test_a_thing_that_becomes_credits_while_it_is_held_is_handed_back(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought, paid = await house.buy(thing), await house.buy(thing)
    await _becomes_credits(house, thing)
    await give_up(house.database, house.shop.gateway, house.shop.settings, bought.order)
    assert await house.stock(thing) == (5, 1)
    await house.stripe.do("pay", session=paid.session)
    await house.deliver_new()
    assert (await house.state(paid.order), await house.stock(thing)) == (PAID, (4, 0))
    await house.check()


async def test_a_thing_that_became_credits_before_it_is_paid_again_is_paid(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    await _becomes_credits(house, thing)
    token = (await house.order(bought.order)).token
    page = (await bought.shopper.post(f"/orders/{token}/pay", {})).location.rpartition("/")[2]
    await house.stripe.do("pay", session=page)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check(changing=[thing.variant_id])


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
        assert await in_cart(house, bought.order) == {}
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
    assert await in_cart(house, bought.order) == {}
    await bought.shopper.add(thing)
    await house.stripe.do("settle", session=bought.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    assert await in_cart(house, bought.order) == {thing.variant_id: 1}
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
    assert await in_cart(house, bought.order) == {}
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


# Keys -----------------------------------------------------------------------------------------------------------


async def test_the_same_key_with_other_parameters_is_refused_by_stripe_and_a_new_key_is_used(
    house: House,
) -> None:
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", "after", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    (attempt,) = await house.attempts(order.id)
    async with house.database.writes() as session:
        found = await session.get_one(type(attempt), attempt.id)
        found.parameters = {**found.parameters, "customer_email": "somebody@example.org"}
    assert (await shopper.order()).status == 503
    bought = await house.placed(shopper, await shopper.order())
    first, second = await house.attempts(order.id)
    assert (first.state, second.state) == ("dropped", "open")
    assert first.key != second.key
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    await house.check()


async def test_a_stored_500_that_is_replayed_leads_to_a_new_key(house: House) -> None:
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "500")
    assert (await shopper.order()).status == 503
    assert house.stripe.asked("POST /v1/checkout/sessions") == 2
    assert (await shopper.order()).status == 303
    (order,) = await house.orders()
    assert [one.state for one in await house.attempts(order.id)] == ["dropped", "open"]
    await house.check()


async def test_a_page_of_an_attempt_that_another_process_gave_up_is_not_shown(house: House) -> None:
    """One process waits for its answer, the other gets a 503 under the same key: there is one page to pay on."""
    shopper, other = house.shopper(), house.another()
    await shopper.add(await house.thing())
    go, waiting = asyncio.Event(), asyncio.Event()

    async def slowly(call: str, answer: Obj) -> Obj:
        if call == "POST /v1/checkout/sessions" and not waiting.is_set():
            waiting.set()
            await go.wait()
        return answer

    house.stripe.change = slowly
    first = asyncio.create_task(shopper.order())
    await waiting.wait()
    await house.stripe.fault("POST /v1/checkout/sessions", "503", "before", times=2)
    (order,) = await house.orders()
    elsewhere = house.same_shopper(shopper, other)
    await elsewhere.post(f"/orders/{order.token}/pay", {})
    go.set()
    shown = (await first).location
    house.stripe.change = None
    assert (await elsewhere.post(f"/orders/{order.token}/pay", {})).location == shown
    pages = {one["id"]: one["status"] for one in await house.stripe.objects("checkout.session")}
    assert sorted(pages.values())[-1] == "open"
    assert list(pages.values()).count("open") == 1
    assert pages[shown.rpartition("/")[2]] == "open"


async def test_a_second_page_whose_debit_failed_is_over_when_the_first_was_paid_after_all(
    house: House,
) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    second = (await bought.shopper.post(f"/orders/{token}/pay", {})).location.rpartition("/")[2]
    await house.stripe.do("pay_delayed", session=second)
    completed = (await house.stripe.events("checkout.session.completed"))[0]
    late = {**completed, "id": "evt_late", "type": "checkout.session.async_payment_succeeded"}
    late["data"]["object"]["payment_status"] = "paid"
    await house.deliver(late)
    assert await house.state(bought.order) == PAID
    await house.deliver_new()
    await house.stripe.do("fail", session=second)
    await house.deliver_new()
    before = len(house.stripe.calls)
    await house.shop.work("close_pages", "release_holds")
    assert len(house.stripe.calls) == before
    assert [one.state for one in await house.attempts(bought.order)] == ["complete", "failed"]


async def test_a_debit_fails_after_the_cart_has_another_open_order(house: House) -> None:
    """A cart has one open order: that is the newer one. The older can still be paid by its own page."""
    thing = await house.thing(on_hand=5)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    await bought.shopper.add(thing)
    newer = await bought.shopper.order()
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    assert [one.state for one in await house.orders()] == [FAILED, PENDING]
    assert await house.stock(thing) == (5, 1)
    token = (await house.order(bought.order)).token
    again = await bought.shopper.post(f"/orders/{token}/pay", {})
    for page in (again, newer):
        await house.stripe.do("pay", session=page.location.rpartition("/")[2])
    await house.deliver_new()
    assert [one.state for one in await house.orders()] == [PAID, PAID]
    assert await house.stock(thing) == (3, 0)
    await house.check()


async def test_a_debit_that_fails_after_days_leaves_three_days_to_pay_again(house: House) -> None:
    """They begin with the failure, not with the order."""
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    await house.pass_time_everywhere(days=3, hours=23)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    await house.shop.work("release_holds")
    assert await house.state(bought.order) == FAILED
    await house.pass_time_everywhere(days=3, minutes=1)
    await house.shop.work("release_holds")
    assert await house.state(bought.order) == CANCELLED


async def test_a_failed_order_that_is_being_paid_again_is_left_alone(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    page = (await bought.shopper.post(f"/orders/{token}/pay", {})).location.rpartition("/")[2]
    async with house.database.writes() as session:
        long_ago = now() - timedelta(days=3, minutes=1)
        await session.execute(update(Order).values(placed_at=long_ago))
        await session.execute(update(TimelineEntry).values(at=long_ago))
    await house.shop.work("release_holds")
    assert (await house.stripe.session(page))["status"] == "open"
    assert await house.state(bought.order) == FAILED
    await house.stripe.do("pay", session=page)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_page_is_asked_for_while_the_first_request_still_runs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe's 409 (idempotency_key_in_use) is no refusal: it is asked again until the first one is through. The pauses
    come out as long as they may, and are no reason to give up."""
    monkeypatch.setattr(gateway, "random", SimpleNamespace(uniform=lambda _shortest, longest: longest))
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "delay", seconds=4.5)
    assert (await shopper.order()).status == 303
    assert len(await house.stripe.objects("checkout.session")) == 1
    await house.check()


async def test_a_page_is_asked_for_while_the_first_request_runs_for_too_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose outcome is still unknown then: the next press asks the same again, under the same key."""
    monkeypatch.setattr(gateway, "PAUSES_WHEN_SLOWED", (0.0, 0.0))
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "delay", seconds=5)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    (attempt,) = await house.attempts(order.id)
    assert attempt.state == "asking"
    while not await house.stripe.objects("checkout.session"):
        await asyncio.sleep(0.05)
    assert (await shopper.order()).status == 303
    assert len(await house.stripe.objects("checkout.session")) == 1
    assert len(await house.attempts(order.id)) == 1
    await house.check()


async def test_two_clicks_at_one_process_ask_stripe_once(house: House) -> None:
    """The second click waits for the answer that the first one gets: Stripe would refuse a key that is in use."""
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    asked = house.stripe.asked("POST /v1/checkout/sessions")

    async def slowly(call: str) -> None:
        if call == "POST /v1/checkout/sessions":
            await asyncio.sleep(0.4)

    house.stripe.before = slowly
    clicks = [house.same_shopper(shopper).post(f"/orders/{order.token}/pay", {}) for _ in range(2)]
    first, second = await asyncio.gather(*clicks)
    assert first.status == second.status == 303
    assert first.location == second.location
    assert house.stripe.asked("POST /v1/checkout/sessions") == asked + 1
    await house.check()


async def test_an_attempt_that_is_too_old_to_be_asked_for_again_is_replaced(house: House) -> None:
    """Stripe takes no page that ends within 30 minutes; nobody has seen the address of the first."""
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", "after", times=2)
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    house.pass_time(minutes=20)
    assert (await shopper.order()).status == 303
    old, new = await house.attempts(order.id)
    assert (old.state, new.state) == ("dropped", "open")
    assert new.expires_at - old.expires_at >= timedelta(minutes=20)
    await house.check(at_rest=False)


# Many at once ---------------------------------------------------------------------------------------------------


async def test_stock_for_five_with_a_hundred_shoppers(house: House) -> None:
    thing = await house.thing(on_hand=5)
    shoppers = [house.shopper() for _ in range(100)]
    await asyncio.gather(*(one.add(thing) for one in shoppers))
    # Whoever comes when all are held is sent back to the cart, so everybody has the form before anybody sends it.
    forms = [await one.get("/checkout") for one in shoppers]
    sent = (one.order_from(form) for one, form in zip(shoppers, forms, strict=True))
    answers = await asyncio.gather(*sent)
    assert Counter(one.status for one in answers) == {303: 5, 409: 95}
    assert all("/sandbox/pay/" in one.location for one in answers if one.status == 303)
    assert await house.stock(thing) == (5, 5)
    for session in await house.stripe.objects("checkout.session"):
        await house.stripe.do("pay", session=session["id"])
    await house.deliver_at_once(*await house.stripe.events("checkout.session.completed"))
    assert await house.stock(thing) == (0, 0)
    await house.check()


async def crowd(house: House, thing: Thing, number: int) -> list[Awaitable[Answer]]:
    """So many shoppers, who all have the form before them; what each of them sends."""
    shoppers = [house.shopper() for _ in range(number)]
    await asyncio.gather(*(one.add(thing) for one in shoppers))
    forms = [await one.get("/checkout") for one in shoppers]
    return [one.order_from(form) for one, form in zip(shoppers, forms, strict=True)]


async def test_a_crowd_that_waits_for_one_thing_leaves_the_database_to_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has the thing's row: few of those who order wait for it with a connection in hand."""
    monkeypatch.setattr("storefront.checkout.room.PATIENT_FOR", 60.0)
    thing = await house.thing(on_hand=5)
    sent = await crowd(house, thing, 25)
    async with house.another().database.writes() as session:
        mine = update(Variant).where(Variant.id == thing.variant_id)
        await session.execute(mine.values(held=Variant.held))
        answers = asyncio.gather(*sent)
        await house.until_waiting(PLACED_AT_ONCE)
        assert (await house.shopper().get("/cart")).status == 200
        async with asyncio.timeout(10):
            # Those who wait for their turn may still be reading what is in their cart.
            while house.connections > PLACED_AT_ONCE:
                await asyncio.sleep(0.01)
    assert Counter(one.status for one in await answers) == {303: 5, 409: 20}
    assert await house.stock(thing) == (5, 5)
    await house.check()


async def test_who_waits_long_for_those_who_order_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is turned away because others order."""
    monkeypatch.setattr("storefront.checkout.room.PATIENT_FOR", 0.1)
    busy, free = await house.thing(on_hand=5), await house.thing(on_hand=5)
    sent, other = await crowd(house, busy, PLACED_AT_ONCE), await crowd(house, free, 1)
    async with house.another().database.writes() as session:
        mine = update(Variant).where(Variant.id == busy.variant_id)
        await session.execute(mine.values(held=Variant.held))
        answers = asyncio.gather(*sent)
        await house.until_waiting(1 if house.database.sqlite else PLACED_AT_ONCE)
        goes_on = asyncio.ensure_future(other[0])
        if not house.database.sqlite:
            # SQLite has one writer, for whom everybody waits.
            assert (await goes_on).status == 303
    assert (await goes_on).status == 303
    assert Counter(one.status for one in await answers) == {303: PLACED_AT_ONCE}
    assert await house.stock(busy) == (5, PLACED_AT_ONCE)
    await house.check()


async def test_orders_with_opposite_lines_never_wait_for_each_other(house: House) -> None:
    """Half of the carts hold A then B, half B then A; all are ordered and paid at once, at two processes."""
    first, second = await house.thing(on_hand=50), await house.thing(on_hand=50)
    other = house.another()
    shoppers = [house.shopper(process) for process in (house.shop, other) * 6]
    for number, shopper in enumerate(shoppers):
        for thing in (first, second) if number % 2 else (second, first):
            await shopper.add(thing)
    answers = await asyncio.gather(*(one.order() for one in shoppers))
    assert {answer.status for answer in answers} == {303}
    for session in await house.stripe.objects("checkout.session"):
        await house.stripe.do("pay", session=session["id"])
    completed = await house.stripe.events("checkout.session.completed")
    assert set(await house.deliver_at_once(*completed, processes=[house.shop, other])) == {200}
    assert {one.state for one in (await house.inbox()).values()} == {"handled"}
    assert await house.stock(first) == await house.stock(second) == (38, 0)
    await house.check()


async def test_carts_that_swap_their_things_at_once_never_wait_for_each_other(house: House) -> None:
    """Each order is replaced by one about the other thing: what is handed back and what is taken is one pass."""
    first, second = await house.thing(on_hand=50), await house.thing(on_hand=50)
    other = house.another()
    bought: list[tuple[Bought, Thing]] = []
    for number in range(8):
        mine, next_one = (first, second) if number % 2 else (second, first)
        shopper = house.shopper((house.shop, other)[number // 2 % 2])
        bought.append((await house.buy(mine, shopper=shopper), next_one))
    for one, next_one in bought:
        await change_line(one.shopper, 0)
        await one.shopper.add(next_one)
    answers = await asyncio.gather(*(one.shopper.order() for one, _ in bought))
    assert {answer.status for answer in answers} == {303}, answers
    assert await house.stock(first) == await house.stock(second) == (50, 4)
    await house.check(at_rest=False)
    await house.deliver_new()
    await house.check()


async def test_an_order_waits_for_an_edit_of_its_cart_and_sees_it(house: House) -> None:
    """Another process is in the middle of changing the cart when the order is placed."""
    shopper = house.shopper()
    await shopper.add(await house.thing())
    page = await shopper.get("/checkout")
    async with house.database.reads() as session:
        key = (await session.execute(select(Cart.token_hash))).scalar_one()
        line = (await session.execute(select(CartLine.id))).scalar_one()
    async with house.another().database.stroke() as stroke:
        await set_quantity(stroke, key, line, 3, None, held_for_cart)
        ordering = asyncio.create_task(
            shopper.submit(page, "/checkout", email="anna@example.org", name="Anna")
        )
        await house.until_waiting()
    answer = await ordering
    assert answer.status == 409, answer
    assert await house.orders() == []
    bought = await house.placed(shopper, await shopper.order())
    assert (await house.order(bought.order)).total == 4500
    await house.check()


@pytest.mark.parametrize("cart", ["there", "gone"])
async def test_two_who_settle_an_order_at_once_take_turns(house: House, cart: str) -> None:
    """The second one waits until the first is done, then finds nothing left to do."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    if cart == "gone":
        house.pass_time(days=61)
        await house.shop.work("clean_up")
        assert (await house.order(bought.order)).cart_id is None
    await house.stripe.do("settle", session=bought.session)
    facts = await house.shop.gateway.session(bought.session)
    other = house.another()

    async def late() -> Settled:
        async with other.database.writes() as session:
            return await settle(session, other.settings, facts)

    async with house.database.writes() as session:
        first = await settle(session, house.shop.settings, facts)
        second = asyncio.create_task(late())
        await house.until_waiting()
    assert (first.outcome, (await second).outcome) == ("paid", "unchanged")
    assert await house.stock(thing) == (4, 0)
    await house.deliver_new()
    await house.check()


@pytest.mark.parametrize("first", ["placing", "paying"])
async def test_placing_and_paying_at_once_never_wait_for_each_other(house: House, first: str) -> None:
    """The first one has taken the first thing and waits for the second; the other one wants the first and the last.
    It must wait with empty hands, or neither could go on."""
    one, two, three = [await house.thing() for _ in range(3)]
    pays, places = (
        ([one, three], [one, two, three]) if first == "placing" else ([one, two, three], [one, three])
    )
    bought = await house.buy(*reversed(pays))
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    shopper, busy = house.shopper(house.another()), house.another()
    for thing in reversed(places):
        await shopper.add(thing)

    async def place_it() -> int:
        return (await shopper.order()).status

    async def pay_it() -> int:
        return (await house.deliver(completed))[0]

    todo = [place_it, pay_it] if first == "placing" else [pay_it, place_it]
    async with busy.database.writes() as session:
        # As an order would: nobody else may change it, but may point to it.
        mine = update(Variant).where(Variant.id == two.variant_id)
        await session.execute(mine.values(held=Variant.held))
        tasks = []
        for number, job in enumerate(todo, 1):
            tasks.append(asyncio.create_task(job()))
            await house.until_waiting(number)
    assert set(await asyncio.gather(*tasks)) == {200, 303}
    assert (await house.inbox())[completed["id"]].state == "handled"
    assert await house.stock(one) == await house.stock(three) == (4, 1)
    assert await house.stock(two) == ((5, 1) if first == "placing" else (4, 0))
    await house.check()


async def test_giving_up_and_being_paid_at_once(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    other = house.another()
    await asyncio.gather(
        give_up(other.database, other.gateway, other.settings, bought.order),
        house.deliver(completed),
        house.come_back(bought),
    )
    assert await house.state(bought.order) == PAID
    await house.check()
