"""Checks for request parameters. A check takes the raw value and its name and gives the clean value.

They raise the errors of docs.stripe.com/error-codes (parameter_unknown, parameter_missing,
parameter_invalid_empty, parameter_invalid_integer). In a table a name that ends in "!" is required.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from storefront.sandbox.errors import ApiError, refuse

Check: TypeAlias = Callable[[Any, str], Any]


def text(longest: int = 5000) -> Check:
    """A string that is not empty."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise refuse(f"Invalid string: {value}", param=name)
        if not value:
            raise _empty(name)
        if len(value) > longest:
            raise refuse(f"Invalid string: {value[:10]}...; must be at most {longest} characters", param=name)
        return value

    return check


def integer(value: Any, name: str) -> int:
    """A whole number written in ASCII digits."""
    if value == "":
        raise _empty(name)
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise refuse(f"Invalid integer: {_short(value)}", param=name, code="parameter_invalid_integer")
    return int(value)


def number(value: Any, name: str) -> float:
    """A decimal number."""
    return float(decimal(value, name))


def decimal(value: Any, name: str) -> str:
    """A decimal number, kept as it was written."""
    if value == "":
        raise _empty(name)
    try:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9.]{1,30}", value) and Decimal(value).is_finite():
            return value
    except InvalidOperation:
        pass
    raise refuse(f"Invalid decimal: {_short(value)}", param=name)


def boolean(value: Any, name: str) -> bool:
    """true or false."""
    if value == "":
        raise _empty(name)
    if value not in ("true", "false"):
        raise refuse(f"Invalid boolean: {_short(value)}", param=name)
    return bool(value == "true")


def one_of(*words: str) -> Check:
    """One of these words."""

    def check(value: Any, name: str) -> str:
        if value == "":
            raise _empty(name)
        if value not in words:
            choices = words[0] if len(words) == 1 else ", ".join(words[:-1]) + f", or {words[-1]}"
            raise refuse(f"Invalid {name}: must be one of {choices}", param=name)
        return str(value)

    return check


def many(check_one: Check, most: int = 100) -> Check:
    """A list: name[0]=…&name[1]=…"""

    def check(value: Any, name: str) -> list[Any]:
        if value == "":
            raise _empty(name)
        if not isinstance(value, list):
            raise refuse("Invalid array", param=name)
        if len(value) > most:
            raise refuse(f"{name} may have at most {most} items.", param=name)
        return [check_one(item, f"{name}[{index}]") for index, item in enumerate(value)]

    return check


def table(fields: dict[str, Check]) -> Check:
    """An object with these fields and no others."""
    required = {name[:-1] for name in fields if name.endswith("!")}
    known = {name.rstrip("!"): check for name, check in fields.items()}

    def check(value: Any, name: str) -> dict[str, Any]:
        if value == "":
            raise _empty(name)
        if not isinstance(value, dict):
            raise refuse("Invalid object", param=name)
        for key in value:
            if key not in known:
                inner = _inside(name, key)
                raise refuse(f"Received unknown parameter: {inner}", param=inner, code="parameter_unknown")
        for key in sorted(required - value.keys()):
            inner = _inside(name, key)
            raise refuse(f"Missing required param: {inner}.", param=inner, code="parameter_missing")
        return {key: known[key](item, _inside(name, key)) for key, item in value.items()}

    return check


def metadata(value: Any, name: str) -> dict[str, str]:
    """docs.stripe.com/metadata: up to 50 keys of 40 characters with values of 500; an empty value unsets."""
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise refuse("Invalid object: metadata is a set of key-value pairs of strings", param=name)
    if len(value) > 50:
        raise refuse(f"Metadata can have up to 50 keys, but you passed in {len(value)}.", param=name)
    for key, item in value.items():
        if len(key) > 40:
            raise refuse(f"Metadata keys can have up to 40 characters, not {len(key)}: {key}", param=name)
        if len(item) > 500:
            raise refuse(
                f"Metadata values can have up to 500 characters, but {key} has {len(item)}.",
                param=f"{name}[{key}]",
            )
    return dict(value)


def unsettable(check_set: Check) -> Check:
    """What `check_set` takes, or an empty string that unsets it."""
    return lambda value, name: "" if value == "" else check_set(value, name)


def either(*checks: Check) -> Check:
    """What one of these takes; the last one's error is the one that is told."""

    def check(value: Any, name: str) -> Any:
        for attempt in checks[:-1]:
            try:
                return attempt(value, name)
            except ApiError:
                continue
        return checks[-1](value, name)

    return check


def anything(value: Any, name: str) -> Any:
    """Taken as it is and not used: it changes nothing that a shop sees."""
    return value


def undone(value: Any, name: str) -> Any:
    """A parameter of Stripe's that the sandbox does not carry out: better refused than ignored."""
    raise refuse(f"The sandbox does not carry out {name}. Stripe itself would take it.", param=name)


def switched_off(value: Any, name: str) -> Any:
    """A feature that the sandbox has not; saying enabled=false, or plainly false, is fine."""
    enabled = value.get("enabled") if isinstance(value, dict) else value
    return value if enabled == "false" else undone(value, name)


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def _short(value: Any) -> str:
    return str(value)[:60]


def _empty(name: str) -> ApiError:
    return refuse(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
        "supply a non-empty value.",
        param=name,
        code="parameter_invalid_empty",
    )
