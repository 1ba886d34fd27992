"""Money that goes back: from us, from Stripe's Dashboard, in part, twice at once, in vain."""

import asyncio
import random
import re
from typing import Any

import pytest

from storefront.orders.models import PAID, PENDING, Order, Refund
from storefront.orders.queries import lock_order
from storefront.orders.ship import CannotShip, ship_order
from storefront.payments import gateway
from storefront.payments.inbox import try_all_again
from storefront.payments.refund import NotRefundable, ask_for_refund, send_refunds
from tests.faults.house import Bought, House, Obj, Process
from tests.shop import Thing


async def paid(house: House, thing: Thing | None = None, quantity: int = 1) -> Bought:
    bought = await house.buy(thing or await house.thing(price=1500), quantity=quantity)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    return bought


async def ask(
    process: Process, order_id: int, amount: int | None = None, *, restock: bool = False, payment: str = ""
) -> Refund:
    """What `storefront orders refund` does before it asks Stripe."""
    async with process.database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        assert order is not None
        return await ask_for_refund(session, order, amount, restock=restock, payment=payment)


async def send(house: House, process: Process | None = None) -> int:
    process = process or house.shop
    return await send_refunds(process.database, process.gateway, process.settings)


async def no_list(call: str, answer: Obj) -> Obj:
    """A Stripe that knows no refunds of that payment."""
    error = {"type": "invalid_request_error", "code": "resource_missing", "message": "No such payment."}
    return {"error": error} if call == "GET /v1/refunds" else answer


async def test_partial_refunds_up_to_the_full_amount_shuffled(house: House) -> None:
    bought = await paid(house)
    for amount in (100, 400, 1000):
        await house.stripe.do("refund", session=bought.session, amount=amount)
    events = [one for one in await house.stripe.events() if one["id"] not in house.delivered] * 2
    random.Random(3).shuffle(events)
    await house.deliver(*events)
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, 1500)
    assert [one.state for one in await house.refunds(bought.order)] == ["succeeded"] * 3
    page = (await house.page(bought.order)).element("order-status")
    assert page.attrs["data-refunded"] == page.attrs["data-total"] == "1500"
    await house.check()


async def test_a_refund_from_the_dashboard_is_known_by_any_of_its_events(house: House) -> None:
    for kind in ("charge.refunded", "refund.created"):
        bought = await paid(house)
        await house.stripe.do("refund", session=bought.session, amount=700)
        (event,) = [one for one in await house.stripe.events(kind) if one["id"] not in house.delivered]
        await house.deliver(event)
        assert (await house.order(bought.order)).refunded_amount == 700
        assert (await house.messages("refunded"))[-1].data["refund"] == "$7.00"
        await house.deliver_new()
    assert len(await house.messages("refunded")) == 2
    await house.check()


async def test_a_refund_that_stripe_cannot_list_counts_as_its_charge_says(house: House) -> None:
    """Stripe's list is not to be had, as for a payment that another key may not see: what it signed is believed."""
    bought = await paid(house)
    await house.stripe.do("refund", session=bought.session, amount=700)
    house.stripe.change = no_list
    for _ in range(2):
        await house.deliver(*await house.stripe.events("charge.refunded"))
    assert (await house.order(bought.order)).refunded_amount == 700
    assert [one.data["refund"] for one in await house.messages("refunded")] == ["$7.00"]
    house.stripe.change = None
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 700
    assert len(await house.messages("refunded")) == 1
    await house.check()


async def test_what_stripe_cannot_list_is_not_refunded_once_more(house: House) -> None:
    """No row tells of that refund: what its charge said it gave back counts against what is left."""
    bought = await paid(house)
    await house.stripe.do("refund", session=bought.session, amount=700)
    house.stripe.change = no_list
    await house.deliver(*await house.stripe.events("charge.refunded"))
    assert await house.refunds(bought.order) == []
    with pytest.raises(NotRefundable, match=re.escape("$8.00 of")):
        await ask(house.shop, bought.order, 801)
    assert (await ask(house.shop, bought.order)).amount == 800
    house.stripe.change = None
    await send(house)
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 1500
    await house.check()


