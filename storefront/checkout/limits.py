"""How often somebody may place orders and pay: whoever tries stolen cards does it hundreds of times.

Generous to a hundred people behind one address, and to one who changes their mind. Sending a form again that finds the
order it has placed already is given back.
"""

from storefront.web.limits import Limits, Rule, mailbox_of, network_of
from storefront.web.request import ShopRequest

TEN_MINUTES = 600
PLACING_CART = Rule("placing-cart", 20, TEN_MINUTES)
PLACING_ADDRESS = Rule("placing-address", 300, TEN_MINUTES)
PLACING_NETWORK = Rule("placing-network", 3000, TEN_MINUTES)
UNKNOWN_RETURN = Rule("unknown-return", 30, 60)
PAYING_ORDER = Rule("paying-order", 30, TEN_MINUTES)


async def try_to_place(
    limits: Limits, request: ShopRequest, cart_id: int, email: str
) -> list[tuple[Rule, str]]:
    """Count an order that is about to be placed. Raises Refused 429. Gives what to give back if none was."""
    counted = [
        (PLACING_CART, str(cart_id)),
        (PLACING_ADDRESS, mailbox_of(email)),
        (PLACING_NETWORK, network_of(request)),
    ]
    await limits.meet(request, *counted)
    return counted


async def placed_nothing(limits: Limits, counted: list[tuple[Rule, str]]) -> None:
    """Take back what try_to_place counted: the order was there already, or could not be placed."""
    for rule, key in counted:
        await limits.give_back(rule, key)


async def try_to_pay_again(limits: Limits, request: ShopRequest, order_id: int) -> None:
    """Count another way to the payment page. Raises Refused 429."""
    await limits.meet(request, (PAYING_ORDER, str(order_id)), (PLACING_NETWORK, network_of(request)))


async def try_to_return(limits: Limits, request: ShopRequest) -> None:
    """Count a way back from a payment page that we do not know (yet): Stripe is asked about it. Raises Refused 429."""
    await limits.meet(request, (UNKNOWN_RETURN, network_of(request)))
