"""What a shopper narrows a listing down to: a range of prices, one value of an option, what can be had now."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, String, bindparam, exists

from storefront.catalogue.models import Product, Variant

MOST_DIGITS = 9
NO_END = 2**31 - 1
MOST_LETTERS = 60


@dataclass(frozen=True, slots=True)
class Filters:
    """`price` are minor units from the first up to and without the second; `option` is an option's name and its value;
    `available` leaves out what is sold out."""

    price: tuple[int, int] | None = None
    option: tuple[str, str] | None = None
    available: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filters":
        """What an address asks for; what cannot be read there is passed over."""
        name, _, value = query.get("option", "").partition(":")
        fits = 0 < len(name) <= MOST_LETTERS and 0 < len(value) <= MOST_LETTERS
        price = read_range(query.get("price", ""))
        return cls(price, (name, value) if fits else None, query.get("available", "") == "1")

    def parameters(self) -> dict[str, str]:
        """How it stands in an address; empty for what is not asked for."""
        return {
            "price": write_range(self.price) if self.price else "",
            "option": ":".join(self.option) if self.option else "",
            "available": "1" if self.available else "",
        }

    def values(self) -> dict[str, object]:
        """What the statement of `conditions` is given."""
        low, high = self.price or (None, None)
        name, value = self.option or (None, None)
        given = {"low": low, "high": high, "option_name": name, "option_value": value}
        return {key: one for key, one in given.items() if one is not None}

    @property
    def kinds(self) -> tuple[bool, bool, bool]:
        """Which of them narrow anything, by which statements are told apart."""
        return self.price is not None, self.option is not None, self.available


NOTHING = Filters()


def read_range(text: str) -> tuple[int, int] | None:
    """A range as it stands in an address ("2000-5000", "-2000", "5000-"), None for anything else."""
    low, dash, high = text[: 2 * MOST_DIGITS + 1].partition("-")
    if not dash or not (low or high) or len(text) > 2 * MOST_DIGITS + 1:
        return None
    if not all(
        part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS for part in (low, high) if part
    ):
        return None
    found = int(low or 0), int(high) if high else NO_END
    return found if found[0] < found[1] else None


def write_range(price: tuple[int, int]) -> str:
    low, high = price
    return f"{low or ''}-{high if high < NO_END else ''}"


def conditions(kinds: tuple[bool, bool, bool]) -> list[ColumnElement[bool]]:
    """What a product must fulfil, by Filters.kinds."""
    price, option, available = kinds
    mine = (Variant.product_id == Product.id) & ~Variant.archived
    found: list[ColumnElement[bool]] = []
    if price:
        low, high = bindparam("low", type_=Integer), bindparam("high", type_=Integer)
        found.append((Product.price >= low) & (Product.price < high))
    if option:
        same = Variant.title == bindparam("option_value", type_=String)
        found.append(Product.option == bindparam("option_name", type_=String))
        found.append(exists().where(mine, same))
    if available:
        found.append(exists().where(mine, ~Variant.tracked | (Variant.on_hand > Variant.held)))
    return found