async def test_a_doubled_refund_of_ours_is_a_refund_of_its_own(house: House) -> None:
    """Stripe made two that carry the same of our ids, as it never should: nothing of it is hidden."""
    bought = await paid(house)
    asked = await ask(house.shop, bought.order, 500)
    await send(house)
    await house.deliver_new()
    await house.stripe.do("refund", session=bought.session, amount=700, metadata={"refund_id": asked.cause})
    await house.shop.work("reconcile_now_and_then")
    for _ in range(2):
        assert (await house.order(bought.order)).refunded_amount == 1200
        first, second = await house.refunds(bought.order)
        assert (first.amount, second.amount, second.cause) == (500, 700, f"stripe:{second.stripe_id}")
        await house.deliver_new()
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order, 301)
    with pytest.raises(AssertionError, match=f"Stripe refunded {asked.cause} 2 times"):
        await house.check()


async def test_a_refund_with_our_id_counts_as_much_as_stripe_says(house: House) -> None:
    """Somebody made it in the Dashboard, with the id of ours that waits: that one is made, and is not made twice."""
    bought = await paid(house)
    asked = await ask(house.shop, bought.order, 500)
    await house.stripe.do("refund", session=bought.session, amount=700, metadata={"refund_id": asked.cause})
    await send(house)
    await house.deliver_new()
    assert [(one.amount, one.state) for one in await house.refunds(bought.order)] == [(700, "succeeded")]
    assert (await house.order(bought.order)).refunded_amount == 700
    await house.check()


@pytest.mark.parametrize("listed", [True, False])
async def test_a_refund_of_a_second_payment_is_none_of_the_orders(house: House, listed: bool) -> None:
    """Paid twice; somebody sends the second payment back in the Dashboard before the shop does. The order stays paid
    in full."""
    shopper = house.shopper()
    await shopper.add(await house.thing(price=1500))
    await house.stripe.fault("POST /v1/checkout/sessions", "500", "after")
    assert (await shopper.order()).status == 503
    bought = await house.placed(shopper, await shopper.order())
    (other,) = [
        one["id"] for one in await house.stripe.objects("checkout.session") if one["id"] != bought.session
    ]
    for session in (bought.session, other):
        await house.stripe.do("pay", session=session)
        await house.deliver_new()
    await house.stripe.do("refund", session=other, amount=1500)
    house.stripe.change = None if listed else no_list
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, 0)
    assert not await house.messages("refunded")
    house.stripe.change = None
    await house.shop.work("refund")
    assert len(await house.stripe.objects("refund")) == 1
    assert (await house.order(bought.order)).refunded_amount == 0
    await house.stripe.do("refund", session=bought.session, amount=500)
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 500
    await house.check()


async def test_a_refund_that_is_heard_of_before_the_payment(house: House) -> None:
    for kind in ("charge.refunded", "refund.created"):
        bought = await house.buy(await house.thing(price=1500))
        await house.stripe.do("pay", session=bought.session)
        await house.stripe.do("refund", session=bought.session, amount=700)
        await house.deliver_new(kind)
        assert await house.state(bought.order) == PENDING
        await house.deliver_new("checkout.session.completed")
        order = await house.order(bought.order)
        assert (order.state, order.refunded_amount) == (PAID, 700)
        await house.deliver_new()
    await house.check()


async def test_a_refund_that_fails_days_later_comes_back(house: House) -> None:
    bought = await paid(house)
    made = await house.stripe.do("refund", session=bought.session, amount=700)
    await house.deliver_new()
    await house.pass_time_everywhere(days=5)
    await house.stripe.do("fail_refund", refund=made["refund"]["id"])
    await house.deliver_new(order="shuffled")
    order = await house.order(bought.order)
    assert order.refunded_amount == 0
    assert "refund" in order.attention
    assert len(await house.messages("owner-attention")) == 1
    await house.stripe.do("refund", session=bought.session, amount=700)
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 700
    assert len(await house.messages("refunded")) == 2
    await house.check()


async def test_two_refunds_at_once_never_give_back_more_than_was_paid(house: House) -> None:
    bought = await paid(house)
    other = house.another()
    asked = await asyncio.gather(
        *(ask(process, bought.order, 1000) for process in (house.shop, other) * 2), return_exceptions=True
    )
    assert sum(isinstance(one, Refund) for one in asked) == 1
    assert sum(isinstance(one, NotRefundable) for one in asked) == 3
    await asyncio.gather(send(house), send(house, other), send(house))
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 1000
    assert len(await house.stripe.objects("refund")) == 1
    await house.check()


