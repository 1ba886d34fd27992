"""How many carts one network may begin: each is a row that is kept for 60 days. Generous to hundreds of shoppers behind
one address; whoever has a cart never meets this. And how many discount codes it may try: they are short, and could be
guessed."""

from storefront.web.limits import Limits, Rule, network_of
from storefront.web.request import ShopRequest

NEW_CARTS = Rule("new-carts", 3000, 600)
CODES = Rule("promotion-codes", 60, 600)


async def try_to_begin(limits: Limits, request: ShopRequest) -> None:
    """Count a cart that is about to be made. Raises Refused 429."""
    await limits.meet(request, (NEW_CARTS, network_of(request)))


async def try_a_code(limits: Limits, request: ShopRequest) -> None:
    """Count a code that was entered. Raises TooOften."""
    await limits.meet(request, (CODES, network_of(request)))


async def was_no_guess(limits: Limits, request: ShopRequest) -> None:
    """There is such a code: many behind one address may enter it."""
    await limits.give_back(CODES, network_of(request))
