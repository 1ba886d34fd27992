"""The cart, the checkout and the order's page."""

from collections.abc import Mapping
from typing import Any

from storefront.cart.queries import CartView
from storefront.cart.share import Shared, shared_context
from storefront.cart.views import Message, Typed, cart_context
from storefront.checkout.views import checkout_context
from storefront.orders.change import UNCLEAR
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


def drawer(templates: Templates, currency: str) -> str:
    context = cart_context(templates, currency, carts.FULL, carts.RATES)
    context["share_url"] = "/cart/shared/sample"
    return templates.page("gallery/drawer.html", title="The cart's drawer", path="", cart=context)


def shared(templates: Templates, currency: str) -> str:
    wanted = {one.variant_id: one.quantity for one in SHARED} | {99: 1}
    context = shared_context(templates, currency, wanted, SHARED, "/cart/shared/sample")
    return templates.page(
        "cart/shared.html", title="A shared cart", path="/cart/shared/sample", shared=context
    )


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
SHARED = [
    Shared(
        one.variant_id, one.title, one.variant_title, one.slug, one.image, one.quantity, one.price, True, left
    )
    for one, left in ((carts.SOAP, 40), (carts.SHORT, 2), (carts.GONE, 0))
]
REMOVED = {"title": "Lavender soap", "variant_id": 1, "quantity": 2, "action": "/cart/items"}
REFUSED = Message("Choose at most 99.", line_id=1, entered="200")
WRONG_CODE = Typed("WELCOM10", "There is no code WELCOM10. Please check how you typed it.")
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
    ("cart-code", "Cart: with a discount code", cart(carts.REDUCED)),
    ("cart-code-from", "Cart: a code that does not count yet", cart(carts.NOT_YET_REDUCED)),
    ("cart-code-refused", "Cart: a code refused", cart(carts.FULL, typed=WRONG_CODE)),
    ("cart-shared", "Cart: shared by somebody", shared),
    ("drawer", "Cart: the drawer", drawer),
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
    ("checkout-code", "Checkout: with a discount code", checkout(carts.REDUCED, ADDRESS)),
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
    (
        "order-unclear",
        "Order: the payment does not fit",
        order(orders.view("pending", "redirected", "mismatch", attention=f"{UNCLEAR}the amount")),
    ),
    ("order-awaiting", "Order: money on its way", order(orders.view("awaiting", "redirected", "awaiting"))),
    ("order-paid", "Order: paid", order(orders.view("paid", "redirected", "paid"), OFFER)),
    (
        "order-code",
        "Order: with a discount code",
        order(
            orders.view("paid", "redirected", "paid", discount=420, promotion_code="WELCOME10", total=4270)
        ),
    ),
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
