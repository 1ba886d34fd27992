"""The worker loop: several at once, killed at any time, and a mail server that is down."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from storefront import worker
from storefront.cart.models import Cart
from storefront.database import Busy, now
from storefront.orders.models import CANCELLED, FAILED, PAID, PENDING, PaymentAttempt
from storefront.outbox.models import WorkerBeat
from storefront.payments import giveup
from storefront.payments.errors import PaymentProblem
from storefront.worker import working
from tests.faults.house import House
from tests.outbox.post_office import PostOffice
from tests.shop import eventually, free_port


async def test_a_mail_server_that_is_down_delays_messages_and_nothing_else(house: House) -> None:
    port = free_port()
    shop, other = (house.another(smtp_url=_smtp(house, port)) for _ in range(2))
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    await asyncio.gather(shop.work("send_messages"), other.work("send_messages"))
    assert await house.state(bought.order) == PAID
    waiting = await house.messages()
    assert {(one.sent_at, one.tries) for one in waiting} == {(None, 1)}
    assert all(one.error and one.recipient not in one.error for one in waiting)
    office = PostOffice()
    async with office.open(port=port):
        house.pass_time(minutes=2)
        for _ in range(3):
            await asyncio.gather(shop.work("send_messages"), other.work("send_messages"))
    assert len(office.letters) == len(waiting)
    assert all(one.sent_at for one in await house.messages())
    await house.check()


async def test_an_order_that_cannot_be_given_up_keeps_the_goods_of_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = await house.thing(on_hand=3)
    bad, good = await house.buy(thing), await house.buy(thing)
    await house.pass_time_everywhere(hours=1)
    whole = giveup.give_up

    async def breaks(*given: Any, **more: Any) -> str:
        if given[3] == bad.order:
            raise RuntimeError("this one is broken")
        return await whole(*given, **more)

    monkeypatch.setattr(giveup, "give_up", breaks)
    with pytest.raises(RuntimeError):
        await house.shop.work("release_holds")
    assert await house.state(good.order) == CANCELLED
    assert await house.stock(thing) == (3, 1)
    monkeypatch.undo()
    await house.shop.work("release_holds")
    assert await house.stock(thing) == (3, 0)
    await house.check()


def _smtp(house: House, port: int) -> object:
    return type(house.shop.settings.smtp_url)(f"smtp://127.0.0.1:{port}")


async def test_several_workers_do_everything_once(house: House) -> None:
    """Two loops of two processes, as they run in every server, beside webhooks that arrive."""
    things = [await house.thing(on_hand=3) for _ in range(3)]
    bought = [await house.buy(thing) for thing in things]
    await house.stripe.do("pay", session=bought[0].session)
    await house.stripe.do("refund", session=bought[0].session, amount=500)
    await house.stripe.do("pay_delayed", session=bought[1].session)
    await house.stripe.do("fail", session=bought[1].session)
    await house.stripe.do("expire", session=bought[2].session)
    other = house.another()
    async with working(house.shop.worker), working(other.worker):
        await house.deliver_at_once(*await house.stripe.events(), processes=[house.shop, other])

        async def all_sent() -> bool:
            return all(one.sent_at for one in await house.messages())

        await eventually(all_sent)
    states = [await house.state(one.order) for one in bought]
    assert states == [PAID, FAILED, CANCELLED]
    letters = list(house.shop.settings.outbox_dir.glob("*.eml"))
    assert len(letters) == len(await house.messages())
    async with house.database.reads() as session:
        assert (await session.scalars(select(WorkerBeat.at))).all()
    await house.check()


async def test_a_page_that_is_left_open_is_closed(house: House) -> None:
    """The order was paid by its other page, or cancelled by staff, before this one was known."""
    bought, fine = await house.buy(await house.thing()), await house.buy(await house.thing())
    for one in (bought, fine):
        await house.stripe.do("pay_delayed", session=one.session)
    await house.deliver_new()
    sessions = {}
    for one in (bought, fine):
        spare = await house.buy(await house.thing())
        sessions[one.order] = spare.session
        async with house.database.writes() as session:
            await session.execute(
                update(PaymentAttempt)
                .where(PaymentAttempt.order_id == spare.order)
                .values(state="dropped", session_id=None)
            )
            session.add(
                PaymentAttempt(
                    order_id=one.order,
                    key=f"spare-{one.order}",
                    parameters={},
                    state="open",
                    session_id=spare.session,
                    expires_at=now() + timedelta(minutes=30),
                )
            )
    await house.stripe.sandbox.store.write(lambda books: books.remove(sessions[bought.order]))
    await house.shop.work("close_pages")
    spare_page = await house.stripe.session(sessions[fine.order])
    assert spare_page["status"] == "expired"
    states = {one.state for order in (bought.order, fine.order) for one in await house.attempts(order)}
    assert states == {"complete", "dropped", "expired"}


async def test_one_page_that_cannot_be_closed_does_not_keep_the_others(house: House) -> None:
    stuck, free = await house.buy(await house.thing()), await house.buy(await house.thing())
    house.pass_time(minutes=60)
    await house.stripe.fault(f"POST /v1/checkout/sessions/{stuck.session}/expire", "reset", times=None)
    await house.shop.work("release_holds")
    assert await house.state(free.order) == CANCELLED
    await house.stripe.heal()
    await house.shop.work("release_holds")
    assert await house.state(stuck.order) == CANCELLED
    await house.check()


async def test_a_failed_order_that_is_left_alone_is_given_up(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    await house.shop.work("release_holds")
    assert await house.state(bought.order) == FAILED
    house.pass_time(days=3, minutes=1)
    await house.shop.work("release_holds")
    assert await house.state(bought.order) == CANCELLED
    await house.check()


async def test_an_order_whose_page_never_came_to_be_is_given_up_when_its_hold_has_run_out(
    house: House,
) -> None:
    """Stripe stored a 500, so its attempt was dropped, and the shopper went away."""
    thing, shopper = await house.thing(on_hand=1), house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "500")
    assert (await shopper.order()).status == 503
    (order,) = await house.orders()
    assert [one.state for one in await house.attempts(order.id)] == ["dropped"]
    house.pass_time(minutes=50)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (PENDING, (1, 1))
    house.pass_time(minutes=20)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (CANCELLED, (1, 0))
    await house.check()


async def test_drafts_and_stale_carts_go_and_carts_of_open_orders_stay(house: House) -> None:
    stale, ordered = house.shopper(), await house.buy(await house.thing())
    await stale.add(await house.thing())
    house.pass_time(hours=25)
    await house.shop.work("clean_up")
    async with house.database.reads() as session:
        assert (await session.scalars(select(Cart.draft))).all() == [None, None]
    house.pass_time(days=61)
    await house.shop.work("clean_up")
    cart_id = (await house.order(ordered.order)).cart_id
    async with house.database.reads() as session:
        assert (await session.scalars(select(Cart.id))).all() == [cart_id]
    await house.check()


async def test_what_stands_in_messages_goes_after_a_month(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    await house.shop.work("send_messages")
    house.pass_time(days=31)
    await house.shop.work("clean_up")
    left = await house.messages()
    assert len(left) == 2
    assert [(one.recipient, one.data) for one in left] == [("", {})] * 2
    await house.check()


async def test_a_worker_reconciles_when_it_starts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happened while no process ran is settled at once, even if the last run was a minute ago."""
    monkeypatch.setattr(worker, "JOBS", ())
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    async with working(house.shop.worker):

        async def paid() -> bool:
            return await house.state(bought.order) == PAID

        await eventually(paid)


