"""An order in words: what its state means to the shopper, and the sentence of each timeline entry."""

from collections.abc import Mapping

from storefront.language import gettext as _
from storefront.orders.models import Order, TimelineEntry

TITLES = {
    "pending": "Waiting for your payment",
    "awaiting": "Your payment is on its way",
    "paid": "Thank you, your order is paid",
    "failed": "The payment did not arrive",
    "cancelled": "This order was cancelled",
}
TEXTS = {
    "pending": "We have set your things aside. As soon as the payment is confirmed, this page says so.",
    "awaiting": "Your bank needs some days. Your things stay set aside, and we write to you when the money is there.",
    "paid": "We have sent a confirmation to your e-mail address.",
    "failed": "Your bank did not complete the payment. Nothing was charged. You can pay again in another way.",
    "cancelled": "Nothing will be sent, and nothing is owed.",
}
REFUNDED_TITLE = "This order was refunded"
REFUNDED_TEXT = "All of your money goes back, the way you paid it."
TIMELINE: Mapping[str, str] = {
    "placed": "Order placed",
    "redirected": "Payment page opened",
    "declined": "A payment was declined: {reason}",
    "awaiting": "Payment started; the bank needs some days",
    "paid": "Payment received",
    "free": "Nothing to pay",
    "failed": "Payment failed",
    "cancelled": "Order cancelled ({why})",
    "paying-again": "Another payment was started",
    "late-paid": "Payment arrived late; the things were still there",
    "late-refund": "Payment arrived after the order was given up; it is being refunded",
    "double-refund": "A second payment arrived; it is being refunded",
    "refund-asked": "Refund of {amount} started",
    "refunded": "{amount} refunded in all",
    "refund-failed": "A refund of {amount} failed and came back",
    "mismatch": "Stripe's payment does not fit the order; we are looking into it",
    "shipped": "Sent{tracking}",
    "disputed": "The payment is disputed ({reason})",
    "dispute-closed": "The dispute is closed ({status})",
    "called-off": "You cancelled the order",
    "withdrawn": "You withdrew from the order",
    "withdrawn-part": "You withdrew from: {things}",
    "credits-granted": "{amount} credits added to your account",
    "credits-taken": "{amount} credits taken back",
    "credits-back": "{amount} credits given back",
    "credits-owed": "{amount} credits were to be taken back, and are spent already",
}


def title_of(order: Order) -> str:
    """Where the order stands, as the heading of its page."""
    if order.called_off_at is not None:
        return TITLES["cancelled"]
    return REFUNDED_TITLE if order.refunded_amount == order.total > 0 else TITLES[order.state]


def timeline_text(entry: TimelineEntry) -> str:
    """The sentence of one timeline entry."""
    return TIMELINE.get(entry.kind, entry.kind).format_map({"tracking": "", "why": "", **entry.data})


def address_lines(order: Order) -> list[str]:
    """The delivery address as it was formatted when the order was placed; nothing for downloads."""
    return (order.address or {}).get("lines", "").splitlines()


def bill_to_lines(order: Order) -> list[str]:
    """Whom the bill is for, where the shopper said more than where the parcel goes: another address, a VAT number."""
    said = order.address or {}
    lines = said.get("billing_lines", "").splitlines()
    return (
        [*lines, _("VAT number: %(number)s", number=said["vat_number"])] if said.get("vat_number") else lines
    )


def masked(email: str) -> str:
    """An e-mail address that its owner recognises and others cannot use: s…r@example.com."""
    name, _at, domain = email.rpartition("@")
    return f"{name[:1]}…{name[-1:] if len(name) > 2 else ''}@{domain}"
