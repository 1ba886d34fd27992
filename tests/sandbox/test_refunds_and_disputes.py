"""Money that goes back: refunds at once, pending, failing days later; disputes and inquiries."""

from typing import Any

import pytest
import stripe

from storefront.sandbox import Sandbox
from storefront.sandbox.errors import ApiError
from tests.sandbox.conftest import Shop, order


@pytest.fixture
async def paid(client: stripe.StripeClient, sandbox: Sandbox, shop: Shop) -> Any:
    """A session that was paid with 4242 and whose events have arrived."""
    made = await client.v1.checkout.sessions.create_async(order())
    done = await sandbox.control("pay", session=made.id)
    await shop.until(4)
    shop.events.clear()
    return done


async def test_a_payment_is_refunded_in_parts(
    client: stripe.StripeClient, paid: Any, shop: Shop, check: Any
) -> None:
    intent = paid["payment_intent"]["id"]
    first = await client.v1.refunds.create_async(
        {"payment_intent": intent, "amount": 1000, "metadata": {"refund_id": "1"}, "reason": "duplicate"}
    )
    check(first)
    assert (first.status, first.amount, first.charge) == ("succeeded", 1000, paid["charge"]["id"])
    second = await client.v1.refunds.create_async({"charge": paid["charge"]["id"]})
    assert second.amount == 1500
    charge = await client.v1.charges.retrieve_async(str(first.charge), {"expand": ["refunds"]})
    check(charge)
    assert (charge.amount_refunded, charge.refunded) == (2500, True)
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [second.id, first.id]
    listed = await client.v1.refunds.list_async({"payment_intent": intent})
    assert [refund.metadata for refund in listed.data][1] is not None
    assert sorted(await shop.until(4)) == ["charge.refunded"] * 2 + ["refund.created"] * 2
    for event in shop.events:
        check(event)


