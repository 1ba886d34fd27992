"""One attempt, one key: stored failures, unknown outcomes, requests that run for too long."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from storefront.database import now
from storefront.orders.models import (
    CANCELLED,
    FAILED,
    PAID,
    PENDING,
    Order,
    TimelineEntry,
)
from storefront.payments import gateway
from tests.faults.house import House, Obj


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
