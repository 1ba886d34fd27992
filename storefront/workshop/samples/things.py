"""Products, variants and pictures of the demo shop, as its queries would give them."""

from typing import Any

from storefront.catalogue.models import stock_level, stock_text
from storefront.catalogue.queries import Card, CollectionView, Offer, Picture, ProductView, Slice
from storefront.web.pictures import WIDTHS

LONG_TITLE = "Hand-thrown speckled stoneware pitcher with a very long name that needs several lines"


def drawn(name: str, alt: str = "") -> Picture:
    return Picture(name, alt, WIDTHS[-1], WIDTHS[-1])


def card(slug: str, title: str, price: str, **more: Any) -> Card:
    columns: dict[str, Any] = {"summary": "", "image": drawn(slug, title), "stock": "in", "stock_text": ""}
    return Card(id=1, url=f"/products/{slug}", title=title, price=price, **(columns | more))


def cards() -> list[Card]:
    """A card in each state."""
    return [
        card("lavender-soap", "Lavender soap", "$9.00", unit_price="$9.00 for 100 g"),
        card("speckled-mug", "Speckled mug", "From $24.00"),
        card("linen-apron", "Linen apron", "$48.00", stock="few", stock_text=stock_text(True, 2)),
        card("ash-glaze-teapot", "Ash glaze teapot", "$86.00", stock="none", stock_text=stock_text(True, 0)),
        card("oak-bread-board", "Oak bread board", "$39.00", was="$46.00"),
        card("stoneware-pitcher", LONG_TITLE, "$1,249.00"),
        card("no-such-picture", "A thing without a picture", "$12.00", image=None),
    ]


def collections() -> list[CollectionView]:
    return [
        CollectionView(1, "ceramics", "Ceramics", "Mugs, bowls and vases.", drawn("speckled-mug")),
        CollectionView(2, "candles", "Candles", "Beeswax and soy.", drawn("beeswax-pillar-candle")),
        CollectionView(3, "wood", "Wood", "", None),
    ]


def listed(*, more: bool = True) -> Slice:
    return Slice(cards=cards(), after="sample" if more else "")


def offer(number: int, title: str, left: int, **more: Any) -> Offer:
    columns: dict[str, Any] = {"price": "$24.00", "amount": 2400, "requires_shipping": True}
    return Offer(
        id=number,
        title=title,
        sku=f"MUG-{number}",
        stock=stock_level(True, left),
        stock_text=stock_text(True, left),
        available=left > 0,
        left=left,
        **(columns | more),
    )


def product(*offers: Offer, option: str = "") -> ProductView:
    return ProductView(
        id=1,
        slug="speckled-mug",
        title="Speckled mug",
        summary="A stoneware mug that fits two hands.",
        description="Thrown on the wheel in batches of twelve.\n\nDishwasher safe.",
        details=[["Holds", "350 ml"], ["Made in", "Portland"]],
        option=option,
        offers=list(offers),
        images=[drawn("speckled-mug", "A speckled mug"), drawn("cafe-au-lait-bowl", "A bowl beside it")],
        collections=[("ceramics", "Ceramics")],
        related=cards()[:4],
    )
