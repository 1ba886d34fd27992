"""The account's pages as their templates show them."""

from collections.abc import Mapping, Sequence
from typing import Any

from storefront.accounts.book import Kept
from storefront.accounts.models import AccountSession
from storefront.language import day, later, moment
from storefront.language import gettext as _
from storefront.money import format_money
from storefront.orders.models import Order
from storefront.orders.words import title_of
from storefront.web.fields import field_context

HINT = later(
    "At least 8 characters. A few words that do not belong together are easy to remember and hard to guess."
)


def email_field(value: str = "", error: str = "", *, new: bool = False, label: str = "") -> dict[str, Any]:
    """`new`: not the one that signs in."""
    token = "email" if new else "username"
    return field_context(
        "email", label or _("E-mail address"), value=value, error=error, type="email", autocomplete=token
    )


def password_field(error: str = "", label: str = "") -> dict[str, Any]:
    return field_context(
        "password", label or _("Password"), error=error, type="password", autocomplete="current-password"
    )


def new_password_field(error: str = "", label: str = "") -> dict[str, Any]:
    return field_context(
        "new_password",
        label or _("Password"),
        error=error,
        type="password",
        autocomplete="new-password",
        hint=_(HINT),
    )


def code_field(error: str = "", hint: str = "") -> dict[str, Any]:
    return field_context("code", _("Code"), error=error, autocomplete="one-time-code", hint=hint)


def order_rows(orders: Sequence[Order]) -> list[dict[str, str]]:
    return [
        {
            "number": order.number,
            "url": f"/orders/{order.token}",
            "placed": day(order.placed_at),
            "state": title_of(order),
            "total": format_money(order.total, order.currency),
        }
        for order in orders
    ]


def session_rows(found: Sequence[AccountSession], here: int) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "device": _device(one.device),
            "since": day(one.created_at),
            "seen": moment(one.seen_at),
            "here": one.id == here,
        }
        for one in found
    ]


def address_rows(kept: Sequence[Kept], lines_of: Any) -> list[dict[str, Any]]:
    """`lines_of` writes an address as its country does."""
    return [{"id": one.id, "lines": lines_of(one.fields), "first": n == 0} for n, one in enumerate(kept)]


def short_address(fields: Mapping[str, str]) -> str:
    """An address in a few words, to tell it from others."""
    parts = (fields.get(name, "") for name in ("name", "address_line1", "address_level2"))
    return ", ".join(part for part in parts if part)


def _device(words: str) -> str:
    """What sessions.device_words wrote down, in the spoken language."""
    browser, on, system = words.partition(" on ")
    if not on:
        return _("A browser") if browser in {"", "A browser"} else browser
    return _("%(browser)s on %(system)s", browser=_(browser), system=_(system))