async def test_a_refund_of_ours_and_one_from_the_dashboard_at_once(house: House) -> None:
    """Ours was put down first, Stripe's came first: it refuses ours, and staff see why."""
    bought = await paid(house)
    await ask(house.shop, bought.order)
    await house.stripe.do("refund", session=bought.session, amount=1000)
    await send(house)
    order = await house.order(bought.order)
    assert order.refunded_amount == 1000
    assert "refund" in order.attention
    assert [one.state for one in await house.refunds(bought.order)] == ["failed", "succeeded"]
    await house.deliver_new()
    await house.check()


@pytest.mark.parametrize("restock", [False, True])
async def test_a_refund_that_the_dashboard_was_quicker_with_is_no_reason_to_look(
    house: House, restock: bool
) -> None:
    """All of the money went back. Only somebody who wanted the goods in stock too learns that they are not."""
    thing = await house.thing(price=1500)
    bought = await paid(house, thing)
    await ask(house.shop, bought.order, restock=restock)
    made = (await house.stripe.do("refund", session=bought.session, status="pending"))["refund"]
    await send(house)
    order = await house.order(bought.order)
    assert (order.refunded_amount, bool(order.attention)) == (1500, restock)
    assert ("refund-failed" in await house.story(bought.order)) == restock
    assert [one.state for one in await house.refunds(bought.order)] == ["failed", "pending"]
    assert await house.stock(thing) == (4, 0)
    await house.deliver_new()
    await house.check()
    await house.stripe.do("fail_refund", refund=made["id"])
    await house.deliver_new()
    assert "failed" in (await house.order(bought.order)).attention, "now nobody has it"
    await house.check()


async def test_what_was_read_too_early_never_undoes_what_is_newer(house: House) -> None:
    """Two events at once: the first reads the list before the second refund is in it, and is applied after it."""
    bought = await paid(house)
    await house.stripe.do("refund", session=bought.session, amount=300)
    first = [one for one in await house.stripe.events("charge.refunded") if one["id"] not in house.delivered]
    other, done = house.another(), asyncio.Event()
    waiting = asyncio.Event()

    async def slowly(call: str, answer: object) -> object:
        if call == "GET /v1/refunds" and not waiting.is_set():
            waiting.set()
            await done.wait()
        return answer

    house.stripe.change = slowly
    early = asyncio.create_task(house.deliver(*first))
    await waiting.wait()
    await house.stripe.do("refund", session=bought.session, amount=500)
    await house.deliver(*await house.stripe.events("charge.refunded"), process=other)
    assert (await house.order(bought.order)).refunded_amount == 800
    done.set()
    assert await early == [200]
    assert (await house.order(bought.order)).refunded_amount == 800
    house.stripe.change = None
    await house.check()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_refund_whose_answer_is_lost_is_made_once(
    house: House, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "PAUSES_WHEN_SLOWED", (0.01, 0.01))
    for number, kind in enumerate(("reset", "cut", "500", "503", "429"), 1):
        bought = await paid(house)
        await ask(house.shop, bought.order, 600)
        await house.stripe.fault("POST /v1/refunds", kind, when, times=4)
        assert await send(house) == 1
        await house.stripe.heal()
        house.pass_time(seconds=40)
        await send(house)
        await house.deliver_new()
        assert (await house.order(bought.order)).refunded_amount == 600
        assert len(await house.stripe.objects("refund")) == number
    await house.check()


async def test_a_refund_of_which_stripe_stored_a_500_does_not_wait_a_day_for_its_key(house: House) -> None:
    bought = await paid(house)
    refund = await ask(house.shop, bought.order, 600)
    await house.stripe.fault("POST /v1/refunds", "500", times=1)
    await send(house)
    (row,) = await house.refunds(bought.order)
    assert row.key != refund.key
    assert row.cause == refund.cause
    house.pass_time(seconds=40)
    await send(house)
    assert (await house.order(bought.order)).refunded_amount == 600
    await house.check()


