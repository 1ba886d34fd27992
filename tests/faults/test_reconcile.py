"""No webhook arrives: for a moment, for days, for longer than Stripe keeps events, ever."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from storefront.database import lock, now
from storefront.orders.models import AWAITING, CANCELLED, FAILED, PAID, PENDING, Order, PaymentAttempt
from storefront.payments.errors import PaymentProblem
from storefront.payments.models import Dispute, Reconciliation, StripeEvent
from storefront.payments.reconcile import reconcile, reconcile_if_due
from tests.faults.house import House, Obj, Process
from tests.faults.test_refunds import paid
from tests.shop import eventually


async def run(house: House, process: Process | None = None) -> list[Obj]:
    process = process or house.shop
    return await reconcile(process.database, process.gateway, process.settings)


async def runs(house: House) -> list[Reconciliation]:
    async with house.database.reads() as session:
        return list(await session.scalars(select(Reconciliation).order_by(Reconciliation.id)))


async def test_with_no_webhook_ever_everything_is_settled_and_reported(house: House) -> None:
    thing = await house.thing(on_hand=9)
    paying, failing, waiting, expired, refunded = [await house.buy(thing) for _ in range(5)]
    await house.stripe.do("pay", session=paying.session)
    await house.stripe.do("pay_delayed", session=failing.session)
    await house.stripe.do("fail", session=failing.session)
    await house.stripe.do("pay_delayed", session=waiting.session)
    await house.stripe.do("expire", session=expired.session)
    await house.stripe.do("pay", session=refunded.session)
    await house.stripe.do("refund", session=refunded.session, amount=500)
    report = await run(house)
    states = [await house.state(one.order) for one in (paying, failing, waiting, expired, refunded)]
    assert states == [PAID, FAILED, AWAITING, CANCELLED, PAID]
    assert (await house.order(refunded.order)).refunded_amount == 500
    assert report
    (stored,) = await runs(house)
    assert stored.report == report
    assert stored.finished_at is not None
    await house.check()
    assert await run(house) == []


async def test_a_session_whose_id_was_never_stored_is_found_by_its_reference(house: House) -> None:
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", "after", times=2)
    assert (await shopper.order()).status == 503
    (session,) = await house.stripe.objects("checkout.session")
    await house.stripe.do("pay", session=session["id"])
    await house.stripe.forget_events()
    report = await run(house)
    (order,) = await house.orders()
    assert order.state == PAID
    assert report == [{"order": order.number, "session": session["id"], "outcome": "paid"}]
    await house.check()


async def test_the_cursor_is_stored_and_only_newer_events_are_read(house: House) -> None:
    await paid(house)
    await run(house)
    (first,) = await runs(house)
    newest = max(one["created"] for one in await house.stripe.events())
    assert int(first.cursor) == newest
    asked: list[str] = []

    async def listen(call: str, answer: Obj) -> Obj:
        if call == "GET /v1/events":
            asked.extend(one["id"] for one in answer["data"])
        return answer

    house.stripe.change = listen
    await house.pass_time_everywhere(hours=3)
    await run(house)
    assert asked
    await paid(house)
    await run(house)
    asked.clear()
    await run(house)
    assert set(asked) <= {one["id"] for one in await house.stripe.events() if one["created"] > newest}


async def test_the_cursor_follows_stripes_clock_and_not_ours(house: House) -> None:
    """Our clock is an hour ahead: what happens at Stripe right after a run must still be read by the next."""
    house.pass_time(hours=1)
    await paid(house)
    await run(house)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    async with house.database.writes() as session:
        # Nothing but the event can tell: the attempt is not looked at any more.
        await session.execute(
            update(PaymentAttempt).where(PaymentAttempt.order_id == bought.order).values(state="dropped")
        )
    await run(house)
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_an_event_that_stripe_lists_late_is_read_all_the_same(house: House) -> None:
    """It was made before the newest one that was read, and could not be listed then."""
    await paid(house)
    await run(house)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (late,) = [
        one["id"]
        for one in await house.stripe.events("checkout.session.completed")
        if one["data"]["object"]["id"] == bought.session
    ]
    async with house.database.writes() as session:
        # Nothing but the event can tell: the attempt is not looked at any more.
        await session.execute(
            update(PaymentAttempt).where(PaymentAttempt.order_id == bought.order).values(state="dropped")
        )

    async def without_it(call: str, answer: Obj) -> Obj:
        if call == "GET /v1/events":
            answer["data"] = [one for one in answer["data"] if one["id"] != late]
        return answer

    house.stripe.change = without_it
    await house.pass_time_everywhere(minutes=5)
    newer = await house.buy(await house.thing())
    await house.stripe.do("pay", session=newer.session)
    await run(house)
    assert await house.state(newer.order) == PAID
    assert await house.state(bought.order) == PENDING
    house.stripe.change = None
    await run(house)
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_payments_of_others_do_not_end_the_search_for_ours(house: House) -> None:
    """Another shop uses the same account at Stripe; its sessions are newer, and lie between ours."""
    bought = [await house.buy(await house.thing()) for _ in range(2)]
    theirs: Obj = {**(await house.attempts(bought[0].order))[0].parameters, "metadata": {}}
    theirs |= {"client_reference_id": "somebody-else"}
    first, second = [one.session for one in bought]
    sessions = [
        first,
        (await house.shop.gateway.create_session(theirs, "theirs-1")).id,
        second,
        (await house.shop.gateway.create_session(theirs, "theirs-2")).id,
    ]
    for session_id in sessions:
        await house.stripe.do("pay", session=session_id)
    await house.stripe.forget_events()
    async with house.database.writes() as session:
        # Nothing but Stripe's list can tell.
        await session.execute(update(PaymentAttempt).values(state="dropped"))
    report = await run(house)
    assert {one["session"] for one in report} == {first, second}
    assert {await house.state(one.order) for one in bought} == {PAID}
    await house.check()


async def test_with_the_cursor_lost_everything_is_compared_once_more(house: House) -> None:
    bought = await paid(house)
    await run(house)
    await house.stripe.do("refund", session=bought.session, amount=300)
    async with house.database.writes() as session:
        await session.execute(delete(Reconciliation))
        await session.execute(delete(StripeEvent))
    await run(house)
    assert (await house.order(bought.order)).refunded_amount == 300
    assert (await house.story(bought.order)).count("paid") == 1
    await house.check()


async def test_no_webhooks_for_days(house: House) -> None:
    bought = await house.buy(await house.thing())
    await run(house)
    await house.stripe.do("pay", session=bought.session)
    await house.pass_time_everywhere(days=4)
    await house.stripe.do("refund", session=bought.session, amount=500)
    disputed = await house.stripe.do("dispute", session=bought.session)
    await run(house)
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, 500)
    assert disputed["dispute"]["id"] in order.attention
    await house.check()


async def test_no_webhooks_for_longer_than_stripe_keeps_events(house: House) -> None:
    """Two orders are paid, one refunded, one disputed, one page was hidden by a stored 500; then two months pass."""
    settled, paying = await paid(house), await house.buy(await house.thing())
    shopper = house.shopper()
    await shopper.add(await house.thing())
    await house.stripe.fault("POST /v1/checkout/sessions", "500", "after")
    await shopper.order()
    hidden = (await house.stripe.objects("checkout.session"))[-1]
    await run(house)
    await house.stripe.do("pay", session=paying.session)
    await house.stripe.do("pay", session=hidden["id"])
    await house.stripe.do("refund", session=settled.session, amount=200)
    await house.stripe.do("dispute", session=paying.session)
    await house.pass_time_everywhere(days=60)
    await house.stripe.forget_events()
    await run(house)
    await house.shop.work("refund")
    assert (await house.order(settled.order)).refunded_amount == 200
    assert await house.state(paying.order) == PAID
    async with house.database.reads() as session:
        assert (await session.scalars(select(Dispute.order_id))).all() == [paying.order]
        order = (
            await session.execute(select(Order).where(Order.reference == hidden["client_reference_id"]))
        ).scalar_one()
        assert order.state == PAID
    await house.check()


async def test_refunds_that_change_without_an_event_are_seen_in_stripes_list(house: House) -> None:
    bought = await paid(house)
    made = await house.stripe.do("refund", session=bought.session, amount=500)
    await run(house)
    await house.stripe.do("fail_refund", refund=made["refund"]["id"])
    await house.stripe.forget_events()
    await run(house)
    order = await house.order(bought.order)
    assert order.refunded_amount == 0
    assert order.attention
    await house.check()


async def test_one_order_that_cannot_be_settled_does_not_keep_the_others(house: House) -> None:
    broken, fine = await house.buy(await house.thing()), await house.buy(await house.thing())
    await house.stripe.do("pay", session=broken.session)
    await house.stripe.do("pay", session=fine.session)
    await house.stripe.forget_events()
    hold_back = house.stripe

    async def strange(call: str, answer: Obj) -> Obj:
        if call.endswith(broken.session):
            del answer["payment_status"]
        return answer

    hold_back.change = strange
    report = await run(house)
    assert {one["outcome"] for one in report} == {"failed", "paid"}
    assert await house.state(fine.order) == PAID
    hold_back.change = None
    await run(house)
    assert await house.state(broken.order) == PAID
    await house.check()


@pytest.mark.parametrize("broken", ["session", "refund", "dispute"])
async def test_one_row_of_stripes_lists_that_cannot_be_read_does_not_keep_the_others(
    house: House, broken: str
) -> None:
    odd, fine = [await house.buy(await house.thing()) for _ in range(2)]
    for one in (odd, fine):
        await house.stripe.do("pay", session=one.session)
    if broken != "session":
        await house.deliver_new()
        for one in (odd, fine):
            await house.stripe.do("refund", session=one.session, amount=100)
            await house.stripe.do("dispute", session=one.session)
    await house.stripe.forget_events()
    payment = (await house.stripe.session(odd.session))["payment_intent"]
    missing = {"session": "payment_status", "refund": "amount", "dispute": "id"}[broken]
    lists = {"session": "checkout/sessions", "refund": "refunds", "dispute": "disputes"}
    asked = (
        {"GET /v1/refunds", f"GET /v1/{lists[broken]}"}
        if broken == "refund"
        else {f"GET /v1/{lists[broken]}"}
    )

    async def strange(call: str, answer: Obj) -> Obj:
        if call in asked:
            for row in answer["data"]:
                intent = row["payment_intent"]
                if (intent["id"] if isinstance(intent, dict) else intent) == payment:
                    del row[missing]
        return answer

    house.stripe.change = strange
    async with house.database.writes() as session:
        await session.execute(update(PaymentAttempt).values(state="expired"))
    await run(house)
    house.stripe.change = None
    (last,) = await runs(house)
    assert last.finished_at
    order = await house.order(fine.order)
    if broken == "session":
        assert order.state == PAID
    else:
        assert (order.refunded_amount, "dispute" in order.attention) == (100, True)


async def test_a_run_that_stripe_cuts_short_keeps_its_cursor_and_is_made_up_for_soon(house: House) -> None:
    await paid(house)
    await run(house)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.stripe.fault("GET /v1/events", "500", times=2)
    with pytest.raises(PaymentProblem):
        await run(house)
    first, second = await runs(house)
    assert second.cursor == first.cursor
    assert second.finished_at is None
    shop = house.shop
    every = timedelta(minutes=5)
    assert not await reconcile_if_due(shop.database, shop.gateway, shop.settings, every)
    house.pass_time(seconds=61)
    assert await reconcile_if_due(shop.database, shop.gateway, shop.settings, every)
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_of_several_workers_whose_time_has_come_one_reconciles(house: House) -> None:
    await paid(house)
    await run(house)
    house.pass_time(minutes=6)
    processes = [house.shop, house.another(), house.another()]
    ran = await asyncio.gather(
        *(
            reconcile_if_due(one.database, one.gateway, one.settings, timedelta(minutes=5))
            for one in processes * 2
        )
    )
    assert sum(ran) == 1


async def test_of_workers_that_wait_for_each_other_one_reconciles(house: House) -> None:
    await paid(house)
    await run(house)
    house.pass_time(minutes=6)
    postgresql = house.database.url.startswith("postgresql")

    async def all_wait() -> bool:
        async with house.database.reads() as session:
            waiting = (
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
            )
            return not postgresql or int(await session.scalar(text(waiting)) or 0) >= 3

    async with house.database.writes() as session:
        await lock(session, select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1))
        workers = [
            asyncio.create_task(
                reconcile_if_due(one.database, one.gateway, one.settings, timedelta(minutes=5))
            )
            for one in (house.another(), house.another(), house.another())
        ]
        await eventually(all_wait)
    assert sum(await asyncio.gather(*workers)) == 1


async def test_two_runs_at_once_do_nothing_twice(house: House) -> None:
    bought = [await house.buy(await house.thing()) for _ in range(3)]
    for one in bought:
        await house.stripe.do("pay", session=one.session)
    await house.stripe.do("refund", session=bought[0].session, amount=100)
    await asyncio.gather(run(house), run(house, house.another()), house.come_back(bought[1]))
    assert {await house.state(one.order) for one in bought} == {PAID}
    await house.check()


async def test_a_given_up_event_is_taken_up_again_by_reconciling(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.stripe.fault("GET /v1/checkout/sessions/*", "500", times=2)
    await house.deliver(completed)
    async with house.database.writes() as session:
        await session.execute(update(StripeEvent).values(state="given_up", next_try_at=None, tries=10))
    await run(house)
    assert (await house.inbox())[completed["id"]].state == "handled"
    assert await house.state(bought.order) == AWAITING


async def test_reports_and_events_are_not_kept_for_ever(house: House) -> None:
    bought = await paid(house)
    for _ in range(3):
        await run(house)
    house.pass_time(days=100)
    await house.shop.work("clean_up")
    (left,) = await runs(house)
    assert left.cursor
    assert await house.inbox()
    async with house.database.writes() as session:
        handled = select(StripeEvent.id).order_by(StripeEvent.id).limit(1).scalar_subquery()
        await session.execute(
            update(StripeEvent).where(StripeEvent.id != handled).values(state="given_up", next_try_at=None)
        )
    house.pass_time(days=100)
    await house.shop.work("clean_up")
    assert await house.inbox() == {}
    await house.deliver(*await house.stripe.events())
    assert (await house.story(bought.order)).count("paid") == 1
    assert now() > left.started_at
    await house.check()


async def test_pending_orders_are_left_alone(house: House) -> None:
    bought = await house.buy(await house.thing())
    assert await run(house) == []
    assert await house.state(bought.order) == PENDING
