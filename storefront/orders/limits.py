"""How often somebody without a link may ask for one, have the confirmation sent once more, or declare a withdrawal.
docs/security.md explains them."""

from storefront.web.limits import Limits, Rule, mailbox_of, network_of
from storefront.web.request import ShopRequest

HOUR = 60 * 60
LOOK_UP_ORDER = Rule("look-up-order", 3, HOUR)
LOOK_UP_NUMBER = Rule("look-up-number", 30, HOUR)
LOOK_UP_NETWORK = Rule("look-up-network", 300, HOUR)
CONFIRM_AGAIN = Rule("confirmation-again", 3, HOUR)
WITHDRAW_ADDRESS = Rule("withdraw-address", 10, HOUR)
WITHDRAW_NETWORK = Rule("withdraw-network", 300, HOUR)


async def try_to_look_up(limits: Limits, request: ShopRequest, number: str, email_key: str) -> None:
    """Count a question for a link, whether there is such an order or not. Raises Refused 429."""
    await limits.meet(
        request,
        (LOOK_UP_ORDER, f"{number} {email_key}"),
        # Of one network: else whoever reads the number on a parcel could keep its owner from asking.
        (LOOK_UP_NUMBER, f"{number} {network_of(request)}"),
        (LOOK_UP_NETWORK, network_of(request)),
    )


async def try_to_confirm_again(limits: Limits, request: ShopRequest, order_id: int) -> None:
    """Count a confirmation that is to be sent once more. Raises Refused 429."""
    await limits.meet(request, (CONFIRM_AGAIN, str(order_id)), (LOOK_UP_NETWORK, network_of(request)))


async def try_to_withdraw(limits: Limits, request: ShopRequest, email: str) -> None:
    """Count a declaration and its message. Raises Refused 429."""
    await limits.meet(request, (WITHDRAW_ADDRESS, mailbox_of(email)), (WITHDRAW_NETWORK, network_of(request)))