async def test_a_refund_that_stripe_may_still_be_making_keeps_its_key_through_a_503(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request is carried out long after we gave up waiting: a 503 meanwhile says nothing of it."""
    bought = await paid(house)
    monkeypatch.setattr(gateway, "EACH_TRY", 0.3)
    monkeypatch.setattr(gateway, "PAUSES_WHEN_SLOWED", (0.01, 0.01))
    patient = house.another()
    refund = await ask(patient, bought.order, 600)
    await house.stripe.fault("POST /v1/refunds", "delay", seconds=3)
    await send(house, patient)
    await house.stripe.fault("POST /v1/refunds", "503", times=2)
    for _ in range(2):
        house.pass_time(seconds=40)
        await send(house, patient)
    assert [(one.state, one.key) for one in await house.refunds(bought.order)] == [("wanted", refund.key)]
    while not await house.stripe.objects("refund"):
        await asyncio.sleep(0.1)
    house.pass_time(seconds=40)
    await send(house, patient)
    assert (await house.order(bought.order)).refunded_amount == 600
    assert len(await house.stripe.objects("refund")) == 1
    await house.check()


async def test_a_worker_that_was_held_up_does_not_refund_what_another_has_taken_over(house: House) -> None:
    """It looked at Stripe's list, stood still for two days, and then goes on under a key that Stripe forgot."""
    bought = await paid(house)
    await ask(house.shop, bought.order, 600)
    other, (waiting, go) = house.another(), (asyncio.Event(), asyncio.Event())

    async def slowly(call: str, answer: object) -> object:
        if call == "GET /v1/refunds" and not waiting.is_set():
            waiting.set()
            await go.wait()
        return answer

    house.stripe.change = slowly
    held_up = asyncio.create_task(send(house))
    await waiting.wait()
    await try_all_again(other.database)
    assert await send(house, other) == 0
    house.pass_time(seconds=40)
    await house.stripe.fault("POST /v1/refunds", "500")
    await send(house, other)
    house.pass_time(seconds=40)
    assert await send(house, other) == 1
    await house.pass_time_everywhere(days=2)
    go.set()
    await held_up
    house.stripe.change = None
    await house.deliver_new()
    assert len(await house.stripe.objects("refund")) == 1
    assert (await house.order(bought.order)).refunded_amount == 600
    await house.check()


async def test_a_refund_that_is_under_way_is_nobody_elses_for_thirty_seconds(house: House) -> None:
    """Stripe is slow to answer the first worker; a second one passes."""
    bought = await paid(house)
    await ask(house.shop, bought.order, 600)
    slow = house.stripe.hold("POST /v1/refunds")
    first = asyncio.create_task(send(house))
    await slow.reached()
    other = house.another()
    for seconds in (0, 25):
        house.pass_time(seconds=seconds)
        assert await send(house, other) == 0
    slow.let_on()
    assert await first == 1
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 600
    await house.check()


async def test_a_worker_that_was_too_slow_does_not_touch_a_refund_that_another_has_taken_up(
    house: House,
) -> None:
    """The first one's time ran out, the second asks Stripe; then the first one fails. A third must not come in."""
    bought = await paid(house)
    await ask(house.shop, bought.order, 600)
    slow = house.stripe.hold("GET /v1/refunds")
    first = asyncio.create_task(send(house))
    await slow.reached()
    house.pass_time(seconds=31)
    still_asking = house.stripe.hold("GET /v1/refunds")
    second = asyncio.create_task(send(house, house.another()))
    await still_asking.reached()
    (before,) = await house.refunds(bought.order)
    await house.stripe.fault("GET /v1/refunds", "503", times=2)
    slow.let_on()
    await first
    (after,) = await house.refunds(bought.order)
    assert (after.key, after.tries, after.next_try_at) == (before.key, 2, before.next_try_at)
    house.pass_time(seconds=10)
    assert await send(house, house.another()) == 0
    still_asking.let_on()
    await second
    assert [one.state for one in await house.refunds(bought.order)] == ["succeeded"]
    await house.deliver_new()
    await house.check()


async def test_a_worker_whose_time_ran_out_does_not_refund_what_another_may_take_up(house: House) -> None:
    """Nobody has yet, but from now on anybody may, under another key perhaps."""
    bought = await paid(house)
    await ask(house.shop, bought.order, 600)
    slow, shop = house.stripe.hold("GET /v1/refunds", "after"), house.shop
    first = asyncio.create_task(send_refunds(shop.database, shop.gateway, shop.settings, most=1))
    await slow.reached()
    house.pass_time(seconds=31)
    slow.let_on()
    assert await first == 1
    assert await house.stripe.objects("refund") == []
    assert [one.state for one in await house.refunds(bought.order)] == ["wanted"]
    assert await send(house, house.another()) == 1
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 600
    await house.check()


@pytest.mark.parametrize("word", [None, "on_hold"])
async def test_a_refund_of_which_stripe_says_what_we_do_not_know_is_on_its_way(
    house: House, word: str | None
) -> None:
    bought = await paid(house)

    async def odd(call: str, answer: dict[str, Any]) -> dict[str, Any]:
        for one in answer["data"] if call == "GET /v1/refunds" else []:
            one["status"] = word
        return answer

    house.stripe.change = odd
    await house.stripe.do("refund", session=bought.session, amount=1000)
    (created,) = await house.stripe.events("refund.created")
    assert await house.deliver(created, {**created, "id": "evt_again"}) == [200, 200]
    assert {one.error for one in (await house.inbox()).values()} == {""}
    assert [one.state for one in await house.refunds(bought.order)] == ["pending"]
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order, 501)
    house.stripe.change = None
    await house.deliver({**created, "id": "evt_later"})
    assert [one.state for one in await house.refunds(bought.order)] == ["succeeded"]
    assert (await house.order(bought.order)).refunded_amount == 1000
    await house.check()


