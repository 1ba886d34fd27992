"""Payments that their owner's bank disputes: goods stay here, the owner is told, and nothing else is forgotten."""

import pytest

from storefront.database import now
from storefront.orders.change import resolve
from storefront.orders.models import PAID, Order
from storefront.orders.queries import lock_order
from storefront.orders.ship import CannotShip, ship_order
from storefront.payments.models import Dispute
from tests.faults.house import Bought, House
from tests.faults.test_refunds import paid


async def ship(house: House, bought: Bought) -> None:
    async with house.database.writes() as session:
        order = await lock_order(session, Order.id == bought.order)
        assert order is not None
        await ship_order(session, house.shop.settings, order, "TRACK-1")


async def dispute(house: House) -> Dispute:
    async with house.database.reads() as session:
        return await session.get_one(Dispute, 1)


async def test_a_dispute_that_is_won_holds_the_goods_back_until_then(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.deliver_new()
    found = await dispute(house)
    assert (found.status, found.amount, found.currency) == ("needs_response", 1500, "USD")
    assert found.due_by is not None
    assert int(found.due_by.timestamp()) == opened["evidence_details"]["due_by"]
    assert found.due_by > now()
    with pytest.raises(CannotShip, match="dispute"):
        await ship(house, bought)
    await house.stripe.do("answer_dispute", dispute=opened["id"])
    await house.deliver_new()
    assert (await dispute(house)).status == "under_review"
    with pytest.raises(CannotShip):
        await ship(house, bought)
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new(order="reversed")
    assert (await dispute(house)).status == "won"
    assert (await house.order(bought.order)).attention == ""
    await ship(house, bought)
    told = [one.data["reason"] for one in await house.messages("owner-attention")]
    assert len(told) == 3
    await house.check()


async def test_a_dispute_that_is_lost_stays_before_staff(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session, amount=900))["dispute"]
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, 0)
    assert "lost" in order.attention
    with pytest.raises(CannotShip):
        await ship(house, bought)
    await house.check()


async def test_a_dispute_that_is_heard_closed_before_it_was_heard_opened(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new("charge.dispute.closed")
    await house.deliver_new("charge.dispute.created")
    assert (await dispute(house)).status == "won"
    assert (await house.order(bought.order)).attention == ""
    assert (await house.story(bought.order)).count("disputed") == 1
    assert len(await house.messages("owner-attention")) == 1
    await house.check()


async def test_an_inquiry_closes_and_may_still_become_a_dispute(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session, inquiry=True))["dispute"]
    await house.deliver_new()
    assert (await dispute(house)).status == "warning_needs_response"
    with pytest.raises(CannotShip):
        await ship(house, bought)
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new()
    assert (await dispute(house)).status == "warning_closed"
    assert (await house.order(bought.order)).attention == ""
    await house.stripe.sandbox.store.write(
        lambda books: books.save(
            {**books.need("dispute", opened["id"], "dispute"), "status": "needs_response"}
        )
    )
    (event,) = await house.stripe.events("charge.dispute.created")
    await house.deliver({**event, "id": "evt_escalated", "type": "charge.dispute.updated"})
    assert (await dispute(house)).status == "needs_response"
    with pytest.raises(CannotShip):
        await ship(house, bought)
    await house.check()


async def test_a_dispute_that_ends_leaves_other_reasons_before_staff(house: House) -> None:
    bought = await paid(house)
    refund = (await house.stripe.do("refund", session=bought.session, amount=100))["refund"]
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()
    order = await house.order(bought.order)
    assert "refund" in order.attention
    assert "dispute" in order.attention
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new()
    order = await house.order(bought.order)
    assert "refund" in order.attention
    assert "dispute" not in order.attention
    await house.check()


async def test_staff_decide_about_everything_but_an_open_dispute(house: House) -> None:
    bought = await paid(house)
    refund = (await house.stripe.do("refund", session=bought.session, amount=100))["refund"]
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()

    async def decide() -> list[str]:
        async with house.database.writes() as session:
            order = await lock_order(session, Order.id == bought.order)
            assert order is not None
            return resolve(order)

    (left,) = await decide()
    assert opened["id"] in left
    with pytest.raises(CannotShip):
        await ship(house, bought)
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    assert await decide() == []
    await ship(house, bought)
    await house.check()


async def test_a_dispute_of_a_payment_that_we_have_not_heard_of_yet(house: House) -> None:
    """Its event names a payment, and that one says whose it is."""
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.stripe.do("dispute", session=bought.session)
    await house.deliver_new("charge.dispute.created")
    assert (await dispute(house)).order_id == bought.order
    await house.deliver_new()
    assert "dispute" in (await house.order(bought.order)).attention
    await house.check()
