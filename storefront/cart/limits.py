"""How many carts one network may begin: each is a row that is kept for 60 days. Generous to hundreds of shoppers behind
one address; whoever has a cart never meets this."""

from storefront.web.limits import Limits, Rule, network_of
from storefront.web.request import ShopRequest

NEW_CARTS = Rule("new-carts", 3000, 600)


async def try_to_begin(limits: Limits, request: ShopRequest) -> None:
    """Count a cart that is about to be made. Raises Refused 429."""
    await limits.meet(request, (NEW_CARTS, network_of(request)))
