"""Product, Price and Coupon (docs.stripe.com/api)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from storefront.sandbox.ids import new_id

_PRODUCT_EMPTY = (
    "default_price",
    "description",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)


def product(params: dict[str, Any], *, created: int, active: bool = True) -> dict[str, Any]:
    """docs.stripe.com/api/products/object"""
    return {
        "id": params.get("id") or new_id("prod_"),
        "object": "product",
        **{name: params.get(name) if params.get(name) != "" else None for name in _PRODUCT_EMPTY},
        "active": params.get("active", active),
        "created": created,
        "images": params.get("images", []),
        "livemode": False,
        "marketing_features": params.get("marketing_features", []),
        "metadata": params.get("metadata") or {},
        "name": params["name"],
        "type": params.get("type", "service"),
        "updated": created,
    }


def price(params: dict[str, Any], product_id: str, *, created: int, active: bool = True) -> dict[str, Any]:
    """docs.stripe.com/api/prices/object; unit_amount in minor units, null when it is no whole number."""
    exact = Decimal(params.get("unit_amount_decimal") or params["unit_amount"])
    recurring = params.get("recurring")
    if recurring:
        blank = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
        recurring = blank | recurring
    return {
        "id": new_id("price_1"),
        "object": "price",
        "active": params.get("active", active),
        "billing_scheme": "per_unit",
        "created": created,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": params.get("metadata") or {},
        "nickname": params.get("nickname"),
        "product": product_id,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(exact) if exact == exact.to_integral_value() else None,
        "unit_amount_decimal": format(exact.normalize(), "f"),
    }


def coupon(params: dict[str, Any], *, created: int) -> dict[str, Any]:
    """docs.stripe.com/api/coupons/object; amount_off in minor units."""
    currency = params.get("currency")
    return {
        "id": params.get("id") or new_id(""),
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": created,
        "currency": currency.lower() if currency else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.get("metadata") or {},
        "name": params.get("name"),
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
