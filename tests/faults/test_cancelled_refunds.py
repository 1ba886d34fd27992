"""Refunds that are called back at Stripe before the money arrived: nobody has it, so somebody must know."""

import asyncio
import os
import shlex

import pytest

from storefront.orders.models import CANCELLED, PAID
from storefront.payments.refund import NotRefundable
from tests.faults.house import SECRET, Bought, House
from tests.faults.roads import served
from tests.faults.test_refunds import ask, paid, send
from tests.faults.two_payments import late_and_gone, paid_twice
from tests.forks import storefront

ON_THE_WAY = ("pending", "requires_action")
PENDING_FIRST = "4000000000007726"


async def mailed_command(house: House) -> list[str]:
    """The words of the command that the owner was written last."""
    what_to_do = (await house.messages("owner-attention"))[-1].data["what_to_do"]
    _before, _, words = what_to_do.rpartition(": storefront ")
    assert words, what_to_do
    return shlex.split(words)


async def run(house: House, *words: str) -> tuple[int, str]:
    """What `storefront …` does in a process of its own, beside this shop and with its Stripe."""
    async with served(house.stripe.sandbox.api) as base:
        given = {
            "DATABASE_URL": house.shop.settings.database,
            "STRIPE_SECRET_KEY": "sk_test_" + "faults",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": base,
            "WORKER": "separate",
        }
        done = await asyncio.to_thread(storefront, *words, environment={**os.environ, **given})
    return done.returncode, done.stdout + done.stderr


async def comes_back(house: House, bought: Bought, end: str) -> str:
    """The refund under way is cancelled at Stripe, or fails; gives its payment."""
    made = (await house.stripe.objects("refund"))[-1]
    await house.stripe.do(end, refund=made["id"])
    await house.deliver_new()
    assert made["id"] in (await house.order(bought.order)).attention
    return str(made["payment_intent"])


@pytest.mark.parametrize("status", ON_THE_WAY)
async def test_a_refund_that_is_cancelled_at_stripe_stands_before_staff(house: House, status: str) -> None:
    bought = await paid(house)
    made = (await house.stripe.do("refund", session=bought.session, amount=700, status=status))["refund"]
    await house.deliver_new()
    assert (await house.order(bought.order)).refunded_amount == 700, "it is on its way"
    await house.stripe.do("cancel_refund", refund=made["id"])
    await house.deliver_new()
    for event in await house.stripe.events("refund.updated", "charge.refund.updated"):
        await house.deliver({**event, "id": f"{event['id']}_again"})
    order = await house.order(bought.order)
    assert order.refunded_amount == 0
    assert order.attention == f"a refund of $7.00 was cancelled at Stripe ({made['id']})"
    (told,) = await house.messages("owner-attention")
    assert told.data["reason"] == order.attention
    assert f"storefront orders refund {order.number}" in told.data["what_to_do"]
    assert (await house.story(bought.order)).count("refund-cancelled") == 1
    assert "A refund of $7.00 was cancelled" in (await house.page(bought.order)).words
    await house.check()


async def test_a_refund_of_ours_that_is_cancelled_can_be_made_again(house: House) -> None:
    """Heard of by the reconciler alone: the money of a payment with another card takes a while."""
    bought = await house.buy(await house.thing(price=1500))
    await house.stripe.do("pay", session=bought.session, card="4000000000007726")
    await house.deliver_new()
    await ask(house.shop, bought.order)
    await send(house)
    (made,) = await house.stripe.objects("refund")
    await house.stripe.do("cancel_refund", refund=made["id"])
    await house.shop.work("reconcile_now_and_then")
    order = await house.order(bought.order)
    assert (order.refunded_amount, "was cancelled" in order.attention) == (0, True)
    await ask(house.shop, bought.order)
    await send(house)
    assert [one.state for one in await house.refunds(bought.order)] == ["canceled", "pending"]
    assert (await house.order(bought.order)).refunded_amount == 1500
    await house.check()


