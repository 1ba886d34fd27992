"""The form with which a listing is narrowed down: each choice with how many products it would leave."""

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple

from storefront.catalogue.counts import MOST_VALUES, Counts, price_ranges
from storefront.catalogue.filters import NO_END, Filters, write_range
from storefront.catalogue.queries import CollectionView
from storefront.language import gettext as _
from storefront.money import format_money

AS_NUMBERS = bytes.maketrans(b"01", b"\0\1")


class Choice(NamedTuple):
    """A value that a listing can be narrowed down to, and how many products that leaves."""

    value: str
    label: str
    number: int
    selected: bool


class Group(NamedTuple):
    """The values of one option, such as those of "Scent"."""

    name: str
    choices: tuple[Choice, ...]


class Form(NamedTuple):
    """What `catalogue/_filters.html` is given. `available` is None where everything is in stock."""

    prices: tuple[Choice, ...]
    options: tuple[Group, ...]
    available: Choice | None


def filter_form(counts: Counts | None, filters: Filters, within: int, currency: str) -> Form | None:
    """The form for the products `within`; None where nothing is counted or there is nothing to choose. Choices that
    would leave nothing are not offered."""
    if counts is None or not within:
        return None
    form = Form(
        prices=_prices(counts, filters, within & counts.chosen(filters, but="price"), within, currency),
        options=_options(counts, filters, within & counts.chosen(filters, but="option")),
        available=_available(counts, filters, within & counts.chosen(filters, but="available")),
    )
    return form if any(form) else None


def _prices(counts: Counts, filters: Filters, found: int, within: int, currency: str) -> tuple[Choice, ...]:
    prices = list(compress(counts.prices, f"{within:b}"[::-1].encode().translate(AS_NUMBERS)))
    ranges = price_ranges(prices, currency)
    if filters.price and filters.price not in ranges:
        ranges.append(filters.price)
    return tuple(
        Choice(write_range(one), range_text(one, currency), number, one == filters.price)
        for one in ranges
        if (number := (counts.priced(*one) & found).bit_count()) or one == filters.price
    )


def _options(counts: Counts, filters: Filters, found: int) -> tuple[Group, ...]:
    groups: dict[str, list[Choice]] = {}
    for option, members in counts.options.items():
        number, chosen = (members & found).bit_count(), option == filters.option
        values = groups.setdefault(option[0], [])
        if chosen or (number and len(values) < MOST_VALUES):
            values.append(Choice(":".join(option), option[1], number, chosen))
    if filters.option and filters.option not in counts.options:
        gone = Choice(":".join(filters.option), filters.option[1], 0, True)
        groups.setdefault(filters.option[0], []).append(gone)
    return tuple(Group(name, tuple(values)) for name, values in groups.items() if values)


def _available(counts: Counts, filters: Filters, found: int) -> Choice | None:
    number = (counts.available & found).bit_count()
    if number == found.bit_count() and not filters.available:
        return None
    return Choice("1", _("In stock"), number, filters.available)


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
