"""What the API refuses, and how; idempotency; lists; mostly on the wire, without the SDK's help."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import stripe

from storefront.sandbox import Sandbox
from tests.sandbox.conftest import KEY, SECRET, Shop, order

SESSIONS = "/v1/checkout/sessions"
GOOD = {
    "mode": "payment",
    "success_url": "http://127.0.0.1:8000/return?session_id={CHECKOUT_SESSION_ID}",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "500",
    "line_items[0][price_data][product_data][name]": "Soap",
}


async def error(raw: httpx.AsyncClient, **changed: str | None) -> dict[str, Any]:
    """The error of the good request with these parameters changed; a dot stands for a bracket."""
    named = {name.replace("__", "[").replace("_]", "]"): value for name, value in changed.items()}
    form = {name: value for name, value in (GOOD | named).items() if value is not None}
    answer = await raw.post(SESSIONS, data=form)
    assert answer.status_code == 400, answer.text
    found: dict[str, Any] = answer.json()["error"]
    assert found["type"] == "invalid_request_error"
    return found


async def test_without_a_key_nothing_happens(raw: httpx.AsyncClient) -> None:
    nobody = await raw.get(SESSIONS, headers={"Authorization": ""})
    assert nobody.status_code == 401
    assert "did not provide an API key" in nobody.json()["error"]["message"]
    live = await raw.get(SESSIONS, headers={"Authorization": "Bearer sk_" + "live_abc"})
    assert live.status_code == 401
    assert "live key" in live.json()["error"]["message"]
    unknown = await raw.get(SESSIONS, headers={"Authorization": "Bearer secret"})
    assert unknown.json()["error"]["message"] == "Invalid API Key provided: secret***"
    basic = await raw.get(SESSIONS, headers={"Authorization": ""}, auth=(KEY, ""))
    assert basic.status_code == 200


async def test_every_answer_names_its_request(raw: httpx.AsyncClient) -> None:
    first, second = await raw.get(SESSIONS), await raw.get("/v1/nothing")
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["request-id"] != second.headers["request-id"]
    assert first.headers["stripe-version"] == "2026-10-28.endive"
    assert second.status_code == 404
    assert "Unrecognized request URL (GET: /v1/nothing)" in second.json()["error"]["message"]
    other = await raw.get(SESSIONS, headers={"Stripe-Version": "2020-08-27"})
    assert other.status_code == 400


async def test_unknown_parameters_are_refused(raw: httpx.AsyncClient) -> None:
    found = await error(raw, payment_method_types="card")
    assert (found["code"], found["param"]) == ("parameter_unknown", "payment_method_types")
    assert found["message"] == "Received unknown parameter: payment_method_types"
    assert found["doc_url"] == "https://docs.stripe.com/error-codes/parameter-unknown"
    form = GOOD | {"line_items[0][price_data][product_data][colour]": "red"}
    answer = await raw.post(SESSIONS, data=form)
    assert answer.json()["error"]["param"] == "line_items[0][price_data][product_data][colour]"


async def test_missing_parameters_are_named(raw: httpx.AsyncClient) -> None:
    found = await error(raw, success_url=None)
    assert (found["code"], found["message"]) == ("parameter_missing", "Missing required param: success_url.")
    form = {name: value for name, value in GOOD.items() if "currency" not in name}
    answer = await raw.post(SESSIONS, data=form)
    assert answer.json()["error"]["param"] == "line_items[0][price_data][currency]"
    assert (await error(raw, mode=None))["param"] == "mode"


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("line_items[0][quantity]", "two", "parameter_invalid_integer", "Invalid integer: two"),
        ("line_items[0][quantity]", "１", "parameter_invalid_integer", "Invalid integer"),
        ("line_items[0][quantity]", "0", "parameter_invalid_integer", "greater than or equal to 1"),
        (
            "line_items[0][price_data][unit_amount]",
            "-1",
            "parameter_invalid_integer",
            "greater than or equal to 0",
        ),
        ("line_items[0][price_data][unit_amount]", "49", "amount_too_small", "at least 0.50 USD"),
        ("line_items[0][price_data][unit_amount]", "100000000", "amount_too_large", "no more than"),
        ("line_items[0][price_data][currency]", "xyz", None, "Invalid currency"),
        ("client_reference_id", "", "parameter_invalid_empty", "You passed an empty string"),
        ("client_reference_id", "x" * 201, None, "at most 200"),
        ("customer_email", "sam", "email_invalid", "Invalid email address: sam"),
        ("success_url", "checkout/done", "url_invalid", "Not a valid URL"),
        ("success_url", "http://[::1", "url_invalid", "Not a valid URL"),
        ("mode", "paying", None, "must be one of payment, setup, or subscription"),
        ("mode", "subscription", None, "only has mode=payment"),
        ("adaptive_pricing[enabled]", "yes", None, "Invalid boolean"),
        ("adaptive_pricing", "false", None, "Invalid object"),
        ("expires_at", "1", None, "at least 30 minutes"),
        ("expires_at", str(2**40), None, "less than 24 hours"),
        ("metadata[order]", "x" * 501, None, "up to 500 characters"),
        (f"metadata[{'k' * 41}]", "x", None, "up to 40 characters"),
        ("discounts[0][coupon]", "none", "resource_missing", "No such coupon: 'none'"),
        ("line_items[0][price]", "price_1", None, "exactly one of price and price_data"),
        ("optional_items[0][price]", "price_1", None, "does not carry out optional_items"),
        ("allow_promotion_codes", "true", None, "does not carry out allow_promotion_codes"),
        ("expand[0]", "colour", None, "This property cannot be expanded (colour)."),
    ],
)
async def test_wrong_values_are_refused(
    raw: httpx.AsyncClient, name: str, value: str, code: str | None, said: str
) -> None:
    answer = await raw.post(SESSIONS, data=GOOD | {name: value})
    assert answer.status_code == 400
    found = answer.json()["error"]
    assert found.get("code") == code
    assert said in found["message"]


@pytest.mark.parametrize(
    "body",
    [b"a=%ff", b"a[b=1", b"[]=1", b"a=1&a=2", b"a=1&a[b]=2", b"x=" + b"[" * 50, b"a" + b"[b]" * 50 + b"=1"],
)
async def test_a_body_that_can_be_read_two_ways_is_refused(raw: httpx.AsyncClient, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await raw.post(SESSIONS, content=body, headers=headers)).status_code == 400


async def test_json_and_huge_bodies_are_refused(raw: httpx.AsyncClient) -> None:
    assert (await raw.post(SESSIONS, json=GOOD)).status_code == 400
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await raw.post(SESSIONS, content=b"a=" + b"x" * 1_100_000, headers=headers)).status_code == 413


async def test_expiring_works_once(client: stripe.StripeClient, shop: Shop, check: Any) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    gone = await client.v1.checkout.sessions.expire_async(made.id)
    check(gone)
    assert (gone.status, gone.url) == ("expired", None)
    assert await shop.until(1) == ["checkout.session.expired"]
    assert shop.events[0].request is not None
    assert shop.events[0].request.idempotency_key
    with pytest.raises(stripe.InvalidRequestError, match="This Checkout Session has a status of `expired`"):
        await client.v1.checkout.sessions.expire_async(made.id)


async def test_the_same_key_gives_the_same_answer(raw: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await raw.post(SESSIONS, data=GOOD, headers=headers)
    second = await raw.post(SESSIONS, data=GOOD, headers=headers)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]
    assert len((await raw.get(SESSIONS)).json()["data"]) == 1


async def test_a_key_belongs_to_its_parameters_and_endpoint(raw: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "mine"}
    await raw.post(SESSIONS, data=GOOD, headers=headers)
    other = await raw.post(SESSIONS, data=GOOD | {"locale": "de"}, headers=headers)
    assert other.status_code == 400
    assert other.json()["error"]["type"] == "idempotency_error"
    assert "same parameters" in other.json()["error"]["message"]
    elsewhere = await raw.post("/v1/products", data={"name": "Soap"}, headers=headers)
    assert "same endpoint" in elsewhere.json()["error"]["message"]
    assert (await raw.get(SESSIONS, headers=headers)).status_code == 200
    long = await raw.post(SESSIONS, data=GOOD, headers={"Idempotency-Key": "k" * 256})
    assert long.status_code == 400


async def test_a_refusal_is_saved_once_the_work_had_begun(raw: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "refused"}
    form = GOOD | {"line_items[0][price_data][unit_amount]": "1"}
    await raw.post(SESSIONS, data=form, headers=headers)
    again = await raw.post(SESSIONS, data=form, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (400, "true")
    headers = {"Idempotency-Key": "invalid"}
    await raw.post(SESSIONS, data=GOOD | {"colour": "red"}, headers=headers)
    fresh = await raw.post(SESSIONS, data=GOOD, headers=headers)
    assert fresh.status_code == 200


async def test_keys_are_forgotten_after_a_day(raw: httpx.AsyncClient, sandbox: Sandbox) -> None:
    headers = {"Idempotency-Key": "daily"}
    first = await raw.post(SESSIONS, data=GOOD, headers=headers)
    await sandbox.control("clock", seconds=86401)
    second = await raw.post(SESSIONS, data=GOOD, headers=headers)
    assert "idempotent-replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]


async def test_lists_are_read_page_by_page(client: stripe.StripeClient, raw: httpx.AsyncClient) -> None:
    made = [
        await client.v1.checkout.sessions.create_async(order(client_reference_id=f"SF-{n}"))
        for n in range(12)
    ]
    first = await client.v1.checkout.sessions.list_async()
    assert [session.id for session in first.data] == [session.id for session in made[:1:-1]]
    assert (first.has_more, first.url) == (True, SESSIONS)
    everything = [session.id async for session in first.auto_paging_iter()]
    assert everything == [session.id for session in reversed(made)]
    back = await client.v1.checkout.sessions.list_async({"ending_before": made[5].id, "limit": 2})
    assert [session.id for session in back.data] == [made[7].id, made[6].id]
    await client.v1.checkout.sessions.expire_async(made[3].id)
    gone = await client.v1.checkout.sessions.list_async(
        {"status": "expired", "created": {"gte": made[0].created}}
    )
    assert [session.id for session in gone.data] == [made[3].id]
    assert (await client.v1.checkout.sessions.list_async({"created": {"lt": made[0].created}})).data == []
    for query in ("limit=0", "limit=101", "starting_after=cs_none", "colour=red", "limit=1&limit=2"):
        assert (await raw.get(f"{SESSIONS}?{query}")).status_code == 400


async def test_what_does_not_exist_is_404(raw: httpx.AsyncClient) -> None:
    for path, param in (
        (f"{SESSIONS}/cs_test_x", "session"),
        ("/v1/payment_intents/pi_x", "intent"),
        ("/v1/charges/ch_x", "charge"),
        ("/v1/refunds/re_x", "refund"),
        ("/v1/disputes/du_x", "dispute"),
        ("/v1/events/evt_x", "id"),
        ("/v1/products/prod_x", "id"),
        ("/v1/prices/price_x", "price"),
        ("/v1/coupons/x", "coupon"),
    ):
        answer = await raw.get(path)
        found = answer.json()["error"]
        assert (answer.status_code, found["code"], found["param"]) == (404, "resource_missing", param)


async def test_events_can_be_read_for_thirty_days(
    client: stripe.StripeClient, sandbox: Sandbox, check: Any
) -> None:
    made = await client.v1.checkout.sessions.create_async(order())
    await sandbox.control("pay", session=made.id)
    events = await client.v1.events.list_async({"types": ["charge.succeeded", "checkout.session.completed"]})
    assert [event.type for event in events.data] == ["checkout.session.completed", "charge.succeeded"]
    assert [e.type for e in (await client.v1.events.list_async({"type": "payment_intent.*"})).data] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
    last = events.data[0]
    check(await client.v1.events.retrieve_async(last.id))
    newer = await client.v1.events.list_async({"ending_before": events.data[1].id, "limit": 100})
    assert [event.type for event in newer.data] == ["checkout.session.completed", "payment_intent.succeeded"]
    await sandbox.control("clock", seconds=31 * 86400)
    assert (await client.v1.events.list_async()).data == []
    with pytest.raises(stripe.InvalidRequestError, match="30 days"):
        await client.v1.events.retrieve_async(last.id)


async def test_a_session_expires_by_the_clock(
    client: stripe.StripeClient, sandbox: Sandbox, shop: Shop
) -> None:
    soon = int(time.time()) + 1860
    made = await client.v1.checkout.sessions.create_async(order(expires_at=soon))
    await sandbox.control("clock", seconds=1900)
    assert (await client.v1.checkout.sessions.retrieve_async(made.id)).status == "expired"
    assert await shop.until(1) == ["checkout.session.expired"]


async def test_discount_and_delivery_make_the_total(client: stripe.StripeClient, check: Any) -> None:
    coupon = await client.v1.coupons.create_async(
        {"amount_off": 700, "currency": "usd", "duration": "once", "max_redemptions": 1}
    )
    check(coupon)
    rate = {
        "display_name": "Parcel",
        "type": "fixed_amount",
        "fixed_amount": {"amount": 490, "currency": "usd"},
    }
    made = await client.v1.checkout.sessions.create_async(
        order(discounts=[{"coupon": coupon.id}], shipping_options=[{"shipping_rate_data": rate}])
    )
    check(made)
    assert (made.amount_subtotal, made.amount_total) == (2500, 2500 - 700 + 490)
    assert made.total_details is not None
    assert (made.total_details.amount_discount, made.total_details.amount_shipping) == (700, 490)
    lines = await client.v1.checkout.sessions.line_items.list_async(made.id)
    assert [line.amount_total for line in lines.data] == [1800]


async def test_a_coupon_is_used_up(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    coupon = await client.v1.coupons.create_async(
        {"amount_off": 100, "currency": "usd", "max_redemptions": 1}
    )
    made = await client.v1.checkout.sessions.create_async(order(discounts=[{"coupon": coupon.id}]))
    await sandbox.control("pay", session=made.id)
    assert not (await client.v1.coupons.retrieve_async(coupon.id)).valid
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.checkout.sessions.create_async(order(discounts=[{"coupon": coupon.id}]))
    assert refused.value.code == "coupon_expired"


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", SESSIONS, GOOD),
        ("POST", SESSIONS, GOOD | {"metadata[a]": "b", "adaptive_pricing[enabled]": "false", "locale": "de"}),
        (
            "POST",
            SESSIONS,
            GOOD | {"payment_intent_data[metadata][order_id]": "7", "expand[0]": "line_items"},
        ),
        ("POST", SESSIONS, GOOD | {"payment_method_types[0]": "card"}),
        ("POST", SESSIONS, GOOD | {"line_items[0][amount]": "5"}),
        ("POST", SESSIONS, GOOD | {"line_items[0][price_data][unit_amount]": "5.5"}),
        ("POST", SESSIONS, GOOD | {"line_items[1][quantity]": "x"}),
        ("POST", SESSIONS, GOOD | {"submit_type": "give"}),
        ("POST", SESSIONS, GOOD | {"payment_intent_data[shipping][name]": "Sam"}),
        ("POST", SESSIONS, GOOD | {"payment_intent_data": "x"}),
        ("POST", SESSIONS, GOOD | {"custom_text[submit][message]": "Hello", "submit_type": "pay"}),
        ("POST", SESSIONS, GOOD | {"shipping_options[0][shipping_rate_data][type]": "fixed_amount"}),
        ("GET", SESSIONS, {"limit": "5", "status": "open", "created[gte]": "1"}),
        ("GET", SESSIONS, {"state": "open"}),
        ("GET", SESSIONS, {"status": "gone"}),
        ("GET", "/v1/events", {"types[0]": "charge.refunded", "created[gt]": "1"}),
        ("GET", "/v1/events", {"types": "charge.refunded"}),
        ("GET", "/v1/charges", {"payment_intent": "pi_1"}),
        ("GET", "/v1/payment_intents", {"payment_intent": "pi_1"}),
        ("GET", "/v1/refunds", {"payment_intent": "pi_1", "limit": "x"}),
        ("POST", "/v1/products", {"name": "Soap", "metadata[credit_amount]": "5"}),
        ("POST", "/v1/products", {"description": "no name"}),
        ("POST", "/v1/prices", {"currency": "usd", "unit_amount": "5", "product_data[name]": "Soap"}),
        ("POST", "/v1/prices", {"unit_amount": "5", "product_data[name]": "Soap"}),
        ("POST", "/v1/coupons", {"percent_off": "12.5", "duration": "once"}),
        ("POST", "/v1/coupons", {"percent_off": "much"}),
        ("GET", "/v1/balance", {}),
    ],
)
async def test_requests_are_judged_as_the_schema_judges_them(
    raw: httpx.AsyncClient, spec: Any, method: str, path: str, form: dict[str, str]
) -> None:
    if method == "GET":
        findings = spec.request(method, f"{path}?{urlencode(form)}")
        answer = await raw.get(path, params=form)
    else:
        findings = spec.request(method, path, urlencode(form))
        answer = await raw.post(path, data=form)
    assert (answer.status_code == 400) == bool(findings), (findings, answer.text)


async def test_two_sandboxes_share_one_file(tmp_path: Path, shop: Shop) -> None:
    first, second = (Sandbox(tmp_path / "shared.db", shop.deliver, webhook_secret=SECRET) for _ in range(2))
    await first.start()
    await second.start()
    try:
        transport = httpx.ASGITransport(first.api)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://stripe", headers=headers) as raw:
            made = (await raw.post(SESSIONS, data=GOOD)).json()
        await second.control("pay", session=made["id"])
        await shop.until(4)
        state = await first.control("state")
        assert len(shop.events) == 4
        assert state["deliveries"]["delivered"] + state["deliveries"]["sending"] == 4
    finally:
        await first.stop()
        await second.stop()


async def test_answers_are_printed_as_stripe_prints_them(raw: httpx.AsyncClient) -> None:
    answer = await raw.post("/v1/products", data={"name": "Seife für Hände"})
    assert answer.text == json.dumps(answer.json(), indent=2, ensure_ascii=False)
    assert "Hände" in answer.text


async def test_a_shop_whose_clock_stayed_behind_still_sells(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    await sandbox.control("clock", seconds=10 * 86400)
    made = await client.v1.checkout.sessions.create_async(order(expires_at=int(time.time()) + 2700))
    assert 2690 <= made.expires_at - made.created <= 2700
    await sandbox.control("clock", seconds=2701)
    assert (await client.v1.checkout.sessions.retrieve_async(made.id)).status == "expired"
