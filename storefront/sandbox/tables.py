"""The parameters that each endpoint takes, after docs.stripe.com/api at version 2026-10-28.endive.

Stripe's own parameters that the sandbox does not carry out are `undone` (refused with a sentence);
what only changes how a page looks is `anything`.
"""

from __future__ import annotations

from storefront.sandbox.checks import (
    anything,
    boolean,
    decimal,
    either,
    integer,
    many,
    metadata,
    number,
    one_of,
    switched_off,
    table,
    text,
    undone,
    unsettable,
)

STR = text()
EXPAND = {"expand": many(STR)}
RANGE = either(integer, table({"gt": integer, "gte": integer, "lt": integer, "lte": integer}))
PAGE = {"ending_before": STR, "limit": integer, "starting_after": STR} | EXPAND
LIST = PAGE | {"created": RANGE}
UNSETTABLE = unsettable(STR)
METADATA = unsettable(metadata)
TAX_BEHAVIOR = one_of("exclusive", "inclusive", "unspecified")

_DAYS = table({"unit!": one_of("business_day", "day", "hour", "month", "week"), "value!": integer})
_PRODUCT_DATA = table(
    {
        "name!": STR,
        "description": STR,
        "images": many(STR, 8),
        "metadata": metadata,
        "tax_code": STR,
        "tax_details": anything,
        "unit_label": STR,
    }
)
_PRICE_DATA = table(
    {
        "currency!": STR,
        "product": STR,
        "product_data": _PRODUCT_DATA,
        "recurring": undone,
        "tax_behavior": TAX_BEHAVIOR,
        "unit_amount": integer,
        "unit_amount_decimal": decimal,
    }
)
_LINE = table(
    {
        "price": STR,
        "price_data": _PRICE_DATA,
        "quantity": integer,
        "metadata": metadata,
        "adjustable_quantity": switched_off,
        "tax_rates": undone,
    }
)
_SHIPPING_RATE = table(
    {
        "display_name!": STR,
        "fixed_amount": table({"amount!": integer, "currency!": STR, "currency_options": undone}),
        "type": one_of("fixed_amount"),
        "delivery_estimate": table({"maximum": _DAYS, "minimum": _DAYS}),
        "metadata": metadata,
        "tax_behavior": TAX_BEHAVIOR,
        "tax_code": STR,
    }
)
_ADDRESS = {"city": STR, "country": STR, "line2": STR, "postal_code": STR, "state": STR, "line1!": STR}
_PAYMENT_INTENT_DATA = table(
    {
        "description": STR,
        "metadata": metadata,
        "receipt_email": STR,
        "shipping": table(
            {"address!": table(_ADDRESS), "name!": STR, "carrier": STR, "phone": STR, "tracking_number": STR}
        ),
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
        "setup_future_usage": undone,
        "capture_method": one_of("automatic", "automatic_async"),
        "transfer_group": STR,
        "transfer_data": undone,
        "application_fee_amount": undone,
        "on_behalf_of": undone,
    }
)
_MESSAGE = unsettable(table({"message!": text(1200)}))

SESSION_CREATE = table(
    EXPAND
    | {
        "mode!": one_of("payment", "setup", "subscription"),
        "line_items": many(_LINE),
        "success_url": STR,
        "cancel_url": STR,
        "client_reference_id": text(200),
        "currency": STR,
        "customer": STR,
        "customer_email": text(800),
        "customer_creation": one_of("if_required", "always"),
        "discounts": many(table({"coupon": STR, "promotion_code": STR})),
        "expires_at": integer,
        "metadata": metadata,
        "payment_intent_data": _PAYMENT_INTENT_DATA,
        "shipping_options": many(table({"shipping_rate": STR, "shipping_rate_data": _SHIPPING_RATE}), 5),
        "adaptive_pricing": table({"enabled": boolean}),
        "ui_mode": one_of("elements", "embedded_page", "form", "hosted_page"),
        "allowed_payment_method_types": many(STR),
        "excluded_payment_method_types": many(STR),
        "billing_address_collection": one_of("auto", "required"),
        "payment_method_collection": one_of("always", "if_required"),
        "submit_type": one_of("auto", "book", "donate", "pay", "subscribe"),
        "locale": STR,
        "origin_context": one_of("mobile_app", "web"),
        "integration_identifier": STR,
        "custom_text": table(
            {
                "after_submit": _MESSAGE,
                "shipping_address": _MESSAGE,
                "submit": _MESSAGE,
                "terms_of_service_acceptance": _MESSAGE,
            }
        ),
        "branding_settings": anything,
        "payment_method_data": anything,
        "payment_method_options": anything,
        "wallet_options": anything,
        "saved_payment_method_options": anything,
        "permissions": anything,
        "customer_update": anything,
        "payment_method_configuration": anything,
        "after_expiration": undone,
        "allow_promotion_codes": switched_off,
        "automatic_tax": switched_off,
        "consent_collection": undone,
        "custom_fields": undone,
        "customer_account": undone,
        "invoice_creation": switched_off,
        "managed_payments": switched_off,
        "name_collection": undone,
        "optional_items": undone,
        "phone_number_collection": switched_off,
        "redirect_on_completion": undone,
        "return_url": undone,
        "setup_intent_data": undone,
        "shipping_address_collection": undone,
        "subscription_data": undone,
        "tax_id_collection": switched_off,
    }
)
SESSION_LIST = table(
    LIST
    | {
        "customer": STR,
        "customer_account": STR,
        "customer_details": table({"email!": STR}),
        "payment_intent": STR,
        "payment_link": STR,
        "status": one_of("complete", "expired", "open"),
        "subscription": STR,
    }
)
SESSION_UPDATE = table(
    EXPAND
    | {
        "metadata": METADATA,
        "collected_information": undone,
        "line_items": undone,
        "payment_intent_data": undone,
        "shipping_options": undone,
    }
)
RETRIEVE = table(EXPAND)
NESTED_LIST = table(PAGE)

