"""An order as its page shows it."""

from datetime import timedelta
from typing import Any

from storefront.catalogue.pages import picture
from storefront.catalogue.queries import Picture
from storefront.database import now
from storefront.language import clock, moment
from storefront.language import gettext as _
from storefront.money import format_money
from storefront.orders.calloff import why_not
from storefront.orders.change import is_unclear, keeps_unclear_money
from storefront.orders.models import AWAITING, CANCELLED, FAILED, OPEN_STATES, PAID, PENDING, Order, OrderLine
from storefront.orders.next import has_credits, is_refunded, posted, whats_next
from storefront.orders.queries import OrderView
from storefront.orders.withdraw import may_withdraw
from storefront.orders.words import (
    LATE_TEXT,
    REFUNDED_TEXT,
    TEXTS,
    UNCLEAR_TEXT,
    address_lines,
    bill_to_lines,
    masked,
    timeline_text,
    title_of,
)
from storefront.web.pictures import WIDTHS
from storefront.web.templates import Templates


def order_context(templates: Templates, view: OrderView, withdrawal_days: int) -> dict[str, Any]:
    """What `orders/_status.html` is given. `withdrawal_days`: for how long after its last parcel it offers to
    withdraw."""
    order = view.order
    url = f"/orders/{order.token}"
    currency = order.currency
    open_to_shopper = order.state in OPEN_STATES and not is_unclear(order)
    return {
        "number": order.number,
        "url": url,
        "status": order.state,
        "status_title": title_of(order),
        "thanks": order.state == PAID and order.called_off_at is None and not is_refunded(order),
        "status_text": _text(view),
        "next_text": whats_next(
            order,
            view.lines,
            sent=bool(view.shipments),
            lost=view.lost,
            stuck=view.stuck,
            late=bool(view.late),
        ),
        "credits_url": "/account/credits" if has_credits(order, view.lines) else "",
        "final": order.state in {PAID, CANCELLED, FAILED} and not is_unclear(order),
        "poll_after": poll_after(order),
        "refunded": order.refunded_amount,
        "total": order.total,
        "currency": currency,
        "refunded_text": _refunded(order),
        "lines": [_line(templates, line, currency) for line in view.lines],
        "subtotal_text": format_money(order.subtotal, currency),
        "discount_title": _("Discount %(code)s", code=order.promotion_code),
        "discount_text": format_money(-order.discount, currency) if order.discount else "",
        "delivery_title": _(order.shipping_title) or _("Delivery"),
        "delivery_text": format_money(order.shipping, currency) if order.address else "",
        "total_text": format_money(order.total, currency),
        "address_lines": address_lines(order),
        "bill_to_lines": bill_to_lines(order),
        "email_masked": masked(order.email),
        "note": order.note,
        "placed_text": moment(order.placed_at),
        "shipments_title": _("Parcels") if posted(view.lines) else _("Sent"),
        "shipments": [
            {"text": _("Sent on %(moment)s", moment=moment(one.shipped_at)), "tracking": one.tracking}
            for one in view.shipments
        ],
        "timeline": [{"text": timeline_text(entry), "at_text": moment(entry.at)} for entry in view.timeline],
        "pay": {
            "action": f"{url}/pay",
            "label": _("Pay %(amount)s", amount=format_money(order.total, currency)),
        }
        if open_to_shopper
        else None,
        "cancel": {"action": f"{url}/cancel"} if open_to_shopper else None,
        "reorder": {"action": f"{url}/reorder"}
        if order.state == CANCELLED
        or (order.state == FAILED and open_to_shopper)
        or order.called_off_at is not None
        else None,
        "call_off_url": "" if order.state != PAID or why_not(view) else f"{url}/cancel",
        "withdraw_url": f"{url}/withdraw"
        if may_withdraw(view, withdrawal_days) and not view.withdrawn
        else "",
        "confirm": {"action": f"{url}/confirmation"} if order.state == PAID else None,
        "hold": _hold(view),
    }


def _text(view: OrderView) -> str:
    order = view.order
    if view.late:
        rest = _("Nothing will be sent.") if view.stuck else _(REFUNDED_TEXT)
        return f"{_(LATE_TEXT)} {rest}"
    if view.stuck or keeps_unclear_money(order):
        return _("Nothing will be sent.")
    if is_unclear(order):
        return _(UNCLEAR_TEXT)
    if order.called_off_at is not None:
        return _(REFUNDED_TEXT if order.total else TEXTS[CANCELLED])
    if is_refunded(order):
        return _(REFUNDED_TEXT)
    if order.state == PENDING and order.decline_reason:
        return _(
            "The last try was declined: %(reason)s You can try again or use another way to pay.",
            reason=_(order.decline_reason),
        )
    return _(TEXTS[order.state])


def _refunded(order: Order) -> str:
    if not order.refunded_amount:
        return ""
    amount = format_money(order.refunded_amount, order.currency)
    return _("Refunded in full.") if is_refunded(order) else _("%(amount)s refunded.", amount=amount)


def _hold(view: OrderView) -> dict[str, Any] | None:
    """Until when its things are kept and it can be paid, by our clock; `left` are seconds, for browsers whose own clock
    may be wrong. When the payment page ends, so does the order, though its holds outlast that a little."""
    order = view.order
    if order.state != PENDING or order.hold_until is None or is_unclear(order):
        return None
    until = min(order.hold_until, view.attempt.expires_at) if view.attempt is not None else order.hold_until
    left = int((until - now()).total_seconds())
    if left <= 0:
        return None
    return {"until": clock(until), "iso": f"{until:%Y-%m-%dT%H:%M:%SZ}", "left": left}


def _line(templates: Templates, line: OrderLine, currency: str) -> dict[str, Any]:
    image = Picture(line.image_path, "", WIDTHS[0], WIDTHS[0]) if line.image_path else None
    return {
        "title": line.title,
        "variant_title": line.variant_title,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": format_money(line.unit_price, currency),
        "total": format_money(line.unit_price * line.quantity, currency),
        "image": picture(templates, image),
        "url": f"/products/{line.slug}",
    }


def poll_after(order: Order) -> int:
    """Seconds until the page asks again: often while a payment is fresh, then slower."""
    age = now() - order.placed_at
    if order.state == AWAITING:
        return 30
    if age < timedelta(minutes=2):
        return 2
    return 5 if age < timedelta(minutes=10) else 15