async def test_more_than_was_paid_is_never_refunded(client: stripe.StripeClient, paid: Any) -> None:
    intent = paid["payment_intent"]["id"]
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await client.v1.refunds.create_async({"payment_intent": intent, "amount": 2501})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid positive integer"):
        await client.v1.refunds.create_async({"payment_intent": intent, "amount": 0})
    await client.v1.refunds.create_async({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"
    with pytest.raises(stripe.InvalidRequestError, match="One of the following params"):
        await client.v1.refunds.create_async({})


async def test_a_refund_that_fails_gives_the_money_back_to_the_shop(
    client: stripe.StripeClient, sandbox: Sandbox, paid: Any, shop: Shop, check: Any
) -> None:
    refund = await client.v1.refunds.create_async(
        {"payment_intent": paid["payment_intent"]["id"], "amount": 500}
    )
    done = await sandbox.control("fail_refund", refund=refund.id)
    assert (done["refund"]["status"], done["charge"]["amount_refunded"]) == ("failed", 0)
    types = await shop.until(5)
    assert set(types) >= {"refund.failed", "refund.updated", "charge.refund.updated"}
    for event in shop.events:
        check(event)
    with pytest.raises(ApiError, match="already failed"):
        await sandbox.control("fail_refund", refund=refund.id)


@pytest.mark.parametrize(("card", "end"), [("4000000000007726", "succeeded"), ("4000000000005126", "failed")])
async def test_some_cards_decide_later(
    client: stripe.StripeClient, sandbox: Sandbox, check: Any, card: str, end: str
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    done = await sandbox.control("pay", session=made.id, card=card)
    refund = await client.v1.refunds.create_async({"charge": done["charge"]["id"]})
    check(refund)
    assert refund.status == ("pending" if end == "succeeded" else "succeeded")
    await client.v1.refunds.update_async(refund.id, {"metadata": {"order_id": "1"}})
    await sandbox.control("clock", seconds=5 * 86400)
    after = await client.v1.refunds.retrieve_async(refund.id)
    check(after)
    assert after.status == end
    charge = await client.v1.charges.retrieve_async(str(refund.charge))
    assert charge.amount_refunded == (2500 if end == "succeeded" else 0)


async def test_a_refund_can_be_ordered_pending(sandbox: Sandbox, paid: Any) -> None:
    done = await sandbox.control("refund", session=paid["session"]["id"], amount=100, status="pending")
    assert done["refund"]["status"] == "pending"
    done = await sandbox.control("settle_refund", refund=done["refund"]["id"])
    assert (done["refund"]["status"], done["charge"]["amount_refunded"]) == ("succeeded", 100)


async def test_a_refund_that_is_on_its_way_can_be_cancelled(
    client: stripe.StripeClient, sandbox: Sandbox, paid: Any, shop: Shop, check: Any
) -> None:
    session = paid["session"]["id"]
    waits = await sandbox.control("refund", session=session, amount=100, status="requires_action")
    check(waits["refund"])
    assert waits["charge"]["amount_refunded"] == 100
    cancelled = await client.v1.refunds.cancel_async(waits["refund"]["id"])
    check(cancelled)
    assert (cancelled.status, cancelled.failure_reason) == ("canceled", "merchant_request")
    assert sorted(await shop.until(4)) == [
        "charge.refund.updated",
        "charge.refunded",
        "refund.created",
        "refund.updated",
    ]
    for event in shop.events:
        check(event)
    pending = await sandbox.control("refund", session=session, amount=200, status="pending")
    for refund, status in ((pending["refund"]["id"], "pending"), (cancelled.id, "canceled")):
        with pytest.raises(stripe.InvalidRequestError, match=f"is {status}, so it cannot be canceled"):
            await client.v1.refunds.cancel_async(refund)
    with pytest.raises(stripe.InvalidRequestError, match="No such refund"):
        await client.v1.refunds.cancel_async("re_none")
    done = await sandbox.control("cancel_refund", refund=pending["refund"]["id"])
    check(done["refund"])
    assert (done["refund"]["status"], done["charge"]["amount_refunded"]) == ("canceled", 0)
    await sandbox.control("clock", seconds=5 * 86400)
    assert (await client.v1.refunds.retrieve_async(pending["refund"]["id"])).status == "canceled"
    balance = await client.v1.balance.retrieve_async()
    assert balance.pending[0].amount + balance.available[0].amount > 2000, "nothing left"


async def test_a_refund_that_waits_for_the_shopper_arrives(sandbox: Sandbox, paid: Any, check: Any) -> None:
    done = await sandbox.control("refund", session=paid["session"]["id"], status="requires_action")
    done = await sandbox.control("settle_refund", refund=done["refund"]["id"])
    check(done["refund"])
    assert done["refund"]["status"] == "succeeded"


@pytest.mark.parametrize(("end", "status"), [("win_dispute", "won"), ("lose_dispute", "lost")])
async def test_a_dispute_runs_its_course(
    client: stripe.StripeClient, sandbox: Sandbox, paid: Any, shop: Shop, check: Any, end: str, status: str
) -> None:
    done = await sandbox.control("dispute", payment_intent=paid["payment_intent"]["id"])
    dispute = done["dispute"]
    check(dispute)
    assert (dispute["status"], done["charge"]["disputed"]) == ("needs_response", True)
    assert dispute["evidence_details"]["due_by"] > dispute["created"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"charge": paid["charge"]["id"]})
    assert refused.value.code == "charge_disputed"
    await sandbox.control("answer_dispute", dispute=dispute["id"])
    await sandbox.control(end, dispute=dispute["id"])
    shown = await client.v1.disputes.retrieve_async(dispute["id"])
    check(shown)
    assert shown.status == status
    listed = await client.v1.disputes.list_async({"payment_intent": paid["payment_intent"]["id"]})
    assert [one.id for one in listed.data] == [dispute["id"]]
    types = await shop.until(5 if status == "won" else 4)
    assert set(types) >= {"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"}
    assert ("charge.dispute.funds_reinstated" in types) == (status == "won")
    for event in shop.events:
        check(event)


async def test_an_inquiry_takes_no_money(sandbox: Sandbox, paid: Any, check: Any) -> None:
    done = await sandbox.control("dispute", session=paid["session"]["id"], inquiry=True, reason="general")
    assert done["dispute"]["status"] == "warning_needs_response"
    check(done["dispute"])
    refund = await sandbox.control("refund", session=paid["session"]["id"], amount=100)
    assert refund["refund"]["status"] == "succeeded"
    done = await sandbox.control("win_dispute", dispute=done["dispute"]["id"])
    assert done["dispute"]["status"] == "warning_closed"
    with pytest.raises(ApiError, match="already closed"):
        await sandbox.control("answer_dispute", dispute=done["dispute"]["id"])


async def test_the_balance_adds_up(client: stripe.StripeClient, paid: Any, check: Any) -> None:
    await client.v1.refunds.create_async({"charge": paid["charge"]["id"], "amount": 500})
    balance = await client.v1.balance.retrieve_async()
    check(balance)
    assert balance.pending[0].amount == 2500 - 500 - (2500 * 29 // 1000 + 30)
    moves = await client.v1.balance_transactions.list_async()
    assert [move.type for move in moves.data] == ["refund", "charge"]
    for move in moves.data:
        check(move)


async def test_what_was_not_paid_cannot_be_refunded_or_disputed(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    with pytest.raises(ApiError, match="Nobody has tried"):
        await sandbox.control("refund", session=made.id)
    await sandbox.control("decline", session=made.id, reason="insufficient_funds")
    with pytest.raises(ApiError, match="Only a charge that succeeded"):
        await sandbox.control("dispute", session=made.id)
    with pytest.raises(ApiError, match="failed, not succeeded"):
        await sandbox.control("refund", session=made.id)
