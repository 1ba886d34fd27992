"""A cart as its templates show it: names and prices as people read them, and the sentence for each mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storefront.cart.change import HeldForCart, NotEnough
from storefront.cart.delivery import Rate, cheapest, home_country, rates_for
from storefront.cart.models import LIMIT_PER_LINE
from storefront.cart.queries import CartView, Line
from storefront.catalogue.pages import picture
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.money import MAXIMUM_CHARGE, Money, format_money
from storefront.web.templates import Templates


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence about a refused change: at its line, or above the cart. `agree` offers what can be done instead."""

    text: str
    kind: str = "error"
    line_id: int | None = None
    variant_id: int | None = None
    agree: dict[str, Any] | None = None
    entered: str = ""


async def with_own_holds(reader: Reader, cart: CartView, held: HeldForCart) -> CartView:
    """The cart with what its own open order holds counted as still to be had; asks only where something is short."""
    if not any(line.short and line.tracked and line.on_sale for line in cart.lines):
        return cart
    return cart.with_holds(await held(reader, cart.id))


def not_enough(error: NotEnough) -> Message:
    """What is said when more is wanted than can be had, with the number that is left."""
    if error.left <= 0:
        return Message(
            _("%(name)s is sold out.", name=error.name), line_id=error.line_id, variant_id=error.variant_id
        )
    if error.line_id is None:
        name_values = {"variant_id": error.variant_id, "quantity": error.left}
        agree = {"action": "/cart/items", "name_values": name_values, "label": _take(error.left)}
        return Message(
            _("Only %(left)s left of %(name)s.", left=error.left, name=error.name),
            variant_id=error.variant_id,
            agree=agree,
        )
    if error.in_cart >= error.left:
        text = _(
            "Only %(left)s left of %(name)s, and you have them in your cart.",
            left=error.left,
            name=error.name,
        )
        return Message(text, variant_id=error.variant_id)
    action = f"/cart/items/{error.line_id}"
    agree = {"action": action, "name_values": {"quantity": error.left}, "label": _take(error.left)}
    text = _("Only %(left)s left of %(name)s.", left=error.left, name=error.name)
    return Message(text, line_id=None, variant_id=error.variant_id, agree=agree)


def _take(left: int) -> str:
    return _("Take %(n)s", n=left)


def cart_context(
    templates: Templates,
    currency: str,
    cart: CartView,
    rates: Sequence[Rate],
    *,
    message: Message | None = None,
    removed: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What `cart/_cart.html` is given."""
    country = str((cart.draft or {}).get("country", "")) or home_country(rates)
    # What is gone is not delivered.
    delivered = any(line.requires_shipping and not line.gone for line in cart.lines)
    rate = cheapest(rates_for(rates, country), cart.subtotal) if delivered else None
    delivery = rate.cost(cart.subtotal) if rate else 0
    total = Money(cart.subtotal + delivery, currency)
    gone = any(line.gone for line in cart.lines)
    if message is None and cart.can_check_out and not total.payable:
        message = Message(_why_not_payable(total))
    return {
        "lines": [_line(templates, currency, line, message) for line in cart.lines],
        "count": cart.count,
        "subtotal_text": format_money(cart.subtotal, currency),
        "delivery_text": _delivery_text(cart, rate, delivery, currency) if delivered or not gone else "",
        "free_delivery_text": _free_delivery_text(rate, cart.subtotal, currency),
        "total_text": str(total),
        "can_check_out": cart.can_check_out and total.payable,
        "empty": not cart.lines,
        "removed": removed,
        "message": message,
    }


def _why_not_payable(total: Money) -> str:
    if total.amount > MAXIMUM_CHARGE:
        most = format_money(MAXIMUM_CHARGE, total.currency)
        return _("An order can come to %(most)s at most. Please order in several parts.", most=most)
    least = format_money(total.least, total.currency)
    return _(
        "An order must come to %(least)s at least to be paid by card. Please add something.", least=least
    )


def _delivery_text(cart: CartView, rate: Rate | None, delivery: int, currency: str) -> str:
    if not cart.lines or not cart.needs_delivery:
        return "" if not cart.lines else _("No delivery needed")
    if rate is None:
        return _("Delivery is worked out at checkout")
    if not delivery:
        return _("Free delivery")
    return _("Delivery from %(amount)s", amount=format_money(delivery, currency))


def _free_delivery_text(rate: Rate | None, subtotal: int, currency: str) -> str:
    if rate is None or rate.free_from is None or subtotal >= rate.free_from:
        return ""
    return _(
        "Add %(amount)s more for free delivery", amount=format_money(rate.free_from - subtotal, currency)
    )


def _line(templates: Templates, currency: str, line: Line, message: Message | None) -> dict[str, Any]:
    mine = message if message is not None and message.line_id == line.id else None
    price = format_money(line.price, currency)
    problem, mend = "", None
    if not line.on_sale:
        problem = _("No longer available")
    elif line.gone:
        problem = _("Sold out")
    elif line.short:
        problem = _("Only %(left)s left", left=line.left)
        mend = {"quantity": line.left, "label": _take(line.left)}
    was = ""
    if line.price != line.seen_price and not line.gone:
        before = format_money(line.seen_price, currency)
        was = _("Was %(before)s when you added it, now %(price)s", before=before, price=price)
        if mend is None:
            mend = {"quantity": line.quantity, "label": _("Keep it at %(price)s", price=price)}
    return {
        "id": line.id,
        "title": line.title,
        "variant_title": line.variant_title,
        "url": f"/products/{line.slug}",
        "image": picture(templates, line.image),
        "quantity": line.quantity,
        "unit_price": price,
        "lowest_before": format_money(line.lowest_before, currency) if line.lowest_before else "",
        "total": format_money(line.total, currency),
        "was_price": was,
        "problem": problem,
        "mend": mend,
        "max_quantity": min(LIMIT_PER_LINE, max(line.left, 1)),
        "gone": line.gone,
        "error": mine.text if mine else "",
        "entered": mine.entered if mine and mine.entered else line.quantity,
        "sku": line.sku,
    }
