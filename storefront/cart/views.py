"""A cart as its templates show it: names and prices as people read them, and the sentence for each mistake."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from storefront.cart.change import HeldForCart, NotEnough
from storefront.cart.delivery import Rate, cheapest, home_country, rates_for
from storefront.cart.models import LIMIT_PER_LINE
from storefront.cart.queries import CartView, Line
from storefront.catalogue.pages import picture
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.language import territory
from storefront.money import MAXIMUM_CHARGE, Money, format_money
from storefront.promotions.offers import UsedByOthers, with_uses
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


@dataclass(frozen=True, slots=True)
class Typed:
    """A discount code that was refused: what was typed, and the sentence about it."""

    code: str
    error: str


async def with_own_order(reader: Reader, cart: CartView, held: HeldForCart, used: UsedByOthers) -> CartView:
    """The cart as it is to whoever holds it: what its own open order holds can still be had, and the code that it
    has is not used up by it."""
    cart = replace(cart, offer=await with_uses(reader, cart.offer, cart.id, used))
    return await with_own_holds(reader, cart, held)


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
            "Only %(left)s left of %(name)s, already in your cart.",
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
    typed: Typed | None = None,
    focus: int = 0,
) -> dict[str, Any]:
    """What `cart/_cart.html` is given. `typed`: a code that was refused. `focus`: the variant whose line gets it."""
    delivered = _delivered(cart)
    rate, total = _estimate(cart, rates, currency)
    supposed = "" if _chosen_country(cart) else home_country(rates)
    discount = cart.discount(currency)
    delivery = total.amount - (cart.subtotal - discount)
    delivery_text = _delivery_text(cart, rate, delivery, currency, supposed)
    gone = any(line.gone for line in cart.lines)
    if message is None and cart.can_check_out and not total.payable:
        message = Message(_why_not_payable(total))
    return {
        "lines": [_line(templates, currency, line, message, focus) for line in cart.lines],
        "count": cart.count,
        "subtotal_text": format_money(cart.subtotal, currency),
        "code": code_context(cart, currency),
        "typed": typed,
        "focus_code": False,
        "discount_text": format_money(-discount, currency) if discount else "",
        "delivery_text": delivery_text if delivered or not gone else "",
        "free_delivery_text": _free_delivery_text(rate, cart.subtotal, currency),
        "total_text": str(total),
        "can_check_out": cart.can_check_out and total.payable,
        "empty": not cart.lines,
        "removed": removed,
        "message": message,
    }


def code_context(cart: CartView, currency: str) -> dict[str, str] | None:
    """The code that the cart has, and why nothing comes off if so."""
    if cart.offer is None:
        return None
    return {"text": cart.offer.code, "why_not": cart.offer.why_not(cart.subtotal, currency)}


def can_be_paid(cart: CartView, rates: Sequence[Rate], currency: str) -> bool:
    """Whether the way to the checkout is open: all of it can be had, and Stripe takes what it comes to."""
    return cart.can_check_out and _estimate(cart, rates, currency)[1].payable


def _estimate(cart: CartView, rates: Sequence[Rate], currency: str) -> tuple[Rate | None, Money]:
    """The cheapest delivery to the country chosen at checkout, else to the shop's own, and the total with it."""
    country = _chosen_country(cart) or home_country(rates)
    rate = cheapest(rates_for(rates, country), cart.subtotal) if _delivered(cart) else None
    delivery = rate.cost(cart.subtotal) if rate else 0
    return rate, Money(cart.subtotal - cart.discount(currency) + delivery, currency)


def _chosen_country(cart: CartView) -> str:
    return str((cart.draft or {}).get("country", ""))


def _delivered(cart: CartView) -> bool:
    # What is gone is not delivered.
    return any(line.requires_shipping and not line.gone for line in cart.lines)


def _why_not_payable(total: Money) -> str:
    if total.amount > MAXIMUM_CHARGE:
        most = format_money(MAXIMUM_CHARGE, total.currency)
        return _("An order can come to %(most)s at most. Please order in several parts.", most=most)
    least = format_money(total.least, total.currency)
    return _(
        "An order must come to %(least)s at least to be paid by card. Please add something.", least=least
    )


def _delivery_text(cart: CartView, rate: Rate | None, delivery: int, currency: str, supposed: str) -> str:
    """What delivery costs, and to which country where nobody has chosen one yet."""
    if not cart.lines or not cart.needs_delivery:
        return "" if not cart.lines else _("No delivery needed")
    if rate is None:
        return _("Delivery is worked out at checkout")
    if not delivery:
        text = _("Free delivery")
    else:
        text = _("Delivery from %(amount)s", amount=format_money(delivery, currency))
    return f"{text} ({territory(supposed)})" if supposed else text


def _free_delivery_text(rate: Rate | None, subtotal: int, currency: str) -> str:
    if rate is None or rate.free_from is None or subtotal >= rate.free_from:
        return ""
    return _(
        "Add %(amount)s more for free delivery", amount=format_money(rate.free_from - subtotal, currency)
    )


def _line(
    templates: Templates, currency: str, line: Line, message: Message | None, focus: int
) -> dict[str, Any]:
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
        "focus": line.variant_id == focus,
    }
