"""What a session costs. Amounts are whole numbers in the currency's smallest unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from storefront.sandbox.books import Obj
from storefront.sandbox.currencies import (
    LARGEST,
    SMALLEST,
    SUPPORTED,
    THREE_DECIMAL,
    WHOLE_UNITS,
    shown,
)
from storefront.sandbox.errors import refuse


def known_currency(currency: str, param: str) -> str:
    """The currency in lower case, if Stripe supports it."""
    if currency.lower() not in SUPPORTED:
        raise refuse(
            f"Invalid currency: {currency[:10]}. See https://docs.stripe.com/currencies.", param=param
        )
    return currency.lower()


def possible_amount(amount: int, currency: str, param: str) -> int:
    """An amount that is not negative and that the currency can express (docs.stripe.com/currencies)."""
    if amount < 0:
        raise refuse(
            "This value must be greater than or equal to 0.", param=param, code="parameter_invalid_integer"
        )
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS else 1
    if amount % step:
        raise refuse(f"Invalid amount: {currency.upper()} amounts must be divisible by {step}.", param=param)
    return amount


def line_amount(price: Obj, quantity: int) -> int:
    """Quantity times the unit price; decimals of a minor unit are rounded once, half up."""
    exact = Decimal(price["unit_amount_decimal"]) * quantity
    return int(exact.to_integral_value(ROUND_HALF_UP))


def add_up(session: Obj, lines: list[Obj], coupon: Obj | None, shipping: int) -> None:
    """Fills in the session's amounts and spreads the discount over its lines, never below zero."""
    subtotal = sum(line["amount_subtotal"] for line in lines)
    discount = min(subtotal, _off(coupon, subtotal)) if coupon else 0
    rest, weight = discount, subtotal
    for line in lines:
        share = rest * line["amount_subtotal"] // weight if weight else 0
        rest, weight = rest - share, weight - line["amount_subtotal"]
        line |= {"amount_discount": share, "amount_total": line["amount_subtotal"] - share}
    session["amount_subtotal"] = subtotal
    session["amount_total"] = subtotal - discount + shipping
    session["total_details"] = {"amount_discount": discount, "amount_shipping": shipping, "amount_tax": 0}


def chargeable(total: int, currency: str) -> None:
    """Refuses totals outside the limits of docs.stripe.com/currencies#minimum-and-maximum-charge-amounts."""
    smallest = SMALLEST.get(currency, 1)
    if 0 < total < smallest:
        raise refuse(
            f"The Checkout Session's total amount must be at least {shown(smallest, currency)}; "
            f"it is {shown(total, currency)}.",
            code="amount_too_small",
        )
    if total > LARGEST:
        raise refuse(
            f"The Checkout Session's total amount must be no more than {shown(LARGEST, currency)}.",
            code="amount_too_large",
        )


def _off(coupon: Obj, subtotal: int) -> int:
    if coupon["amount_off"] is not None:
        return int(coupon["amount_off"])
    exact = Decimal(str(coupon["percent_off"])) * subtotal / 100
    return int(exact.to_integral_value(ROUND_HALF_UP))