async def test_an_order_that_is_about_to_be_refunded_in_full_is_not_sent(house: House) -> None:
    bought = await paid(house, await house.thing(price=1500, delivered=True))
    order = await house.order(bought.order)
    await ask(house.shop, bought.order, order.total - 100)
    await ask(house.shop, bought.order, 100)
    async with house.database.writes() as session:
        locked = await lock_order(session, Order.id == bought.order)
        assert locked is not None
        with pytest.raises(CannotShip, match="about to be refunded"):
            await ship_order(session, house.shop.settings, locked, "")


async def test_a_refund_that_stripe_never_takes_ends_before_staff(house: House) -> None:
    bought = await paid(house)
    await ask(house.shop, bought.order, 600)
    await house.stripe.fault("POST /v1/refunds", "reset", times=None)
    house.shop.gateway.breaker.worked()
    for hours in (0, 1, 24, 48):
        house.pass_time(hours=hours)
        await send(house)
    order = await house.order(bought.order)
    assert "three days" in order.attention
    assert [one.state for one in await house.refunds(bought.order)] == ["failed"]
    house.pass_time(hours=1)
    assert await send(house) == 0
    await house.check()


async def test_a_payment_that_stripe_does_not_know_cannot_be_refunded_and_staff_are_told(
    house: House,
) -> None:
    bought = await paid(house)
    refund = await ask(house.shop, bought.order, 600)
    async with house.database.writes() as session:
        (await session.get_one(Refund, refund.id)).payment_intent = "pi_unknown"
    await send(house)
    assert [one.state for one in await house.refunds(bought.order)] == ["failed"]
    assert (await house.order(bought.order)).attention
    house.pass_time(hours=1)
    assert await send(house) == 0


async def test_a_full_refund_puts_the_goods_back_once_even_if_it_has_to_be_made_twice(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought = await paid(house, thing, quantity=2)
    await ask(house.shop, bought.order, restock=True)
    await send(house)
    await house.deliver_new()
    assert await house.stock(thing) == (5, 0)
    (made,) = await house.stripe.objects("refund")
    await house.stripe.do("fail_refund", refund=made["id"])
    await house.deliver_new()
    await ask(house.shop, bought.order, restock=True)
    await send(house)
    await house.deliver_new()
    assert await house.stock(thing) == (5, 0)
    assert (await house.order(bought.order)).refunded_amount == 3000
    await house.check()


async def test_a_refund_that_is_pending_first_puts_the_goods_back_when_it_succeeds(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session, card="4000000000007726")
    await house.deliver_new()
    await ask(house.shop, bought.order, restock=True)
    await send(house)
    assert await house.stock(thing) == (4, 0)
    assert (await house.order(bought.order)).refunded_amount == 1500
    (made,) = await house.stripe.objects("refund")
    assert made["status"] == "pending"
    await house.stripe.do("settle_refund", refund=made["id"])
    await house.deliver_new(order="reversed")
    assert await house.stock(thing) == (5, 0)
    await house.check()


async def test_only_what_was_paid_can_be_refunded(house: House) -> None:
    bought = await house.buy(await house.thing())
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order, 1501)
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order, 0)
    await ask(house.shop, bought.order, 1500)
    with pytest.raises(NotRefundable):
        await ask(house.shop, bought.order, 1)
    await send(house)
    await house.check()
