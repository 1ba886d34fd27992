"""A session is made, paid on its page, and the shop is told."""

from typing import Any

import httpx
import pytest
import stripe

from storefront.sandbox import Sandbox
from tests.sandbox.conftest import Shop, order

PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]
DELAYED = [
    "payment_intent.created",
    "payment_intent.processing",
    "charge.pending",
    "checkout.session.completed",
]


def path(session: Any) -> str:
    return str(httpx.URL(session.url).path)


async def press(browser: httpx.AsyncClient, session: Any, **fields: str) -> httpx.Response:
    return await browser.post(path(session), data={"email": "sam@example.com"} | fields)


async def test_a_session_is_made_and_read_again(client: stripe.StripeClient, check: Any) -> None:
    made = await client.v1.checkout.sessions.create_async(order(metadata={"order_id": "1"}))
    check(made)
    assert (made.amount_total, made.currency, made.status, made.payment_status) == (
        2500,
        "usd",
        "open",
        "unpaid",
    )
    assert made.payment_intent is None
    assert made.url == f"http://localhost:8000/sandbox/pay/{made.id}"
    again = await client.v1.checkout.sessions.retrieve_async(made.id, {"expand": ["line_items"]})
    check(again)
    assert again.line_items is not None
    assert [line.description for line in again.line_items.data] == ["Soap"]
    check(again.line_items.data[0])


async def test_a_good_card_pays(
    client: stripe.StripeClient, browser: httpx.AsyncClient, shop: Shop, check: Any
) -> None:
    data = {"metadata": {"order_id": "7"}}
    made = await client.v1.checkout.sessions.create_async(
        order(payment_intent_data=data, metadata={"a": "b"})
    )
    page = await browser.get(path(made))
    assert page.status_code == 200
    assert "no real money" in page.text
    assert 'data-amount="2500"' in page.text
    answer = await press(browser, made, test_card="4242424242424242")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://127.0.0.1:8000/checkout/return?session_id={made.id}"
    paid = await client.v1.checkout.sessions.retrieve_async(
        made.id, {"expand": ["payment_intent.latest_charge"]}
    )
    check(paid)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent: Any = paid.payment_intent
    assert (intent.status, intent.amount_received, intent.metadata["order_id"]) == ("succeeded", 2500, "7")
    assert (intent.latest_charge.paid, intent.latest_charge.payment_method_details.card.last4) == (
        True,
        "4242",
    )
    assert sorted(await shop.until(4)) == sorted(PAID)
    for event in shop.events:
        check(event)
    assert shop.events[0].api_version == "2026-10-28.endive"


