"""The Dashboard's pages and buttons, and the control API behind them."""

from typing import Any

import httpx
import pytest
import stripe

from storefront.sandbox import Sandbox
from tests.sandbox.conftest import Shop, order


async def test_every_state_has_its_place_on_the_page(
    client: stripe.StripeClient, sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    assert "No checkout session yet" in (await browser.get("/sandbox/dashboard")).text
    made = [(await client.v1.checkout.sessions.create_async(order())).id for _ in range(5)]
    await sandbox.control("pay", session=made[0])
    await sandbox.control("refund", session=made[0], amount=100, status="pending")
    await sandbox.control("dispute", session=made[0])
    await sandbox.control("pay_delayed", session=made[1])
    await sandbox.control("decline", session=made[2])
    await sandbox.control("expire", session=made[3])
    await sandbox.control("product", name="<b>Soap</b>", unit_amount="100", currency="usd")
    await browser.post("/sandbox/faults", json={"match": "GET /v1/balance", "kind": "500", "times": None})
    page = await browser.get("/sandbox/dashboard")
    assert page.status_code == 200
    for words in (
        "needs_response",
        "1.00 USD refunded",
        "The money comes",
        "expired",
        "until cleared",
        "Payment page",
    ):
        assert words in page.text
    assert "&lt;b&gt;Soap" in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    log = await browser.get("/sandbox/log")
    assert "POST /v1/checkout/sessions" in log.text
    assert (await browser.get("/sandbox/")).headers["location"] == "/sandbox/dashboard"
    assert (await browser.get("/sandbox/nothing")).status_code == 404


async def test_a_button_does_what_it_says(
    client: stripe.StripeClient, sandbox: Sandbox, browser: httpx.AsyncClient, shop: Shop
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    charge = (await sandbox.control("pay", session=made.id))["charge"]["id"]
    answer = await browser.post(
        "/sandbox/dashboard/refund", data={"charge": charge, "amount": "", "status": ""}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sandbox/dashboard")
    assert (await client.v1.charges.retrieve_async(charge)).refunded
    again = await browser.post("/sandbox/dashboard/refund", data={"charge": charge})
    assert again.status_code == 400
    assert "has already been refunded" in again.text
    form = {"match": "GET /v1/balance", "kind": "503", "when": "before", "times": "1", "seconds": ""}
    assert (await browser.post("/sandbox/dashboard/order_fault", data=form)).status_code == 303
    assert (await browser.post("/sandbox/dashboard/clear_faults", data={})).status_code == 303
    assert (await browser.get("/sandbox/faults")).json() == {"faults": []}
    product = (await sandbox.control("product", name="Soap", unit_amount=100, currency="usd"))["product"]
    for action, fields in (
        ("change_product", {"product": product["id"], "active": "false"}),
        ("price", {"product": product["id"], "unit_amount": "200", "currency": "eur"}),
        ("change_price", {"price": product["default_price"], "active": "false"}),
        ("clock", {"seconds": "60"}),
        ("resend", {"event": (await client.v1.events.list_async()).data[0].id}),
    ):
        assert (await browser.post(f"/sandbox/dashboard/{action}", data=fields)).status_code == 303, action
    assert not (await client.v1.products.retrieve_async(product["id"])).active


async def test_the_control_api_gives_the_objects(
    client: stripe.StripeClient, browser: httpx.AsyncClient, check: Any
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    done = (await browser.post("/sandbox/control/pay", json={"session": made.id})).json()
    assert set(done) == {"session", "payment_intent", "charge", "refunds", "disputes"}
    for name in ("session", "payment_intent", "charge"):
        check(done[name])
    again = await browser.post("/sandbox/control/pay", json={"session": made.id})
    assert again.status_code == 400
    assert "can no longer be paid" in again.json()["error"]["message"]
    deliveries = (await browser.get("/sandbox/control/deliveries")).json()["deliveries"]
    assert {delivery["type"] for delivery in deliveries} >= {"checkout.session.completed"}
    clock = (await browser.post("/sandbox/clock", json={"seconds": 3600})).json()
    assert clock["offset"] == 3600
    assert (await browser.get("/sandbox/clock")).json()["offset"] == 3600


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("fly", "{}", 404),
        ("pay", "[]", 400),
        ("pay", "{", 400),
        ("pay", "{}", 400),
        ("pay", '{"session": "cs_test_none"}', 400),
        ("pay", '{"session": 5}', 400),
        ("clock", '{"seconds": -5}', 400),
        ("clock", '{"seconds": "soon"}', 400),
        ("product", '{"name": "Soap", "unit_amount": "much", "currency": "usd"}', 400),
        ("resend", '{"event": "evt_none"}', 400),
    ],
)
async def test_nonsense_is_refused(browser: httpx.AsyncClient, action: str, body: str, status: int) -> None:
    headers = {"content-type": "application/json"}
    answer = await browser.post(f"/sandbox/control/{action}", content=body, headers=headers)
    assert (answer.status_code, "message" in answer.json()["error"]) == (status, True)


async def test_the_shopper_chooses_a_delivery(
    client: stripe.StripeClient, browser: httpx.AsyncClient, check: Any
) -> None:
    rates = [
        {"shipping_rate_data": {"display_name": name, "fixed_amount": {"amount": amount, "currency": "usd"}}}
        for name, amount in (("Parcel", 490), ("Courier", 1990))
    ]
    made = await client.v1.checkout.sessions.create_async(order(shipping_options=rates))
    page = f"/sandbox/pay/{made.id}"
    assert "Courier" in (await browser.get(page)).text
    chosen = {"shipping_rate": str(made.shipping_options[1].shipping_rate), "email": "sam@example.com"}
    answer = await browser.post(page, data=chosen | {"test_card": "4242424242424242"})
    assert answer.status_code == 303
    paid = await client.v1.checkout.sessions.retrieve_async(
        made.id, {"expand": ["shipping_cost.shipping_rate"]}
    )
    check(paid)
    assert paid.amount_total == 2500 + 1990
