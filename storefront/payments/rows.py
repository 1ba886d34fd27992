"""Stripe's products and prices as the catalogue's plain rows. What cannot be sold here is refused with its reason.

https://docs.stripe.com/api/products/object and https://docs.stripe.com/api/prices/object
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from storefront.catalogue.apply import Outcome, ProductRow
from storefront.catalogue.content import Content, read_content
from storefront.catalogue.match import PriceRow
from storefront.money import MAXIMUM_CHARGE, smallest_step

MOST_TITLE = 250
MOST_DESCRIPTION = 40_000
MOST_SKU = 64
CREDITS = re.compile(r"[1-9][0-9]{0,8}")
# Control characters, but for tab and line feed, and half of a surrogate pair: no page may hold them. What turns the
# direction of writing would reach beyond the text, and characters without any width tell names apart that look alike.
NOT_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
# Joiners are a part of words and of emoji, but not at a word's beginning, nor after a letter at its end. (Where they
# belong at the end, it is after a mark.)
LOOSE_JOINERS = re.compile("(?<!\\S)[\u200c\u200d]+|(?<=\\w)[\u200c\u200d]+(?!\\S)")
# Letters and a symbol that look like a space.
BLANK = "\u115f\u1160\u2800\u3164\uffa0"


# As long as Stripe's are at most, in characters that every database and page can hold, not blank at either end.
ID = re.compile(r"(?=\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}(?<=\S)")


class Unfit(Exception):
    """The row cannot be sold here; the message says why."""


def product_id(product: Any) -> str:
    """The id of a product's row. Raises Unfit when there is none."""
    if not isinstance(product, dict):
        raise Unfit("a product that is no object")
    return _known_id(product.get("id"), "a product without an id")


def price_ids(price: Any) -> tuple[str, str]:
    """The id of a price's row and its product's, which may be there in full. Raises Unfit when one is not there."""
    if not isinstance(price, dict):
        raise Unfit("a price that is no object")
    identity = _known_id(price.get("id"), "a price without an id")
    product = price.get("product")
    whose = product.get("id") if isinstance(product, dict) else product
    return identity, _known_id(whose, f"the price {identity} without its product")


def _known_id(value: Any, why: str) -> str:
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Unfit(why)
    return value


def product_row(
    product: dict[str, Any], prices: Sequence[dict[str, Any]], currency: str, *, all_there: bool = True
) -> tuple[ProductRow | None, list[Outcome]]:
    """An active product with its prices, as JSON, for a shop that sells in `currency`: the row, None when the product
    itself is refused, and the refusals. `all_there` says whether these are all prices that the product has."""
    refused: list[Outcome] = []
    identity = str(product.get("id", "?"))
    try:
        if product.get("active") is not True:
            raise Unfit("it does not say whether it is active")
        title = _text(product["name"], MOST_TITLE, "its name").replace("\n", " ")
        if not any(unicodedata.category(one)[0] in "LNPS" and one not in BLANK for one in title):
            raise Unfit("it has no name")
        description = _text(product.get("description") or "", MOST_DESCRIPTION, "its description")
        credits, content = credit_amount(product), _content(product)
        default = _id(product.get("default_price"))
    except Exception as error:
        return None, [Outcome(identity, "refused", _why(error))]
    read: list[tuple[PriceRow, dict[str, Any]]] = []
    for price in prices:
        if price.get("active") is False:
            continue
        try:
            read.append((_price_row(price, currency, credits, content), price))
        except Exception as error:
            refused.append(Outcome(str(price.get("id", "?")), "refused", f"{title}: {_why(error)}"))
    untouched = frozenset(one.id for one in refused)
    kept, doubled = _told_apart(read, default)
    refused += [Outcome(one.id, "refused", f"{title}: {why}") for one, why in doubled]
    rows = tuple(sorted(kept, key=lambda row: (row.amount, row.id)))
    shippable = product.get("shippable")
    return ProductRow(identity, title, description, shippable, rows, untouched, all_there), refused