async def test_a_job_that_fails_does_not_stop_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    async def broken(_room: object) -> None:
        ran.append("broken")
        raise RuntimeError("a mistake of ours")

    async def refused(_room: object) -> None:
        ran.append("refused")
        raise PaymentProblem

    monkeypatch.setattr(worker, "JOBS", ((0.01, broken), (0.01, refused)))
    async with working(house.shop.worker):

        async def often() -> bool:
            return min(ran.count("broken"), ran.count("refused")) >= 3

        await eventually(often)


async def test_a_job_that_fails_runs_at_growing_distances_until_it_works(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the ways to fail counts; the first success starts anew."""
    ends: list[Exception | None] = [PaymentProblem(), Busy(), RuntimeError("a mistake of ours"), None, Busy()]
    waited: list[tuple[float, int]] = []
    done = asyncio.Event()

    async def job(_room: object) -> None:
        end = ends.pop(0) if ends else None
        if end is not None:
            raise end

    def pause_after(seconds: float, failures: int) -> float:
        waited.append((seconds, failures))
        if not ends:
            done.set()
        return 0.0

    monkeypatch.setattr(worker, "JOBS", ((5, job),))
    monkeypatch.setattr(worker, "pause_after", pause_after)
    async with working(house.shop.worker), asyncio.timeout(10):
        await done.wait()
    assert waited[:5] == [(5, 1), (5, 2), (5, 3), (5, 0), (5, 1)]


def test_every_job_is_in_the_loop() -> None:
    names = {job.__name__ for _, job in worker.JOBS}
    assert names >= {
        "send_messages",
        "answer_questions",
        "retry_events",
        "refund",
        "release_holds",
        "close_pages",
        "ask_whether_stripe_is_back",
        "reconcile_now_and_then",
        "beat",
        "clean_up",
    }


async def test_a_cancellation_that_is_lost_does_not_keep_the_shop_from_ending(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def swallows_once(_room: object) -> None:
        if begun.is_set():
            await asyncio.sleep(60)
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    monkeypatch.setattr(worker, "JOBS", ((0.01, swallows_once),))
    async with asyncio.timeout(15):
        async with working(house.shop.worker):
            await begun.wait()
