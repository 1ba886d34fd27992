"""The webhook's door: what it lets in, what it turns away, and that one delivery counts once."""

import asyncio
import json
import time
from typing import Any

import httpx
from sqlalchemy import select, update

from storefront.catalogue.models import Variant
from storefront.payments.models import StripeEvent
from tests.payments import stripe_api
from tests.payments.scenarios import ordered
from tests.payments.stripe_objects import new_id, payment_intent, sample
from tests.shop import NO_TLS, Running, Shopper, eventually, shopper_at
from tests.stripe_double import StripeDouble, deliver, signed


async def stored(shop: Running, event_id: str) -> list[str]:
    """The states in which an event is stored."""
    query = select(StripeEvent.state).where(StripeEvent.event_id == event_id)
    async with shop.database() as database, database.reads() as session:
        return list(await session.scalars(query))


async def post(shop: Running, body: bytes, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        return await client.post(f"{shop.url}/webhooks/stripe", content=body, headers=headers)


async def test_what_stripe_did_not_sign_is_refused_and_not_stored(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    event = stripe_api.pay(stripe, order.session)
    body, good = signed(event)
    stamp = good.partition(",")[0]
    digest = good[-64:]
    for header in (
        "",
        "t=1",
        "hello",
        f"{stamp},v1=00",
        f"{stamp},v0={digest}",
        f"{good}0",
        f"t=x,v1={digest}",
    ):
        assert (await post(shop, body, **{"stripe-signature": header})).status_code == 400, header
    assert (await post(shop, body)).status_code == 400
    assert (await post(shop, body.replace(b"paid", b"PAID"), **{"stripe-signature": good})).status_code == 400
    assert (await deliver(shop.url, event, secret="whsec_" + "other")).status_code == 400
    for at in (-305, 330, -(10**6)):
        assert (await deliver(shop.url, event, at=time.time() + at)).status_code == 400
    for hostile in (
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": 1}',
        b"null",
        b'{"id": "evt_1", "type": "x"}',
    ):
        answer = await deliver(shop.url, hostile)
        assert answer.status_code == 400, hostile[:20]
        # What is not UTF-8 Stripe's own check cannot read, so that nobody signed it.
        unread = hostile.startswith(b"\xff")
        assert answer.text.startswith("the signature" if unread else "the body is no "), hostile[:20]
    assert await stored(shop, event["id"]) == []
    assert (await order.now()).state == "pending"


async def test_it_takes_posts_alone_and_not_too_much(shop: Running, shopper: Shopper) -> None:
    assert (await shopper.get("/webhooks/stripe")).status == 405
    large = await deliver(shop.url, b"x" * 1_100_000)
    assert large.status_code == 413
    assert large.headers["content-type"].startswith("text/plain")
    assert "no-store" in large.headers["cache-control"]
    big = sample("event", id="evt_big", type="x.y") | {"filler": "x" * 900_000}
    assert (await deliver(shop.url, big)).status_code == 200


async def test_a_cross_site_origin_does_not_matter_here(shop: Running, stripe: StripeDouble) -> None:
    body, signature = signed(sample("event", id=new_id("evt"), type="customer.created"))
    headers = {
        "stripe-signature": signature,
        "origin": "https://stripe.example",
        "sec-fetch-site": "cross-site",
    }
    assert (await post(shop, body, **headers)).status_code == 200


async def test_an_unknown_type_is_acknowledged_and_kept(shop: Running, stripe: StripeDouble) -> None:
    event = sample("event", id=new_id("evt"), type="charge.invented")
    for _ in range(2):
        assert (await deliver(shop.url, event)).status_code == 200
    assert await stored(shop, event["id"]) == ["ignored"]


async def test_the_same_delivery_twice_and_at_once_is_one(shop: Running, stripe: StripeDouble) -> None:
    order = await ordered(shop, stripe)
    event = stripe_api.pay(stripe, order.session)
    answers = await asyncio.gather(*(deliver(shop.url, event) for _ in range(8)))
    assert {one.status_code for one in answers} == {200}
    assert await stored(shop, event["id"]) == ["handled"]
    assert await order.stock() == (7, 0)
    assert await order.messages() == ["order-paid", "order-paid-owner"]


async def test_webhook_and_return_page_at_once_settle_once(shop: Running, stripe: StripeDouble) -> None:
    order = await ordered(shop, stripe)
    event = stripe_api.pay(stripe, order.session)
    back = order.session["success_url"].replace("{CHECKOUT_SESSION_ID}", order.session["id"])
    async with shopper_at(shop.url) as shopper:
        told: list[Any] = [deliver(shop.url, event) for _ in range(3)]
        told += [shopper.get(back) for _ in range(3)]
        await asyncio.gather(*told)
    assert (await order.now()).state == "paid"
    assert await order.stock() == (7, 0)
    assert await order.messages() == ["order-paid", "order-paid-owner"]


async def test_an_event_of_the_other_mode_is_stored_and_never_settled(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    event = json.loads(json.dumps(stripe_api.pay(stripe, order.session)))
    event["livemode"] = event["data"]["object"]["livemode"] = True
    assert (await deliver(shop.url, event)).status_code == 200
    assert await stored(shop, event["id"]) == ["mismatch"]
    assert (await order.now()).state == "pending"


async def test_another_currency_stands_before_staff(shop: Running, stripe: StripeDouble) -> None:
    order = await ordered(shop, stripe)
    event = json.loads(json.dumps(stripe_api.pay(stripe, order.session)))
    event["data"]["object"]["currency"] = "eur"
    assert (await deliver(shop.url, event)).status_code == 200
    now = await order.now()
    assert now.state == "pending"
    assert "EUR" in now.attention
    assert await order.messages() == ["owner-attention"]


async def test_a_hundred_refused_deliveries_do_not_shut_the_door(shop: Running, stripe: StripeDouble) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        for _ in range(100):
            answer = await client.post(f"{shop.url}/webhooks/stripe", content=b"{}")
            assert answer.status_code == 400
    assert (await deliver(shop.url, sample("event", id=new_id("evt"), type="a.b"))).status_code == 200


async def test_money_that_comes_late_buys_the_things_if_they_are_there(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    await deliver(shop.url, stripe_api.expire(stripe, order.session))
    assert (await order.now()).state == "cancelled"
    assert await order.stock() == (9, 0)
    await deliver(shop.url, stripe_api.pay(stripe, order.session))
    assert (await order.now()).state == "paid"
    assert await order.stock() == (7, 0)


async def test_money_that_comes_late_is_refunded_once_if_the_things_are_gone(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    await deliver(shop.url, stripe_api.expire(stripe, order.session))
    await shop.change(update(Variant).where(Variant.id == order.thing.variant_id).values(on_hand=0))
    event = stripe_api.pay(stripe, order.session)
    await asyncio.gather(*(deliver(shop.url, event) for _ in range(3)))

    async def refunded() -> bool:
        return (await order.now()).refunded_amount == 3490

    await eventually(refunded, seconds=20)
    intent = order.session["payment_intent"]
    assert (
        len([one for one in stripe.calls("POST /v1/refunds") if one.params["payment_intent"] == intent]) == 1
    )
    assert (await order.now()).state == "cancelled"
    assert (await order.messages()).count("late-money") == 1
    async with shopper_at(shop.url) as shopper:
        page = await shopper.get(f"/orders/{order.token}")
    assert page.element("order-status").attrs["data-refunded"] == "3490"
    assert page.status_of_order == "cancelled"


async def test_a_decline_keeps_its_reason_and_the_order_stays_open(
    shop: Running, stripe: StripeDouble
) -> None:
    order = await ordered(shop, stripe)
    intent = payment_intent(order.session, stripe.params[order.session["id"]], "requires_payment_method")
    words = "Your card was declined."
    intent["last_payment_error"] = {"type": "card_error", "code": "card_declined", "message": words}
    await deliver(shop.url, stripe.event("payment_intent.payment_failed", intent))
    assert (await order.now()).state == "pending"
    async with shopper_at(shop.url) as shopper:
        assert words in (await shopper.get(f"/orders/{order.token}")).words
    await deliver(shop.url, stripe_api.pay(stripe, order.session))
    assert (await order.now()).state == "paid"
