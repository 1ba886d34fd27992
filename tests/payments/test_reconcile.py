"""storefront stripe reconcile, beside a running shop that hears of nothing."""

from tests.payments import stripe_api
from tests.payments.scenarios import ordered
from tests.shop import Running, Shopper
from tests.stripe_double import StripeDouble


async def test_everything_is_found_without_a_webhook(
    shop: Running, stripe: StripeDouble, shopper: Shopper
) -> None:
    paid, expired, delayed = [await ordered(shop, stripe) for _ in range(3)]
    thing = await shop.new_thing()
    email = f"{thing.sku.lower()}@example.org"
    await shopper.add(thing)
    stripe.fail("reset", after=True, times=2)
    assert (await shopper.order(email=email)).status == 503
    unknown = next(one for one in stripe.kind("checkout.session") if one["customer_email"] == email)
    events = [
        stripe_api.pay(stripe, paid.session),
        stripe_api.expire(stripe, expired.session),
        stripe_api.pay(stripe, delayed.session, "processing"),
        stripe_api.pay(stripe, unknown),
    ]
    code, printed = await shop.command("stripe", "reconcile")
    assert code == 0, printed
    assert "Traceback" not in printed
    assert all(event["id"] in printed for event in events), printed
    for order, state in ((paid, "paid"), (expired, "cancelled"), (delayed, "awaiting")):
        assert (await order.now()).state == state
    assert await paid.stock() == (7, 0)
    assert await expired.stock() == (9, 0)
    assert await delayed.stock() == (9, 2)
    assert await shop.stock(thing) == (89, 0), "a session whose id was never learnt"


def test_the_shop_looked_at_its_start_whether_stripe_can_be_reached(
    shop: Running, stripe: StripeDouble
) -> None:
    assert stripe.calls("GET /v1/balance")
    assert "stripe cannot be used" not in shop.log.read_text()