def credit_amount(thing: dict[str, Any]) -> int | None:
    """`metadata.credit_amount` of a product or price, None where it is not given. Raises Unfit unless it is a positive
    whole number of at most nine digits, written with nothing else."""
    text = (thing.get("metadata") or {}).get("credit_amount")
    if text is None:
        return None
    if not isinstance(text, str) or not CREDITS.fullmatch(text):
        raise Unfit(f"metadata.credit_amount is {str(text)[:40]!r}, and must be a positive whole number")
    return int(text)


def _content(thing: dict[str, Any]) -> Content | None:
    """`metadata.content` of a product or price, such as "110 g", None where it is not given. Raises Unfit."""
    text = (thing.get("metadata") or {}).get("content")
    if text is None:
        return None
    try:
        return read_content(str(text)[:40])
    except ValueError:
        raise Unfit(
            f"metadata.content is {str(text)[:40]!r}, and must be like 110 g or 0.5 l per 100 ml"
        ) from None


def _price_row(
    price: dict[str, Any], currency: str, product_credits: int | None, content: Content | None
) -> PriceRow:
    if price.get("active") is not True:
        raise Unfit("the price does not say whether it is active")
    if not isinstance(price.get("created") or 0, int):
        raise Unfit("the time at which the price was created is no number")
    if str(price["currency"]).upper() != currency:
        raise Unfit(f"the price is in {str(price['currency']).upper()}, the shop sells in {currency}")
    if price.get("type") == "recurring" or price.get("recurring"):
        raise Unfit("the price is recurring, and the shop sells once")
    if price.get("custom_unit_amount") or price.get("billing_scheme", "per_unit") != "per_unit":
        raise Unfit("the price has no fixed amount (the buyer's choice, or tiers)")
    if price.get("transform_quantity"):
        raise Unfit("the price is for several pieces at once (transform_quantity)")
    amount = price.get("unit_amount")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise Unfit(f"the price is no whole number of minor units ({price.get('unit_amount_decimal')})")
    if not 0 <= amount <= MAXIMUM_CHARGE or amount % smallest_step(currency):
        raise Unfit(f"{amount} is no amount that can be charged in {currency}")
    own = credit_amount(price)
    credits = own if own is not None else product_credits
    title = _text(price.get("nickname") or "", MOST_TITLE, "its nickname").replace("\n", " ")
    if not title and credits is not None:
        title = f"{credits:,} credit{'' if credits == 1 else 's'}"
    sku = _text(
        (price.get("metadata") or {}).get("sku") or price.get("lookup_key") or "", MOST_SKU, "its SKU"
    )
    return PriceRow(str(price["id"]), amount, title, sku, credits, _content(price) or content)


def _told_apart(
    read: Sequence[tuple[PriceRow, dict[str, Any]]], default: str
) -> tuple[list[PriceRow], list[tuple[PriceRow, str]]]:
    """Of prices that a shopper could not tell apart the product's default price counts, else the newest: a price that
    replaces another is there before the other one is archived."""
    best: dict[str, tuple[PriceRow, dict[str, Any]]] = {}
    for row, price in read:
        name = row.sku or row.title
        known = best.get(name)
        if known is None or _rank(row, price, default) > _rank(*known, default):
            best[name] = row, price
    kept = [row for row, _ in best.values()]
    why = "another of its prices has the same name; give each a nickname, or archive the old one"
    return kept, [(row, why) for row, _ in read if row not in kept]


def _rank(row: PriceRow, price: dict[str, Any], default: str) -> tuple[bool, int, str]:
    return row.id == default, int(price.get("created") or 0), row.id


def _text(value: Any, most: int, what: str) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{what} is no text")
    clean = NOT_TEXT.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    clean = LOOSE_JOINERS.sub("", clean).strip()
    if len(clean) > most:
        raise Unfit(f"{what} is longer than {most:,} characters")
    return clean


def _id(value: Any) -> str:
    return str(value["id"]) if isinstance(value, dict) else str(value or "")


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Unfit) else f"it cannot be read ({type(error).__name__})"
