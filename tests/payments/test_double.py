"""Our own Stripe must itself be like Stripe, or it proves nothing."""

import httpx

from tests.payments import stripe_api, stripe_objects
from tests.shop import NO_TLS
from tests.stripe_double import KEY, StripeDouble

ASKED = {
    "mode": "payment",
    "success_url": "https://shop.example/?session_id={CHECKOUT_SESSION_ID}",
    "line_items[0][quantity]": "2",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1500",
    "line_items[0][price_data][product_data][name]": "Soap",
}


async def ask(stripe: StripeDouble, params: dict[str, str], key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key}
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        return await client.post(f"{stripe.base}/v1/checkout/sessions", data=params, headers=headers)


async def test_every_object_of_the_double_has_stripes_shape(stripe: StripeDouble) -> None:
    made = (await ask(stripe, ASKED, stripe_objects.new_id("key"))).json()
    session = stripe.find(made["id"])
    assert session["amount_total"] == 3000
    stripe_api.pay(stripe, session, "processing")
    stripe_api.money_fails(stripe, session)
    stripe_api.money_comes(stripe, session)
    intent = stripe.find(session["payment_intent"])
    stripe_api.ROUTES[6][1](stripe, {"payment_intent": intent["id"], "amount": "1000"})
    for obj in [*stripe.things.values(), *stripe.events]:
        assert stripe_objects.findings(obj) == []


async def test_a_key_gives_the_same_answer_again_and_refuses_other_words(stripe: StripeDouble) -> None:
    key = stripe_objects.new_id("key")
    first, again = await ask(stripe, ASKED, key), await ask(stripe, ASKED, key)
    assert first.json() == again.json()
    other = await ask(stripe, {**ASKED, "line_items[0][quantity]": "3"}, key)
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")


async def test_a_parameter_that_stripe_does_not_know_is_found(stripe: StripeDouble) -> None:
    answer = await ask(stripe, {**ASKED, "payment_method_types[0]": "card"}, stripe_objects.new_id("key"))
    assert answer.status_code == 400
    assert stripe.findings != []
    stripe.findings.clear()