async def test_the_card_can_be_typed(client: stripe.StripeClient, browser: httpx.AsyncClient) -> None:
    made = await client.v1.checkout.sessions.create_async(order(customer_email="sam@example.com"))
    typed = {
        "method": "card",
        "number": "4242 4242 4242 4242",
        "expiry": "12/34",
        "cvc": "123",
        "name": "Sam",
    }
    answer = await browser.post(path(made), data=typed)
    assert answer.status_code == 303
    paid = await client.v1.checkout.sessions.retrieve_async(made.id)
    assert paid.customer_details is not None
    assert (paid.customer_details.email, paid.customer_details.name) == ("sam@example.com", "Sam")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"number": "4242 4242 4242 4241"}, "card number is invalid"),
        ({"number": "4111111111111111"}, "only takes the cards listed"),
        ({"expiry": "13/34"}, "expiration date is incomplete"),
        ({"expiry": "01/20"}, "expiration date is in the past"),
        ({"cvc": "12"}, "security code is incomplete"),
        ({"email": "sam"}, "Enter an email address"),
    ],
)
async def test_what_is_no_card_is_said(
    client: stripe.StripeClient, browser: httpx.AsyncClient, typed: dict[str, str], said: str
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    good = {"method": "card", "number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
    answer = await press(browser, made, **(good | typed))
    assert answer.status_code == 422
    assert said in answer.text
    assert (await client.v1.checkout.sessions.retrieve_async(made.id)).payment_intent is None


@pytest.mark.parametrize(
    ("card", "reason", "said"),
    [
        ("4000000000000002", "generic_decline", "Your card was declined."),
        ("4000000000009995", "insufficient_funds", "Your card has insufficient funds."),
        ("4000000000000069", "expired_card", "Your card has expired."),
    ],
)
async def test_a_declined_card_leaves_the_session_open(
    client: stripe.StripeClient,
    browser: httpx.AsyncClient,
    shop: Shop,
    check: Any,
    card: str,
    reason: str,
    said: str,
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    answer = await press(browser, made, test_card=card)
    assert answer.headers["location"] == path(made)
    assert said in (await browser.get(path(made))).text
    types = await shop.until(3)
    assert sorted(types) == ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]
    for event in shop.events:
        check(event)
    after = await client.v1.checkout.sessions.retrieve_async(made.id, {"expand": ["payment_intent"]})
    intent: Any = after.payment_intent
    assert (after.status, intent.status) == ("open", "requires_payment_method")
    assert intent.last_payment_error.decline_code == reason
    assert (
        (await press(browser, made, test_card="4242424242424242"))
        .headers["location"]
        .startswith("http://127")
    )
    assert (await shop.until(6))[-1:] != []


async def test_pressing_twice_pays_once(
    client: stripe.StripeClient, browser: httpx.AsyncClient, shop: Shop
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    first = await press(browser, made, test_card="4242424242424242")
    second = await press(browser, made, test_card="4242424242424242")
    assert first.headers["location"] == second.headers["location"]
    paid = await client.v1.checkout.sessions.retrieve_async(made.id)
    charges = await client.v1.charges.list_async({"payment_intent": str(paid.payment_intent)})
    assert len(charges.data) == 1
    assert len(await shop.until(4)) == 4


@pytest.mark.parametrize(
    ("button", "status"), [("approve", "succeeded"), ("fail", "requires_payment_method")]
)
async def test_the_bank_may_ask(
    client: stripe.StripeClient, browser: httpx.AsyncClient, shop: Shop, check: Any, button: str, status: str
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    answer = await press(browser, made, test_card="4000002760003184")
    where = answer.headers["location"]
    assert where == f"{path(made)}/authenticate"
    assert "is this you" in (await browser.get(where)).text
    await browser.post(where, data={"answer": button})
    after = await client.v1.checkout.sessions.retrieve_async(made.id, {"expand": ["payment_intent"]})
    check(after)
    intent: Any = after.payment_intent
    assert intent.status == status
    await shop.until(5 if button == "approve" else 3)
    for event in shop.events:
        check(event)


@pytest.mark.parametrize(
    ("verb", "status", "outcome"), [("settle", "paid", "succeeded"), ("fail", "unpaid", "failed")]
)
async def test_a_bank_debit_is_settled_or_fails_later(
    client: stripe.StripeClient,
    browser: httpx.AsyncClient,
    sandbox: Sandbox,
    shop: Shop,
    check: Any,
    verb: str,
    status: str,
    outcome: str,
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    assert (await press(browser, made, method="bank")).status_code == 303
    waiting = await client.v1.checkout.sessions.retrieve_async(
        made.id, {"expand": ["payment_intent.latest_charge"]}
    )
    check(waiting)
    intent: Any = waiting.payment_intent
    assert (waiting.status, waiting.payment_status, intent.status) == ("complete", "unpaid", "processing")
    assert sorted(await shop.until(4)) == sorted(DELAYED)
    await sandbox.control(verb, session=made.id)
    assert (await client.v1.checkout.sessions.retrieve_async(made.id)).payment_status == status
    assert f"checkout.session.async_payment_{outcome}" in await shop.until(7)
    for event in shop.events:
        check(event)


async def test_a_finished_page_leads_back_to_the_shop(
    client: stripe.StripeClient, browser: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    paid = await client.v1.checkout.sessions.create_async(order())
    await sandbox.control("pay", session=paid.id)
    page = await browser.get(path(paid))
    assert "has been paid" in page.text
    assert f"return?session_id={paid.id}" in page.text
    gone = await client.v1.checkout.sessions.create_async(order())
    await sandbox.control("expire", session=gone.id)
    page = await browser.get(path(gone))
    assert "has expired" in page.text
    assert "/checkout/cancel?order=x" in page.text
    assert (await press(browser, gone, test_card="4242424242424242")).status_code == 410


async def test_a_total_of_zero_needs_no_payment(
    client: stripe.StripeClient, browser: httpx.AsyncClient, shop: Shop, check: Any
) -> None:
    line = {
        "quantity": 1,
        "price_data": {"currency": "usd", "unit_amount": 0, "product_data": {"name": "Gift"}},
    }
    made = await client.v1.checkout.sessions.create_async(order(line_items=[line]))
    assert made.payment_status == "no_payment_required"
    assert (await press(browser, made, method="free")).status_code == 303
    assert await shop.until(1) == ["checkout.session.completed"]
    check(shop.events[0])


async def test_the_page_carries_a_strict_policy(
    client: stripe.StripeClient, browser: httpx.AsyncClient
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    page = await browser.get(path(made))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.endswith("form-action 'self' http://127.0.0.1:8000")
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert (await browser.get("/sandbox/style.css")).headers["content-type"].startswith("text/css")
    assert (await browser.get("/sandbox/pay/cs_test_nothing")).status_code == 404
