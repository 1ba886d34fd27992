"""How often somebody may place orders and pay: whoever tries stolen cards does it hundreds of times.

Generous to a hundred people behind one address, and to one who changes their mind; a double click counts once.
"""

import hashlib

from storefront.web.limits import Limits, Rule, network_of
from storefront.web.request import ShopRequest

TEN_MINUTES = 600
SAME_FORM = Rule("placing-same", 1, TEN_MINUTES)
PLACING_CART = Rule("placing-cart", 20, TEN_MINUTES)
PLACING_NETWORK = Rule("placing-network", 3000, TEN_MINUTES)
PAYING_ORDER = Rule("paying-order", 30, TEN_MINUTES)


async def try_to_place(limits: Limits, request: ShopRequest, cart_id: int) -> None:
    """Count an order that is about to be placed, unless the very same form was sent before. Raises Refused 429."""
    form = hashlib.sha256(await request.body()).hexdigest()
    if not await limits.take(SAME_FORM, f"{cart_id} {form}"):
        await limits.meet(request, (PLACING_CART, str(cart_id)), (PLACING_NETWORK, network_of(request)))


async def try_to_pay_again(limits: Limits, request: ShopRequest, order_id: int) -> None:
    """Count another way to the payment page. Raises Refused 429."""
    await limits.meet(request, (PAYING_ORDER, str(order_id)), (PLACING_NETWORK, network_of(request)))
