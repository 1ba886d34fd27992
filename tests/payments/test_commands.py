"""storefront stripe …, beside a running shop."""

import pytest
from sqlalchemy import select

from storefront.orders.models import PAID, PaymentAttempt, Refund
from tests.payments import stripe_api
from tests.payments.scenarios import Ordered, ordered
from tests.shop import Running
from tests.stripe_double import StripeDouble, deliver


@pytest.fixture
async def order(shop: Running, stripe: StripeDouble) -> Ordered:
    return await ordered(shop, stripe)


async def left_behind(order: Ordered) -> tuple[list[str | None], list[str]]:
    """The sessions of an order's attempts, and the causes of its refunds."""
    async with order.shop.database() as database, database.reads() as session:
        found = (await order.now()).id
        attempts = select(PaymentAttempt.session_id).where(PaymentAttempt.order_id == found)
        refunds = select(Refund.cause).where(Refund.order_id == found)
        return list(await session.scalars(attempts)), list(await session.scalars(refunds))


async def simulate(order: Ordered, *words: str) -> None:
    number = (await order.now()).number
    code, said = await order.shop.command("stripe", "simulate", number, "--base", order.shop.url, *words)
    assert (code, "200" in said) == (0, True), said


async def test_a_simulated_payment_that_is_repeated_does_nothing(order: Ordered) -> None:
    for _ in range(3):
        await simulate(order)
    paid = await order.now()
    assert (paid.state, paid.attention, paid.refunded_amount) == (PAID, "", 0)
    assert await left_behind(order) == ([order.session["id"]], [])
    await simulate(order, "--type", "checkout.session.expired")
    assert (await order.now()).state == PAID


async def test_a_real_payment_that_is_simulated_once_more_does_nothing(order: Ordered) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    before = await order.now()
    await simulate(order)
    paid = await order.now()
    assert (paid.state, paid.attention, paid.payment_intent) == (PAID, "", before.payment_intent)
    assert await left_behind(order) == ([order.session["id"]], [])


async def test_only_what_the_shop_handles_is_simulated(order: Ordered) -> None:
    number = (await order.now()).number
    for wrong in ("bogus", "", "refund.created"):
        code, said = await order.shop.command("stripe", "simulate", number, "--type", wrong)
        assert (code, len(said.splitlines())) == (1, 1), wrong


async def test_an_event_that_is_not_there_is_one_line(shop: Running) -> None:
    assert await shop.command("stripe", "replay", "evt_nope") == (
        1,
        "storefront: there is no event evt_nope\n",
    )


async def test_numbers_are_ascii_digits(shop: Running) -> None:
    thing = await shop.new_thing(on_hand=9)
    for wrong in ("٣", "3٣", "1_0", "3.0", "three", "", "-5", "10000001"):
        code, said = await shop.command("stock", thing.sku, wrong)
        assert code == 1, wrong
        assert len(said.splitlines()) == 1
        assert "no whole number from 0 to 10,000,000" in said
    assert await shop.stock(thing) == (9, 0)
    assert await shop.command("stock", thing.sku, "12") == (0, f"{thing.sku} on hand 12 held 0\n")
    for words in (
        ("orders", "list", "--most", "٣"),
        ("stripe", "events", "--most", "1_0"),
        ("messages", "again", "٣"),
        ("credits", "adjust", "1", "٣", "--reason", "x"),
        ("orders", "refund", "SF-AAAAAA", "--amount", "٣"),
    ):
        code, said = await shop.command(*words)
        assert code == 1, words
        assert "number" in said or "amount" in said
        assert len(said.splitlines()) == 1


async def test_only_an_amount_of_a_payment_is_refunded(order: Ordered) -> None:
    """What is written and is no amount never means all of it, nor what is no payment the order's own."""
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    number = (await order.now()).number
    for wrong in ("", "0", "-1", "1e999999", "NaN", "٣"):
        code, said = await order.shop.command("orders", "refund", number, f"--amount={wrong}")
        assert code == 1, wrong
        assert "amount" in said
        assert len(said.splitlines()) == 1
    for wrong in ("", " ", "pi_elsewhere"):
        code, said = await order.shop.command("orders", "refund", number, f"--payment={wrong}")
        assert code == 1, wrong
        assert "no payment" in said
        assert len(said.splitlines()) == 1
    code, said = await order.shop.command("orders", "refund", number, "--restock", "--amount=")
    assert (code, len(said.splitlines())) == (1, 1)
    assert await left_behind(order) == ([order.session["id"]], [])
    assert await order.shop.command("orders", "refund", number, "--amount", "4.9") == (
        0,
        f"{number} $4.90 refunded, $4.90 in all\n",
    )


@pytest.mark.parametrize("tracking", ["12\n34", "12\x1b[31m34", "12\u202e34", "1" * 301])
async def test_tracking_is_one_readable_line(order: Ordered, tracking: str) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    number = (await order.now()).number
    code, said = await order.shop.command("orders", "ship", number, "--tracking", tracking)
    assert code == 1
    assert said.startswith("storefront: the tracking")
    assert len(said.splitlines()) == 1
    code, said = await order.shop.command("orders", "ship", number, "--tracking", "1" * 300)
    assert (code, said) == (0, f"{number} sent\n"), "nothing was sent before"


async def test_a_refund_that_stripe_refuses_is_said(order: Ordered) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    charge = order.stripe.kind("charge")[-1]
    charge["amount_refunded"] = charge["amount"]
    number = (await order.now()).number
    assert await order.shop.command("orders", "refund", number) == (
        1,
        f"storefront: {number}: $34.90 was not refunded: Stripe refused to refund it (charge_already_refunded)\n",
    )
