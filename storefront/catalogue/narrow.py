"""The form with which a listing is narrowed down: each choice with how many products it would leave."""

from collections.abc import Sequence
from typing import Any

from storefront.catalogue.counts import MOST_VALUES, Counts, price_ranges
from storefront.catalogue.filters import NO_END, Filters, write_range
from storefront.catalogue.queries import CollectionView
from storefront.language import gettext as _
from storefront.money import format_money


def filter_form(counts: Counts | None, filters: Filters, within: int, currency: str) -> dict[str, Any] | None:
    """What `catalogue/_filters.html` is given, for the products `within`; None where nothing is counted or there is
    nothing to choose. Choices that would leave nothing are not offered."""
    if counts is None or not within:
        return None
    form = {
        "prices": _prices(counts, filters, within & counts.chosen(filters, but="price"), within, currency),
        "options": _options(counts, filters, within & counts.chosen(filters, but="option")),
        "available": _available(counts, filters, within & counts.chosen(filters, but="available")),
    }
    return form if any(form.values()) else None


def _prices(counts: Counts, filters: Filters, found: int, within: int, currency: str) -> list[dict[str, Any]]:
    prices = [price for price, bit in zip(counts.prices, f"{within:b}"[::-1], strict=False) if bit == "1"]
    ranges = price_ranges(prices, currency)
    if filters.price and filters.price not in ranges:
        ranges.append(filters.price)
    return [
        _choice(write_range(one), range_text(one, currency), number, one == filters.price)
        for one in ranges
        if (number := (counts.priced(*one) & found).bit_count()) or one == filters.price
    ]


def _options(counts: Counts, filters: Filters, found: int) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for option, members in counts.options.items():
        number, chosen = (members & found).bit_count(), option == filters.option
        values = groups.setdefault(option[0], [])
        if chosen or (number and len(values) < MOST_VALUES):
            values.append(_choice(":".join(option), option[1], number, chosen))
    if filters.option and filters.option not in counts.options:
        groups.setdefault(filters.option[0], []).append(
            _choice(":".join(filters.option), filters.option[1], 0, True)
        )
    return [{"name": name, "values": values} for name, values in groups.items() if values]


def _available(counts: Counts, filters: Filters, found: int) -> dict[str, Any] | None:
    number = (counts.available & found).bit_count()
    if number == found.bit_count() and not filters.available:
        return None
    return {"count": number, "chosen": filters.available}


def _choice(value: str, label: str, number: int, chosen: bool) -> dict[str, Any]:
    return {"value": value, "label": label, "count": number, "selected": chosen}


def range_text(price: tuple[int, int], currency: str) -> str:
    """A range of prices in words."""
    low, high = (format_money(one, currency) for one in price)
    if price[1] == NO_END:
        return _("%(price)s and more", price=low)
    return _("%(low)s to %(high)s", low=low, high=high) if price[0] else _("Under %(price)s", price=high)


def filter_chips(filters: Filters, currency: str) -> list[tuple[str, str]]:
    """(parameter, sentence) of each filter that narrows."""
    found = []
    if filters.price:
        found.append(("price", range_text(filters.price, currency)))
    if filters.option:
        found.append(("option", ": ".join(filters.option)))
    if filters.available:
        found.append(("available", _("In stock")))
    return found


def collection_counts(
    counts: Counts | None, filters: Filters, collections: Sequence[CollectionView]
) -> dict[int, int]:
    """How many products each collection would show, by its id."""
    if counts is None:
        return {}
    found = counts.chosen(filters)
    return {one.id: (counts.in_collection(one.id) & found).bit_count() for one in collections}
