"""What the page of a paid order promises about its money: to cancel it is offered only where it can be done, and what
goes back is promised only as long as it does."""

import pytest

from storefront.orders.change import resolve
from storefront.orders.models import Order
from storefront.orders.queries import lock_order
from storefront.payments.models import Dispute
from tests.credits.people import buyer, package
from tests.faults.house import Bought, House
from tests.faults.test_calloff import CANCEL, press
from tests.faults.test_refunds import ask, no_list, paid, send
from tests.faults.two_payments import late_and_gone

PROMISE = ("All of your money goes back", "working days")
LOOKING = "The refund did not go through as it should. We are looking at it, and write to you."


LATE = "Your payment arrived after the order had been given up"


async def decide(house: House, bought: Bought) -> None:
    """Staff have looked at the order."""
    async with house.database.writes() as session:
        order = await lock_order(session, Order.id == bought.order)
        assert order is not None
        resolve(order)


async def refused(house: House, bought: Bought, why: str) -> None:
    """Cancelling is offered nowhere, and whoever presses an old button changes nothing."""
    token = (await house.order(bought.order)).token
    assert CANCEL not in (await house.page(bought.order)).words
    for answer in (await house.shopper().get(f"/orders/{token}/cancel"), await press(house, bought)):
        assert (answer.status, why in answer.words) == (409, True), answer.words
    assert (await house.order(bought.order)).called_off_at is None
    assert not [one for one in await house.refunds(bought.order) if not one.cause.startswith("stripe:")]
    assert not await house.messages("order-called-off")


async def promised(house: House, bought: Bought) -> bool:
    """Whether the order's page says that all of the money goes back; it says the other thing if not."""
    said = (await house.page(bought.order)).element("order-status").text
    found = {words in said for words in PROMISE} | {LOOKING not in said}
    assert len(found) == 1, said
    assert "Nothing will be sent." in said
    return found.pop()


@pytest.mark.parametrize("amount", [500, None])
async def test_what_a_lost_dispute_took_is_not_promised_by_a_button(house: House, amount: int | None) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    how_much = {} if amount is None else {"amount": amount}
    opened = (await house.stripe.do("dispute", session=bought.session, **how_much))["dispute"]
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    for _ in ("before staff", "decided"):
        await refused(house, bought, "The bank took money of this payment back already.")
        await decide(house, bought)
    await house.check()


async def test_a_refund_that_stripe_cannot_list_is_not_promised_once_more(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    await house.stripe.do("refund", session=bought.session, amount=700)
    house.stripe.change = no_list
    await house.deliver_new("charge.refunded")
    await refused(house, bought, "Some of its money went back already")
    house.stripe.change = None
    await house.deliver_new()
    await house.check()


async def test_what_a_dispute_took_unnoticed_is_not_promised_either(house: House) -> None:
    """The sum is looked at once more when the refund is put down, whatever the order's story tells."""
    bought = await paid(house, await house.thing(delivered=True))
    async with house.database.writes() as session:
        intent = (await session.get_one(Order, bought.order)).payment_intent or ""
        row = {"stripe_id": "du_1", "payment_intent": intent, "status": "lost", "currency": "USD"}
        session.add(Dispute(order_id=bought.order, amount=500, **row))
    answer = await press(house, bought)
    assert (answer.status, "Some of its money went back already" in answer.words) == (409, True)
    assert (await house.order(bought.order)).called_off_at is None
    assert await house.refunds(bought.order) == []
    await house.check()


async def test_credits_and_what_waits_for_staff_are_not_cancelled_here(house: House) -> None:
    anna = await buyer(house)
    credits = await anna.pay(await package(house, 100))
    await refused(house, credits, "Its credits are in your account already.")
    looked_at = await paid(house, await house.thing(delivered=True))
    made = (await house.stripe.do("refund", session=looked_at.session, amount=100))["refund"]
    await house.stripe.do("fail_refund", refund=made["id"])
    await house.deliver_new()
    await refused(house, looked_at, "We are looking at this order already.")
    await decide(house, looked_at)
    assert CANCEL in (await house.page(looked_at.order)).words
    await house.check()


@pytest.mark.parametrize("end", ["fail_refund", "cancel_refund"])
async def test_money_that_came_back_is_not_promised_any_more(house: House, end: str) -> None:
    bought = await house.buy(await house.thing(delivered=True))
    await house.stripe.do("pay", session=bought.session, card="4000000000007726")
    await house.deliver_new()
    await press(house, bought)
    assert await promised(house, bought), "the worker asks Stripe in a moment"
    await send(house)
    assert await promised(house, bought), "it is on its way"
    (made,) = await house.stripe.objects("refund")
    await house.stripe.do(end, refund=made["id"])
    await house.deliver_new()
    assert not await promised(house, bought)
    await decide(house, bought)
    order = await house.order(bought.order)
    await house.stripe.do("refund", session=bought.session, amount=order.total - 1)
    await house.deliver_new()
    assert not await promised(house, bought), "all but a cent"
    await house.stripe.do("refund", session=bought.session, amount=1)
    await house.deliver_new()
    assert await promised(house, bought)
    await house.check()


async def test_a_refund_that_stripe_refuses_is_not_promised_any_more(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    await press(house, bought)
    await house.stripe.do("dispute", session=bought.session)
    await house.deliver_new()
    await send(house)
    assert not await promised(house, bought)
    await house.check()


@pytest.mark.parametrize("end", ["fail_refund", "cancel_refund"])
async def test_the_page_of_late_money_says_where_the_money_is(house: House, end: str) -> None:
    bought = await late_and_gone(house, card="4000000000007726", send=False)

    async def page() -> bool:
        said = (await house.page(bought.order)).element("order-status").text
        assert LATE in said
        assert "nothing is owed" not in said
        return await promised(house, bought)

    assert await page(), "the worker asks Stripe in a moment"
    await send(house)
    await house.deliver_new()
    assert await page(), "it is on its way"
    (made,) = await house.stripe.objects("refund")
    await house.stripe.do(end, refund=made["id"])
    await house.deliver_new()
    for _ in ("before staff", "decided"):
        assert not await page()
        await decide(house, bought)
    await ask(house.shop, bought.order, 1499, payment=made["payment_intent"])
    assert not await page(), "all but a cent"
    await ask(house.shop, bought.order, 1, payment=made["payment_intent"])
    assert await page()
    await send(house)
    await house.deliver_new()
    assert await page()
    await house.check()


async def test_the_page_of_late_money_that_stripe_does_not_send_back_says_so(house: House) -> None:
    bought = await late_and_gone(house, send=False)
    await house.stripe.do("dispute", session=bought.session)
    await house.deliver_new()
    await send(house)
    assert LATE in (await house.page(bought.order)).words
    assert not await promised(house, bought)
    await house.check()
