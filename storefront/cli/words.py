"""What several commands read and say in the same way: whole numbers, amounts, plurals, lengths of time."""

import re
from typing import Any

import click


class Whole(click.IntRange):
    """A whole number in ASCII digits. Python's own reading takes every script's digits and underscores too."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            self.fail(f"{value!r} is no whole number{self._bounds()}.", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value} is no whole number{self._bounds()}.", param, ctx)

    def _bounds(self) -> str:
        least = "" if self.min is None else f" from {self.min:,}"
        return least if self.max is None else f"{least} to {self.max:,}"


def is_amount(text: str) -> bool:
    """Whether it is written as an amount of money is, such as 4.90."""
    return re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,3})?", text) is not None


def many(number: int, thing: str) -> str:
    """1 order, 2 orders."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def how_long(seconds: float) -> str:
    """A length of time in the unit that fits it: 0.4 s, 90 s, 5 min, 3 h, 324 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.1f} s"
