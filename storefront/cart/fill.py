"""Having a cart hold at least so many of several things: an earlier order's, or those of a cart that was shared."""

from collections.abc import Sequence
from dataclasses import dataclass

from storefront.cart.change import HeldForCart, NoSuchThing, NotEnough, OverLimit, add_to_cart
from storefront.cart.models import LIMIT_PER_LINE
from storefront.glance import Stroke


@dataclass(slots=True)
class Filled:
    """How many of the things the cart holds now, of how many it holds more than before, how many it could not be given;
    the cart's new count, and whether it is a new one."""

    put: int = 0
    raised: int = 0
    missed: int = 0
    count: int = 0
    new_cart: bool = False

    @property
    def notice(self) -> str:
        """The sentence that says so, by its code."""
        if not self.put:
            return "gone"
        return "put-back-some" if self.missed else "put-back" if self.raised else "put-back-already"


async def fill_cart(
    stroke: Stroke, key: str | None, new_key: str, wanted: Sequence[tuple[int, int]], held: HeldForCart
) -> Filled:
    """Have the cart behind `key`, else a new one under `new_key`, hold at least what is wanted, by variant id, as far
    as it can be had; once more changes nothing."""
    filled = Filled()
    for variant_id, quantity in wanted:
        try:
            done = await add_to_cart(
                stroke,
                new_key if filled.new_cart else key,
                new_key,
                variant_id,
                min(quantity, LIMIT_PER_LINE),
                held,
                at_least=True,
            )
        except (NoSuchThing, NotEnough, OverLimit):
            filled.missed += 1
            continue
        filled.put += 1
        filled.raised += done.quantity > done.before
        filled.count, filled.new_cart = done.count, filled.new_cart or done.new_cart
    return filled