async def test_a_second_payment_whose_refund_is_cancelled_goes_back_by_the_mailed_command(
    house: House,
) -> None:
    """Paid twice: the order's own payment stays where it is, and the order can be sent."""
    bought = await paid_twice(house, card=PENDING_FIRST)
    causes = set()
    for _ in range(2):
        second = await comes_back(house, bought, "cancel_refund")
        order = await house.order(bought.order)
        assert second != order.payment_intent
        words = await mailed_command(house)
        assert words == ["orders", "refund", order.number, "--payment", second]
        assert await run(house, *words) == (
            0,
            f"{order.number} $15.00 refunded, $15.00 in all of payment {second}\n",
        )
        await house.deliver_new()
        causes.add((await house.refunds(bought.order))[-1].cause)
    made = await house.stripe.objects("refund")
    assert [one["status"] for one in made] == ["canceled", "canceled", "pending"]
    assert {one["payment_intent"] for one in made} == {second}
    assert len({one["metadata"]["refund_id"] for one in made}) == 3
    assert causes == {one["metadata"]["refund_id"] for one in made[1:]}
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (PAID, 0)
    assert await run(house, *words) == (
        1,
        f"storefront: nothing of payment {second} of {order.number} can be refunded\n",
    )
    await house.check()


async def test_late_money_whose_refund_is_cancelled_goes_back_by_the_mailed_command(house: House) -> None:
    bought = await late_and_gone(house, card=PENDING_FIRST)
    payment = await comes_back(house, bought, "cancel_refund")
    order = await house.order(bought.order)
    assert await mailed_command(house) == ["orders", "refund", order.number, "--payment", payment]
    assert (await run(house, *await mailed_command(house)))[0] == 0
    await house.deliver_new()
    order = await house.order(bought.order)
    assert (order.state, order.refunded_amount) == (CANCELLED, order.total)
    assert [one.state for one in await house.refunds(bought.order)] == ["canceled", "pending"]
    (told,) = await house.messages("refunded")
    assert told.data["refund"] == "$15.00"
    await house.check()


async def test_of_each_payment_no_more_goes_back_than_was_paid(house: House) -> None:
    """Nor do things come back into stock with money that did not pay for them."""
    bought = await paid_twice(house, card=PENDING_FIRST)
    second = (await house.stripe.objects("refund"))[-1]["payment_intent"]
    with pytest.raises(NotRefundable, match="nothing"):
        await ask(house.shop, bought.order, payment=second)
    await comes_back(house, bought, "cancel_refund")
    for amount in (1501, 0):
        with pytest.raises(NotRefundable):
            await ask(house.shop, bought.order, amount, payment=second)
    with pytest.raises(NotRefundable, match="stock"):
        await ask(house.shop, bought.order, payment=second, restock=True)
    with pytest.raises(NotRefundable, match="no payment"):
        await ask(house.shop, bought.order, payment="pi_elsewhere")
    await ask(house.shop, bought.order, 1000, payment=second)
    await ask(house.shop, bought.order, 500, payment=second)
    with pytest.raises(NotRefundable, match="nothing"):
        await ask(house.shop, bought.order, 1, payment=second)
    await ask(house.shop, bought.order, 1500)
    await send(house)
    order = await house.order(bought.order)
    assert order.refunded_amount == 1500
    assert house.stripe.now().refunded(second) == 1500
    await house.deliver_new()
    await house.check()


async def test_a_payment_that_is_none_of_the_orders_is_for_the_dashboard(house: House) -> None:
    """It was of another amount, so the shop never took it for the order's, and no command of ours sends it back."""
    bought = await house.buy(await house.thing(price=1500))
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    completed["data"]["object"]["amount_total"] = 1400
    await house.deliver(completed)
    made = (await house.stripe.do("refund", session=bought.session, status="pending"))["refund"]
    await house.stripe.do("cancel_refund", refund=made["id"])
    await house.deliver(*await house.stripe.events("refund.updated", "charge.refund.updated"))
    what_to_do = (await house.messages("owner-attention"))[-1].data["what_to_do"]
    assert made["payment_intent"] in what_to_do
    assert "Dashboard" in what_to_do
    assert "storefront" not in what_to_do
