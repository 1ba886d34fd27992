"""Which variant a price is. A price in Stripe never changes its amount: a new one takes its place, and the variant that
lies in carts has to find its new price."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storefront.catalogue.content import Content
from storefront.catalogue.models import Variant


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price at which a variant is sold, in minor units; `sku` is empty where none is given, `content` None."""

    id: str
    amount: int
    title: str
    sku: str = ""
    credit_amount: int | None = None
    content: Content | None = None


def matched(variants: Sequence[Variant], prices: Sequence[PriceRow]) -> list[tuple[PriceRow, Variant | None]]:
    """Each price with the variant of its product that it belongs to, None for a new one: the same SKU, else the same
    price, else the same title, else the only variant for the only price if one of the two has no title."""
    found: dict[str, Variant] = {}
    left = list(variants)
    rules: tuple[Callable[[Variant, PriceRow], bool], ...] = (
        lambda variant, price: variant.sku == price.sku,
        lambda variant, price: variant.stripe_price_id == price.id,
        lambda variant, price: not variant.archived and variant.title == price.title,
        lambda variant, price: variant.title == price.title,
        lambda variant, price: _only_ones(variants, prices) and "" in {variant.title, price.title},
    )
    for fits in rules:
        for price in prices:
            variant = next((one for one in left if fits(one, price)), None) if price.id not in found else None
            if variant is not None:
                found[price.id] = variant
                left.remove(variant)
    return [(price, found.get(price.id)) for price in prices]


def _only_ones(variants: Sequence[Variant], prices: Sequence[PriceRow]) -> bool:
    return len(prices) == 1 and sum(not one.archived for one in variants) == 1
