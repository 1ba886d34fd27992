"""The cart, the checkout and the order's page."""

from collections.abc import Mapping
from typing import Any

from storefront.cart.queries import CartView
from storefront.cart.views import Message, cart_context
from storefront.checkout.views import checkout_context
from storefront.orders.queries import OrderView
from storefront.orders.views import order_context
from storefront.web.templates import Templates
from storefront.workshop.pages.kinds import Make, Pages
from storefront.workshop.samples import carts, orders

WITHDRAWAL_DAYS = 30
ADDRESS = {
    "email": "anna@example.org",
    "name": "Anna Larsson",
    "country": "US",
    "address_line1": "12 Mill Lane",
    "address_level2": "Portland",
    "address_level1": "OR",
    "postal_code": "97201",
    "note": "Please ring twice.",
}
LACKING = {"email": "Enter an e-mail address like anna@example.org.", "postal_code": "Enter the postal code."}


def cart(shown: CartView, **more: Any) -> Make:
    def make(templates: Templates, currency: str) -> str:
        context = cart_context(templates, currency, shown, carts.RATES, **more)
        context["share_url"] = "/cart/shared/sample"
        return templates.page(
            "cart/cart.html", title="Your cart", path="/cart", count=shown.count, cart=context
        )

    return make


def checkout(
    shown: CartView, values: Mapping[str, str], account: dict[str, Any] | None = None, **more: Any
) -> Make:
    def make(templates: Templates, currency: str) -> str:
        context = checkout_context(templates, currency, shown, carts.RATES, values, **more)
        return templates.page(
            "checkout/checkout.html",
            title="Checkout",
            path="/checkout",
            count=shown.count,
            error=bool(more.get("errors")),
            checkout=context,
            account=account,
        )

    return make


def order(shown: OrderView, offer: dict[str, str] | None = None) -> Make:
    def make(templates: Templates, _currency: str) -> str:
        context = order_context(templates, shown, WITHDRAWAL_DAYS) | {"offer": offer}
        return templates.page(
            "orders/order.html", title=f"Order {shown.order.number}", path="", order=context
        )

    return make


NOTHING = CartView(1)
REMOVED = {"title": "Lavender soap", "variant_id": 1, "quantity": 2, "action": "/cart/items"}
REFUSED = Message("Choose at most 99.", line_id=1, entered="200")
ONLY_TWO = Message(
    "Only 2 left of Oak bread board.",
    agree={"action": "/cart/items", "name_values": {"variant_id": 5, "quantity": 2}, "label": "Take 2"},
)
DEARER = {
    "text": "The total has changed from $42.90 to $46.90. Please check it and order again.",
    "kind": "error",
}
SOLD_OUT = {
    "text": "Ash glaze teapot: sold out. Please change your cart; nothing was ordered.",
    "kind": "error",
}
HAS_ADDRESSES = {
    "email": "anna@example.org",
    "addresses": [
        {"id": 1, "text": "12 Mill Lane, Portland"},
        {"id": 2, "text": "3 Harbour Street, Portland"},
    ],
}
OFFER = {"text": "Create an account to find your orders in one place", "url": "/account/register"}

PAGES: Pages = (
    ("cart", "Cart", cart(carts.FULL)),
    ("cart-empty", "Cart: empty", cart(NOTHING)),
    ("cart-download", "Cart: nothing to deliver", cart(carts.DOWNLOAD)),
    ("cart-removed", "Cart: something removed", cart(carts.cart(carts.MUG), removed=REMOVED)),
    ("cart-refused", "Cart: quantity refused", cart(carts.FULL, message=REFUSED)),
    ("cart-too-few", "Cart: too few left", cart(carts.FULL, message=ONLY_TWO)),
    ("cart-changed-meanwhile", "Cart: changed meanwhile", cart(carts.TROUBLED)),
    ("checkout", "Checkout", checkout(carts.FULL, {})),
    (
        "checkout-filled",
        "Checkout: filled",
        checkout(carts.FULL, ADDRESS, HAS_ADDRESSES, ok=("email", "postal_code")),
    ),
    (
        "checkout-errors",
        "Checkout: mistakes",
        checkout(carts.FULL, ADDRESS | {"email": "anna@", "postal_code": ""}, errors=LACKING),
    ),
    ("checkout-dearer", "Checkout: another total", checkout(carts.FULL, ADDRESS, message=DEARER)),
    (
        "checkout-bought-away",
        "Checkout: sold out meanwhile",
        checkout(carts.TROUBLED, ADDRESS, message=SOLD_OUT),
    ),
    ("checkout-file", "Checkout: nothing to deliver", checkout(carts.DOWNLOAD, {})),
    ("checkout-account", "Checkout: needs an account", checkout(carts.DOWNLOAD, {}, needs_account=True)),
    (
        "checkout-unavailable",
        "Checkout: payment unavailable",
        checkout(carts.FULL, ADDRESS, unavailable=True),
    ),
    ("order-pending", "Order: to be paid", order(orders.view("pending", "redirected"))),
    (
        "order-declined",
        "Order: payment declined",
        order(orders.view("pending", "redirected", "declined", decline_reason="The card was declined.")),
    ),
    ("order-awaiting", "Order: money on its way", order(orders.view("awaiting", "redirected", "awaiting"))),
    ("order-paid", "Order: paid", order(orders.view("paid", "redirected", "paid"), OFFER)),
    ("order-shipped", "Order: sent", order(orders.view("paid", "redirected", "paid", "shipped", sent=True))),
    ("order-download", "Order: a download", order(orders.view("paid", "redirected", "paid", download=True))),
    (
        "order-failed",
        "Order: payment failed",
        order(orders.view("failed", "redirected", "awaiting", "failed")),
    ),
    ("order-cancelled", "Order: cancelled", order(orders.view("cancelled", "cancelled"))),
    (
        "order-part-refunded",
        "Order: partly refunded",
        order(orders.view("paid", "paid", "refunded", refunded_amount=1000)),
    ),
    (
        "order-refunded",
        "Order: refunded",
        order(orders.view("paid", "paid", "refunded", refunded_amount=4690)),
    ),
    (
        "order-disputed",
        "Order: looked at",
        order(orders.view("paid", "paid", "disputed", attention="mismatch")),
    ),
)
