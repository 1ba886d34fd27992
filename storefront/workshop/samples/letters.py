"""Every message with what it is given."""

from typing import Any

from storefront.orders.messages import order_data
from storefront.outbox.models import Message
from storefront.settings import Settings
from storefront.workshop.samples.orders import PLACED, lines, order

# About an order: its state, whether it is a download, and what the message is given beside the order.
ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "order-paid": ("paid", {}),
    "order-paid-owner": ("paid", {"email": "anna@example.org"}),
    "order-awaiting": ("awaiting", {}),
    "payment-failed": ("failed", {}),
    "finish-order": ("pending", {"until": "14:40 UTC"}),
    "late-money": ("cancelled", {"refund": "$46.90"}),
    "order-shipped": ("paid", {"tracking": "1Z999AA10123456784"}),
    "order-cancelled": ("cancelled", {}),
    "order-called-off": ("paid", {"refund": "$46.90"}),
    "order-called-off-owner": ("paid", {"email": "anna@example.org", "refund": "$46.90"}),
    "refunded": ("paid", {"refund": "$10.00", "refunded_total": "$20.00"}),
    "order-link": ("paid", {"state_text": "It is paid."}),
    "owner-attention": (
        "paid",
        {
            "email": "anna@example.org",
            "reason": "the amounts differ",
            "what_to_do": "Look at the payment in Stripe.",
        },
    ),
}
LINK = "https://shop.example/account/register/sample"
ABOUT_ACCOUNTS = ("register", "exists", "none", "reset", "address")
CHANGES = (
    "password",
    "address",
    "address-asked",
    "second-on",
    "second-off",
    "second-lost",
    "codes",
    "deleted",
)


def letter(settings: Settings, template: str, data: dict[str, Any], language: str) -> Message:
    names = {"shop_name": settings.shop_name, "shop_email": settings.shop_email}
    return Message(
        recipient="anna@example.org",
        template=template,
        language=language,
        data=names | data,
        message_id="sample@storefront",
        created_at=PLACED,
    )


def about_order(settings: Settings, template: str, language: str, download: bool = False) -> Message:
    state, more = ORDERS[template]
    changes: dict[str, Any] = {"address": None, "shipping_title": ""} if download else {}
    data = order_data(order(state, **changes), lines(download), settings) | more
    return letter(settings, template, data, language)


def about_account(settings: Settings, template: str, language: str) -> Message:
    data = {"name": "", "email": "anna@example.org", "url": LINK, "sign_in_url": LINK, "good_for": "1 hour"}
    return letter(settings, template, data, language)


def about_change(settings: Settings, what: str, language: str) -> Message:
    return letter(settings, "account-notice", {"name": "", "what": what, "reset_url": LINK}, language)


def about_withdrawal(settings: Settings, template: str, language: str) -> Message:
    data = {
        "name": "Anna Larsson",
        "email": "anna@example.org",
        "number": "SF-7Q4K2M",
        "order_number": "SF-7Q4K2M",
        "things": "",
        "received": "2 March 2026, 14:05 UTC",
        "url": "https://shop.example/orders/sample",
    }
    return letter(settings, template, data, language)


def about_event(settings: Settings, language: str) -> Message:
    data = {"reason": "Stripe's event failed.", "what_to_do": "storefront stripe replay evt_1"}
    return letter(settings, "owner-event", data, language)
