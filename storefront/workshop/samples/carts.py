"""Carts in every state, and the rates by which they are delivered."""

from datetime import UTC, datetime
from typing import Any

from storefront.cart.delivery import Rate
from storefront.cart.queries import CartView, Line
from storefront.promotions.offers import Offer
from storefront.workshop.samples.things import drawn

RATES = [
    Rate(("US",), "standard", "Standard delivery", "3 to 5 working days", 490, 7500),
    Rate(("US",), "express", "Express delivery", "1 to 2 working days", 1490, None),
    Rate(("*",), "standard", "Standard delivery", "8 to 14 working days", 1990, None),
]


def line(number: int, slug: str, title: str, price: int, quantity: int = 1, **more: Any) -> Line:
    columns: dict[str, Any] = {
        "variant_title": "",
        "seen_price": price,
        "on_sale": True,
        "tracked": True,
        "left": 40,
        "requires_shipping": True,
    }
    return Line(
        id=number,
        variant_id=number,
        product_id=number,
        sku=f"SKU-{number}",
        title=title,
        slug=slug,
        image=drawn(slug),
        quantity=quantity,
        price=price,
        **(columns | more),
    )


SOAP = line(1, "lavender-soap", "Lavender soap", 900, 2)
MUG = line(2, "speckled-mug", "Speckled mug", 2400, variant_title="Oat white")
PATTERN = line(3, "apron-sewing-pattern", "Apron sewing pattern (PDF)", 1200, requires_shipping=False)
DEARER = line(4, "linen-apron", "Linen apron", 4800, seen_price=4400, variant_title="Indigo")
SHORT = line(5, "oak-bread-board", "Oak bread board", 3900, 3, left=2)
GONE = line(6, "ash-glaze-teapot", "Ash glaze teapot", 8600, left=0)


WELCOME = Offer(1, "WELCOME10", 10, None, 2000, None, datetime(2026, 1, 1, tzinfo=UTC), None)
FROM_60 = Offer(2, "GIFT", None, 1500, 6000, None, datetime(2026, 1, 1, tzinfo=UTC), None)


def cart(*lines: Line, offer: Offer | None = None) -> CartView:
    return CartView(1, lines=list(lines), offer=offer)


FULL = cart(SOAP, MUG)
REDUCED = cart(SOAP, MUG, offer=WELCOME)
NOT_YET_REDUCED = cart(SOAP, MUG, offer=FROM_60)
DOWNLOAD = cart(PATTERN)
TROUBLED = cart(SOAP, DEARER, SHORT, GONE)
