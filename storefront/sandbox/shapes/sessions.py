"""The Checkout Session (docs.stripe.com/api/checkout/sessions/object) and its lines."""

from __future__ import annotations

from typing import Any

from storefront.sandbox.ids import new_id

# Fields that this sandbox's sessions never fill.
_EMPTY = (
    "after_expiration",
    "allow_promotion_codes",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer",
    "customer_account",
    "invoice",
    "payment_link",
    "permissions",
    "presentment_details",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "subscription",
    "payment_method_configuration_details",
)
_TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
# Asked-for values that are shown again as they were given.
_ECHOED = (
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "integration_identifier",
    "locale",
    "origin_context",
    "submit_type",
)


def session(
    params: dict[str, Any], *, created: int, expires_at: int, currency: str, methods: list[str]
) -> dict[str, Any]:
    """An open session without amounts, url and lines; `params` as checked by tables.SESSION_CREATE."""
    email = params.get("customer_email")
    invoice_data = dict.fromkeys(
        ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
    )
    return {
        "id": new_id("cs_test_a1"),
        "object": "checkout.session",
        **dict.fromkeys(_EMPTY),
        **{name: params.get(name) for name in _ECHOED},
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        "amount_subtotal": 0,
        "amount_total": 0,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": created,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {name: params.get("custom_text", {}).get(name) or None for name in _TEXTS},
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_details": customer_details(email, None) if email else None,
        "discounts": [],
        "expires_at": expires_at,
        "invoice_creation": {"enabled": False, "invoice_data": invoice_data | {"metadata": {}}},
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_collection": params.get("payment_method_collection", "if_required"),
        "payment_method_options": {},
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "success_url": params["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }


def customer_details(email: str | None, name: str | None) -> dict[str, Any]:
    """Who pays, as far as the page asks."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def line_item(price: dict[str, Any], *, description: str, quantity: int, subtotal: int) -> dict[str, Any]:
    """A line; amounts in minor units, the discount is spread afterwards."""
    return {
        "id": new_id("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": 0,
        "amount_total": subtotal,
        "currency": price["currency"],
        "description": description,
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def shipping_rate(data: dict[str, Any], *, created: int) -> dict[str, Any]:
    """docs.stripe.com/api/shipping_rates/object, from a session's shipping_rate_data."""
    fixed = data["fixed_amount"]
    return {
        "id": new_id("shr_1"),
        "object": "shipping_rate",
        "active": True,
        "created": created,
        "delivery_estimate": _estimate(data.get("delivery_estimate")),
        "display_name": data["display_name"],
        "fixed_amount": {"amount": fixed["amount"], "currency": fixed["currency"].lower()},
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "tax_behavior": data.get("tax_behavior", "unspecified"),
        "tax_code": data.get("tax_code"),
        "type": "fixed_amount",
    }


def _estimate(given: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"maximum": given.get("maximum"), "minimum": given.get("minimum")} if given else None
