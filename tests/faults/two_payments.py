"""Money that pays for nothing: an order's second payment, and one that came when the things were gone."""

from storefront.orders.models import CANCELLED
from tests.faults.house import Bought, House
from tests.faults.test_too_late import cancelled_though_paid

CARD = "4242424242424242"


async def paid_twice(house: House, *, card: str = CARD) -> Bought:
    """A 500 that Stripe stored hid a second page; it is paid with `card`, and its refund was asked for."""
    shopper = house.shopper()
    await shopper.add(await house.thing(price=1500))
    await house.stripe.fault("POST /v1/checkout/sessions", "500", "after")
    assert (await shopper.order()).status == 503
    bought = await house.placed(shopper, await shopper.order())
    (second,) = [
        one["id"] for one in await house.stripe.objects("checkout.session") if one["id"] != bought.session
    ]
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    await house.stripe.do("pay", session=second, card=card)
    await house.deliver_new()
    await house.shop.work("refund")
    await house.deliver_new()
    return bought


async def late_and_gone(house: House, *, card: str = CARD, send: bool = True) -> Bought:
    """Paid after it was given up, and another shopper has taken the last piece; its refund was asked for, unless
    `send` says that it waits."""
    thing = await house.thing(price=1500, on_hand=1)
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session, card=card)
    await cancelled_though_paid(house, bought)
    await house.buy(thing)
    await house.deliver_new()
    assert await house.state(bought.order) == CANCELLED
    if send:
        await house.shop.work("refund")
        await house.deliver_new()
    return bought