INTENT_RETRIEVE = table(EXPAND | {"client_secret": STR})
INTENT_LIST = table(LIST | {"customer": STR, "customer_account": STR})
CHARGE_LIST = table(LIST | {"customer": STR, "payment_intent": STR, "transfer_group": STR})
REFUND_CREATE = table(
    EXPAND
    | {
        "amount": integer,
        "charge": STR,
        "currency": undone,
        "customer": undone,
        "instructions_email": STR,
        "metadata": METADATA,
        "origin": undone,
        "payment_intent": STR,
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
        "refund_application_fee": switched_off,
        "reverse_transfer": switched_off,
    }
)
METADATA_UPDATE = table(EXPAND | {"metadata": METADATA})
OF_PAYMENT_LIST = table(LIST | {"charge": STR, "payment_intent": STR})
EVENT_LIST = table(LIST | {"delivery_success": boolean, "type": STR, "types": many(STR, 20)})
BALANCE_TRANSACTION_LIST = table(LIST | {"currency": STR, "payout": STR, "source": STR, "type": STR})

_PRODUCT = {
    "active": boolean,
    "metadata": METADATA,
    "shippable": boolean,
    "statement_descriptor": text(22),
    "package_dimensions": unsettable(
        table({"height!": number, "length!": number, "weight!": number, "width!": number})
    ),
}
_NEW_PRODUCT = _PRODUCT | {
    "id": STR,
    "name!": STR,
    "description": STR,
    "images": many(STR, 8),
    "marketing_features": many(table({"name!": text(80)}), 15),
    "tax_code": STR,
    "tax_details": anything,
    "type": one_of("good", "service"),
    "unit_label": STR,
    "url": STR,
}
PRODUCT_CREATE = table(
    EXPAND
    | _NEW_PRODUCT
    | {
        "default_price_data": table(
            {
                "currency!": STR,
                "metadata": metadata,
                "tax_behavior": TAX_BEHAVIOR,
                "unit_amount": integer,
                "unit_amount_decimal": decimal,
                "currency_options": undone,
                "custom_unit_amount": undone,
                "recurring": undone,
            }
        )
    }
)
PRODUCT_UPDATE = table(
    EXPAND
    | _PRODUCT
    | {
        "name": STR,
        "default_price": STR,
        "description": UNSETTABLE,
        "images": unsettable(many(STR, 8)),
        "marketing_features": unsettable(many(table({"name!": text(80)}), 15)),
        "tax_code": UNSETTABLE,
        "tax_details": anything,
        "unit_label": UNSETTABLE,
        "url": UNSETTABLE,
    }
)
PRODUCT_LIST = table(
    LIST
    | {
        "active": boolean,
        "ids": many(STR),
        "shippable": boolean,
        "type": one_of("good", "service"),
        "url": STR,
    }
)
_PRICE = {
    "active": boolean,
    "lookup_key": text(200),
    "nickname": STR,
    "tax_behavior": TAX_BEHAVIOR,
    "transfer_lookup_key": boolean,
}
PRICE_CREATE = table(
    EXPAND
    | _PRICE
    | {
        "currency!": STR,
        "unit_amount": integer,
        "unit_amount_decimal": decimal,
        "product": STR,
        "product_data": table(
            {
                "active": boolean,
                "id": STR,
                "metadata": metadata,
                "name!": STR,
                "statement_descriptor": text(22),
                "tax_code": STR,
                "tax_details": anything,
                "unit_label": STR,
            }
        ),
        "metadata": METADATA,
        "recurring": table(
            {
                "interval!": one_of("day", "month", "week", "year"),
                "interval_count": integer,
                "meter": STR,
                "trial_period_days": integer,
                "usage_type": one_of("licensed", "metered"),
            }
        ),
        "billing_scheme": one_of("per_unit"),
        "currency_options": undone,
        "custom_unit_amount": undone,
        "tiers": undone,
        "tiers_mode": undone,
        "transform_quantity": undone,
    }
)
PRICE_UPDATE = table(EXPAND | _PRICE | {"metadata": METADATA, "currency_options": undone})
PRICE_LIST = table(
    LIST
    | {
        "active": boolean,
        "currency": STR,
        "lookup_keys": many(STR, 10),
        "product": STR,
        "recurring": anything,
        "type": one_of("one_time", "recurring"),
    }
)
COUPON_CREATE = table(
    EXPAND
    | {
        "id": STR,
        "amount_off": integer,
        "percent_off": number,
        "currency": STR,
        "duration": one_of("forever", "once", "repeating"),
        "duration_in_months": integer,
        "max_redemptions": integer,
        "metadata": METADATA,
        "name": text(40),
        "redeem_by": integer,
        "applies_to": undone,
        "currency_options": undone,
    }
)
COUPON_LIST = table(LIST)
