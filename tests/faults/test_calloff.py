"""A paid order that its shopper cancels before it is sent: the money and the goods go back once, whoever is quicker."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from storefront.orders.change import resolve
from storefront.orders.models import PAID, Order
from storefront.orders.queries import lock_order
from storefront.orders.ship import CannotShip, ship_order
from storefront.payments.calloff import CannotCallOff, call_off
from storefront.payments.refund import NotRefundable
from tests.faults.house import Bought, House, Process
from tests.faults.test_refunds import ask, paid, send
from tests.web.page import Answer

CANCEL = "Cancel the order"


async def press(house: House, bought: Bought, process: Process | None = None) -> Answer:
    """The button on the page that says what cancelling means."""
    token = (await house.order(bought.order)).token
    return await house.shopper(process).post(f"/orders/{token}/cancel", {"paid": "yes"})


async def ship(process: Process, order_id: int) -> None:
    async with process.database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        assert order is not None
        await ship_order(session, process.settings, order, "1Z999")


async def off(process: Process, order_id: int) -> bool:
    async with process.database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        assert order is not None
        return await call_off(session, process.settings, order)


async def test_a_paid_order_is_cancelled_from_its_page(house: House) -> None:
    thing = await house.thing(delivered=True)
    bought = await paid(house, thing, quantity=2)
    assert await house.stock(thing) == (3, 0)
    page = await house.page(bought.order)
    token = (await house.order(bought.order)).token
    assert CANCEL in page.words
    asks = await bought.shopper.get(f"/orders/{token}/cancel")
    assert "$35.00 goes back the way you paid it." in asks.words
    assert (await house.stock(thing), await house.refunds(bought.order)) == ((3, 0), []), "only asked"
    assert (await bought.shopper.submit(asks, f"/orders/{token}/cancel")).status == 303
    assert await house.stock(thing) == (5, 0), "nothing is sent any more, so the goods are there at once"
    page = await house.page(bought.order)
    assert "This order was cancelled" in page.element("order-status").text
    assert CANCEL not in page.words
    await send(house)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, order.total)
    assert "This order was cancelled" in (await house.page(bought.order)).element("order-status").text
    assert [len(await house.messages(f"order-called-off{to}")) for to in ("", "-owner")] == [1, 1]
    assert await house.stock(thing) == (5, 0)
    await house.shop.work("send_messages")
    await house.check()


async def test_an_old_page_of_an_open_order_does_not_cancel_a_paid_one(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    token = (await house.order(bought.order)).token
    assert (await bought.shopper.post(f"/orders/{token}/cancel", {})).status == 303
    assert (await house.order(bought.order)).called_off_at is None
    await house.check()


async def test_cancelling_twice_at_two_processes_is_once(house: House) -> None:
    thing = await house.thing(delivered=True)
    bought = await paid(house, thing)
    answers = await asyncio.gather(*(press(house, bought, one) for one in (house.shop, house.another())))
    assert [one.status for one in answers] == [303, 303]
    assert (await press(house, bought)).status == 303
    await send(house)
    assert [one.state for one in await house.refunds(bought.order)] == ["succeeded"]
    assert await house.stock(thing) == (5, 0)
    assert len(await house.messages("order-called-off")) == 1
    await house.check()


async def _either(first: Awaitable[object], second: Awaitable[object], *refused: type[Exception]) -> int:
    """Both at once; which of them was done."""
    done = await asyncio.gather(first, second, return_exceptions=True)
    failed = [isinstance(one, refused) for one in done]
    assert sum(failed) == 1, done
    return failed.index(False)


@pytest.mark.parametrize("first", ["ship", "cancel"])
async def test_sending_and_cancelling_at_once(house: House, first: str) -> None:
    thing = await house.thing(delivered=True)
    bought = await paid(house, thing)
    both: dict[str, Callable[[], Awaitable[object]]] = {
        "ship": lambda: ship(house.another(), bought.order),
        "cancel": lambda: off(house.another(), bought.order),
    }
    order = [first, *(set(both) - {first})]
    done = order[await _either(both[order[0]](), both[order[1]](), CannotShip, CannotCallOff)]
    await send(house)
    went_back = (await house.order(bought.order)).refunded_amount
    assert (await house.stock(thing), went_back) == (((4, 0), 0) if done == "ship" else ((5, 0), 2000))
    assert (await press(house, bought)).status == (409 if done == "ship" else 303)
    await house.check()


async def test_a_refund_by_staff_and_cancelling_at_once(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    work = off(house.another(), bought.order), ask(house.another(), bought.order, 100)
    done = await _either(*work, CannotCallOff, NotRefundable)
    await send(house)
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == (2000, 100)[done]
    assert (await press(house, bought)).status == (303, 409)[done]
    await house.check()


async def test_a_dispute_and_cancelling_at_once(house: House) -> None:
    thing = await house.thing(delivered=True)
    bought = await paid(house, thing)
    await house.stripe.do("dispute", session=bought.session)
    (event,) = await house.stripe.events("charge.dispute.created")
    answer, _ = await asyncio.gather(press(house, bought, house.another()), house.deliver(event))
    await send(house)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert order.attention, "money that a dispute took is not sent back too; staff see it"
    assert order.refunded_amount == 0
    assert await house.stock(thing) == ((5, 0) if answer.status == 303 else (4, 0))
    async with house.database.writes() as session:
        locked = await lock_order(session, Order.id == bought.order)
        assert locked is not None
        resolve(locked)
    with pytest.raises(CannotShip):
        await ship(house.shop, bought.order)
    await house.check()


async def test_what_cannot_come_back_is_not_cancelled_here(house: House) -> None:
    download = await paid(house, await house.thing())
    disputed = await paid(house, await house.thing(delivered=True))
    await house.stripe.do("dispute", session=disputed.session)
    await house.deliver_new()
    in_part = await paid(house, await house.thing(delivered=True))
    await house.stripe.do("refund", session=in_part.session, amount=100)
    await house.deliver_new()
    for bought, reason in (
        (download, "sent by e-mail"),
        (disputed, "disputed at the bank"),
        (in_part, "Some of its money went back already"),
    ):
        assert CANCEL not in (await house.page(bought.order)).words
        answer = await press(house, bought)
        assert (answer.status, reason in answer.words) == (409, True), answer.words
        assert (await house.order(bought.order)).called_off_at is None
    await house.check()


async def test_a_refund_that_fails_leaves_a_cancelled_order_unsent(house: House) -> None:
    thing = await house.thing(delivered=True)
    bought = await paid(house, thing)
    await press(house, bought)
    await house.stripe.do("refund", session=bought.session, amount=500)
    await house.deliver_new()
    await send(house)
    assert (await house.order(bought.order)).attention
    async with house.database.writes() as session:
        locked = await lock_order(session, Order.id == bought.order)
        assert locked is not None
        resolve(locked)
    with pytest.raises(CannotShip, match="cancelled by its shopper"):
        await ship(house.shop, bought.order)
    assert await house.stock(thing) == (5, 0)
    await house.check()
