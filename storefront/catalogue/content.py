"""What a piece holds ("110 g", "0.5 l per 100 ml"), and what a kilogram or a litre then costs (Directive 98/6/EC)."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from babel.units import format_unit

from storefront.language import gettext as _
from storefront.language import spoken
from storefront.money import format_money

WRITTEN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(kg|g|ml|l)(?: per (100 ?g|100 ?ml|1? ?kg|1? ?l))?")
IN_SMALL = {"g": ("g", 1), "kg": ("g", 1000), "ml": ("ml", 1), "l": ("ml", 1000)}
MOST = 1_000_000_000
UNITS = {
    ("g", 100): (100, "mass-gram"),
    ("g", 1000): (1, "mass-kilogram"),
    ("ml", 100): (100, "volume-milliliter"),
    ("ml", 1000): (1, "volume-liter"),
}


class Content(NamedTuple):
    """`amount` of `unit` ("g" or "ml") in a piece; prices are told for `per` (100 or 1,000) of it."""

    amount: int
    unit: str
    per: int


def read_content(text: str) -> Content:
    """What an owner wrote: a number, its unit, and, unless prices are told for a kilogram or a litre, what for. Raises
    ValueError."""
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    unit, times = IN_SMALL[found[2]]
    exact = Decimal(found[1]) * times
    amount, per = int(exact), found[3] or ""
    if not 0 < amount <= MOST or amount != exact or (per and IN_SMALL[per.lstrip("10 ")][0] != unit):
        raise ValueError(text)
    return Content(amount, unit, 100 if per.startswith("100") else 1000)


def unit_price(price: int, currency: str, content: Content | None) -> str:
    """What 100 g, a kilogram, 100 ml or a litre costs at `price` minor units a piece, as people read it; nothing where
    that is the price itself."""
    if content is None or content.amount == content.per:
        return ""
    # Half a cent counts as one.
    amount = (2 * price * content.per + content.amount) // (2 * content.amount)
    shown = format_money(amount, currency)
    return _("%(price)s for %(unit)s", price=shown, unit=_unit(content.unit, content.per, spoken().locale))


@lru_cache(maxsize=64)
def _unit(unit: str, per: int, locale: str) -> str:
    number, name = UNITS[unit, per]
    return format_unit(number, name, "short", locale=locale)
