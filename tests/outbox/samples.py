"""What each message is given, as an example."""

from typing import Any

Data = dict[str, Any]

SHOP: Data = {"shop_name": "Hearth & Field", "shop_email": "owner@shop.example", "language": "en"}
URL = "https://shop.example/orders/" + "t" * 43
LINK = "https://shop.example/account/register/" + "t" * 43
ORDER: Data = {
    "shop_name": "Hearth & Field",
    "shop_email": "owner@shop.example",
    "number": "SF-7Q4K2M",
    "url": URL,
    "returns_url": "https://shop.example/pages/returns",
    "name": "Anna Example",
    "lines": [
        {"title": "Lavender soap", "variant_title": "", "quantity": 2, "total": "$18.00"},
        {"title": "Linen apron", "variant_title": "Indigo", "quantity": 1, "total": "$48.00"},
    ],
    "subtotal": "$66.00",
    "shipping_title": "Standard delivery",
    "shipping": "$4.90",
    "total": "$70.90",
    "address_lines": ["Anna Example", "Oranienstraße 1", "10999 BERLIN", "GERMANY"],
    "bill_to_lines": [],
    "note": "Please ring twice.",
    "next_text": "Next we pack your things. You get a message when they leave.",
    "mailed": "",
    "posted": True,
    "credits_url": "",
}
# What stands in a message about an order beside ORDER.
MORE: dict[str, Data] = {
    "order-paid": {},
    "order-paid-owner": {"email": "anna@example.org"},
    "order-awaiting": {},
    "payment-failed": {},
    "finish-order": {"until": "14:35 UTC"},
    "late-money": {"refund": "$70.90"},
    "order-shipped": {"tracking": "00340434161094"},
    "order-cancelled": {},
    "order-called-off": {"refund": "$70.90"},
    "order-called-off-owner": {"refund": "$70.90", "email": "anna@example.org"},
    "order-link": {"state_text": "Next we pack your things. You get a message when they leave."},
    "refunded": {"refund": "$10.00", "refunded_total": "$20.00"},
    "owner-attention": {"reason": "the amounts differ", "what_to_do": "Look at the payment in Stripe."},
    "owner-event": {"reason": "Stripe's event failed.", "what_to_do": "storefront stripe replay evt_1"},
}
DECLARED: Data = {
    "name": "Anna Example",
    "number": "SF-7Q4K2M",
    "things": "2 × Lavender soap",
    "received": "21 November 2026, 07:15:30 UTC",
    "email": "anna@example.org",
}
WITHDRAWALS: dict[str, Data] = {
    "withdrawal-received": DECLARED | {"url": "https://shop.example/withdraw/" + "k" * 32},
    "withdrawal-owner": DECLARED | {"order_number": "SF-7Q4K2M", "url": URL},
}
ABOUT_ACCOUNTS: dict[str, Data] = {
    name: {
        "name": "Anna",
        "email": "anna@example.org",
        "url": LINK,
        "sign_in_url": LINK,
        "good_for": "1 hour",
    }
    for name in ("account-register", "account-exists", "account-none", "account-reset", "account-address")
} | {"account-notice": {"name": "Anna", "what": "password", "reset_url": LINK}}


def samples() -> dict[str, Data]:
    """For each message (its template's name) the data that it is given."""
    orders = {name: ORDER | more for name, more in MORE.items()}
    return {name: SHOP | data for name, data in (orders | WITHDRAWALS | ABOUT_ACCOUNTS).items()}
