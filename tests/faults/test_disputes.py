"""Payments that their owner's bank disputes: goods stay here, the owner is told, and nothing else is forgotten."""

import pytest

from storefront.database import now
from storefront.orders.change import resolve
from storefront.orders.models import PAID, Order
from storefront.orders.queries import lock_order
from storefront.orders.ship import CannotShip, ship_order
from storefront.payments.models import Dispute
from storefront.payments.refund import NotRefundable
from tests.faults.house import Bought, House
from tests.faults.test_refunds import ask, paid, send


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


async def test_what_a_dispute_has_taken_is_not_refunded_too(house: House) -> None:
    bought = await paid(house)
    opened = (await house.stripe.do("dispute", session=bought.session, amount=900))["dispute"]
    await house.deliver_new()
    for end in ("", "answer_dispute", "lose_dispute"):
        if end:
            await house.stripe.do(end, dispute=opened["id"])
            await house.deliver_new()
        with pytest.raises(NotRefundable, match=r"\$6.00 of .* can be refunded: a dispute has taken \$9.00"):
            await ask(house.shop, bought.order, 601)
    whole = await paid(house)
    opened = (await house.stripe.do("dispute", session=whole.session))["dispute"]
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    with pytest.raises(NotRefundable, match=r"nothing of .* can be refunded: a dispute has taken"):
        await ask(house.shop, whole.order)
    assert await house.refunds(whole.order) == []
    await house.check()


async def test_an_inquiry_takes_nothing_and_may_be_refunded(house: House) -> None:
    bought = await paid(house)
    await house.stripe.do("dispute", session=bought.session, inquiry=True)
    await house.deliver_new()
    await ask(house.shop, bought.order)
    await send(house)
    assert (await house.order(bought.order)).refunded_amount == 1500
    won = await paid(house)
    opened = (await house.stripe.do("dispute", session=won.session))["dispute"]
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new()
    assert (await ask(house.shop, won.order)).amount == 1500
    await send(house)
    await house.deliver_new()
    assert (await house.order(won.order)).refunded_amount == 1500
    await house.check()


async def test_a_refund_that_waits_is_not_made_when_a_dispute_took_the_money(house: House) -> None:
    """The refund was put down before the dispute was heard of."""
    bought = await paid(house)
    refund = await ask(house.shop, bought.order, 500)
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    asked = house.stripe.asked("POST /v1/refunds")
    await send(house)
    assert house.stripe.asked("POST /v1/refunds") == asked
    (row,) = await house.refunds(bought.order)
    assert (row.id, row.state, row.error) == (
        refund.id,
        "failed",
        "a dispute has taken $15.00 of the payment",
    )
    order = await house.order(bought.order)
    assert row.error in order.attention
    assert order.refunded_amount == 0
    await house.check()


async def test_a_dispute_of_a_second_payment_is_none_of_the_first(house: House) -> None:
    bought = await paid(house)
    async with house.database.writes() as session:
        session.add(
            Dispute(
                order_id=bought.order,
                stripe_id="du_other",
                payment_intent="pi_other",
                status="lost",
                amount=1500,
                currency="USD",
            )
        )
    assert (await ask(house.shop, bought.order)).amount == 1500
    await send(house)
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 1500
    await house.check()
