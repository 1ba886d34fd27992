"""A cart as a link: which things and how many, and nothing else. Nothing is kept for it; prices, names and stock are
those of the moment at which somebody opens it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select

from storefront.cart.forms import MOST_ID
from storefront.cart.models import LIMIT_LINES, LIMIT_PER_LINE
from storefront.cart.queries import CartView
from storefront.catalogue.models import Image, Product, Variant
from storefront.catalogue.pages import picture
from storefront.catalogue.queries import Picture
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.money import format_money
from storefront.web.templates import Templates

THING = re.compile(r"([1-9][0-9]{0,9})x([1-9][0-9]?)")
FEW = 8


@dataclass(frozen=True, slots=True)
class Shared:
    """A thing that somebody shared, as it is now. `price` in minor units; `left` is how many can be had."""

    variant_id: int
    title: str
    variant_title: str
    slug: str
    image: Picture | None
    quantity: int
    price: int
    on_sale: bool
    left: int

    @property
    def can_be_had(self) -> int:
        return max(0, min(self.quantity, self.left)) if self.on_sale else 0


def share_path(cart: CartView) -> str:
    """Where the things of this cart can be seen by others; empty for an empty cart."""
    things = ".".join(f"{line.variant_id}x{line.quantity}" for line in cart.lines if not line.gone)
    return f"/cart/shared/{things}" if things else ""


def read_things(text: str) -> dict[int, int] | None:
    """Quantities by variant id, as they stand in a link; None for what is no such link."""
    parts = text.split(".")
    if len(parts) > LIMIT_LINES:
        return None
    found = {int(thing[1]): int(thing[2]) for part in parts if (thing := THING.fullmatch(part))}
    fits = len(found) == len(parts) and max(found) <= MOST_ID and max(found.values()) <= LIMIT_PER_LINE
    return found if fits else None


@lru_cache
def _statement(many: int) -> Select[Any]:
    ids = [bindparam(f"id_{n}", type_=Integer) for n in range(many)]
    columns: tuple[Any, ...] = (
        Variant.id, Variant.title.label("variant_title"), Variant.price, Variant.on_hand, Variant.held, Variant.tracked,
        Variant.archived, Product.slug, Product.title, Product.status, Image.path, Image.alt, Image.width, Image.height,
    )  # fmt: skip
    query = select(*columns).join(Product, Product.id == Variant.product_id)
    query = query.outerjoin(Image, (Image.product_id == Product.id) & (Image.position == 0))
    return query.where(Variant.id.in_(ids), Product.status != "draft")


async def shared_things(reader: Reader, wanted: Mapping[int, int]) -> list[Shared]:
    """The things of a link in its order, in one statement; those that the shop never sold are left out."""
    many, ids = FEW if len(wanted) <= FEW else LIMIT_LINES, list(wanted)
    given = {f"id_{n}": ids[n] if n < len(ids) else 0 for n in range(many)}
    rows = {row.id: row for row in (await reader.execute(_statement(many), given)).all()}
    return [
        Shared(
            variant_id=row.id,
            title=row.title,
            variant_title=row.variant_title,
            slug=row.slug,
            image=Picture(row.path, row.alt, row.width, row.height) if row.path else None,
            quantity=wanted[row.id],
            price=row.price,
            on_sale=row.status == "active" and not row.archived,
            left=row.on_hand - row.held if row.tracked else LIMIT_PER_LINE,
        )
        for row in (rows[one] for one in ids if one in rows)
    ]


def shared_context(
    templates: Templates, currency: str, wanted: Mapping[int, int], things: Sequence[Shared], url: str
) -> dict[str, Any]:
    """What `cart/shared.html` is given; `url` is the page's own address."""
    return {
        "url": url,
        "lines": [
            {
                "title": one.title,
                "variant_title": one.variant_title,
                "url": f"/products/{one.slug}" if one.on_sale else "",
                "image": picture(templates, one.image),
                "quantity": one.quantity,
                "total": format_money(one.price * one.can_be_had, currency) if one.can_be_had else "",
                "problem": _problem(one),
            }
            for one in things
        ],
        "unknown": len(wanted) - len(things),
        "total_text": format_money(sum(one.price * one.can_be_had for one in things), currency),
        "any": any(one.can_be_had for one in things),
    }


def _problem(thing: Shared) -> str:
    if not thing.on_sale:
        return _("No longer available")
    if thing.left <= 0:
        return _("Sold out")
    return _("Only %(left)s left", left=thing.left) if thing.left < thing.quantity else ""
