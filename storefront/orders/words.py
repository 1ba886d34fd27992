"""An order in words: what its state means to the shopper, and the sentence of each timeline entry."""

from collections.abc import Mapping

from storefront.language import gettext as _
from storefront.language import later, number
from storefront.money import format_money
from storefront.orders.change import is_unclear
from storefront.orders.models import Order, TimelineEntry

TITLES = {
    "pending": later("Waiting for your payment"),
    "awaiting": later("Your payment is on its way"),
    "paid": later("Thank you, your order is paid"),
    "failed": later("The payment did not arrive"),
    "cancelled": later("This order was cancelled"),
}
TEXTS = {
    "pending": later(
        "We have set your things aside. As soon as the payment is confirmed, this page says so."
    ),
    "awaiting": later(
        "Your bank needs some days. Your things stay set aside, and we write to you when the money is there."
    ),
    "paid": later("We have sent a confirmation to your e‑mail address."),
    "failed": later(
        "Your bank did not complete the payment. Nothing was charged. You can pay again in another way."
    ),
    "cancelled": later("Nothing will be sent, and nothing is owed."),
}
CANCELLED_TITLE = TITLES["cancelled"]
UNCLEAR_TITLE = later("We are looking at your payment")
UNCLEAR_TEXT = later(
    "Your payment has reached us, but something about it does not fit this order: its amount, for example."
)
REFUNDED_TITLE = later("This order was refunded")
LATE_TEXT = later("Your payment arrived after the order had been given up, and its things were gone by then.")
REFUNDED_TEXT = later("All of your money goes back, the way you paid it.")
# What Stripe says of a declined card, as far as it says it often: https://docs.stripe.com/declines/codes
DECLINES = (
    later("Your card was declined."),
    later("Your card has insufficient funds."),
    later("Your card has expired."),
    later("Your card's security code is incorrect."),
    later("Your card number is incorrect."),
    later("Your card does not support this type of purchase."),
    later("An error occurred while processing your card. Try again in a little bit."),
    later("Your card was declined. Your request was in live mode, but used a known test card."),
    later(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    ),
)
TIMELINE: Mapping[str, str] = {
    "placed": later("Order placed"),
    "redirected": later("Payment page opened"),
    "declined": later("A payment was declined: %(reason)s"),
    "awaiting": later("Payment started; the bank needs some days"),
    "paid": later("Payment received"),
    "free": later("Nothing to pay"),
    "failed": later("Payment failed"),
    "cancelled": later("Order cancelled (%(why)s)"),
    "paying-again": later("Another payment was started"),
    "late-paid": later("Payment arrived late; the things were still there"),
    "late-refund": later("Payment arrived after the order was given up; it is being refunded"),
    "double-refund": later("A second payment arrived; it is being refunded"),
    "refund-asked": later("Refund of %(amount)s started"),
    "refunded": later("%(amount)s refunded in all"),
    "refund-failed": later("A refund of %(amount)s failed and came back"),
    "refund-cancelled": later("A refund of %(amount)s was cancelled"),
    "mismatch": later("Stripe's payment does not fit the order; we are looking into it"),
    "shipped": later("Sent%(tracking)s"),
    "disputed": later("The payment is disputed (%(reason)s)"),
    "dispute-closed": later("The dispute is closed (%(status)s)"),
    "called-off": later("You cancelled the order"),
    "withdrawn": later("You withdrew from the order"),
    "withdrawn-part": later("You withdrew from: %(things)s"),
    "credits-granted": later("%(amount)s credits added to your account"),
    "credits-taken": later("%(amount)s credits taken back"),
    "credits-back": later("%(amount)s credits given back"),
    "credits-owed": later("%(amount)s credits were to be taken back, and are spent already"),
}


def title_of(order: Order) -> str:
    """Where the order stands, as the heading of its page."""
    if order.called_off_at is not None:
        return _(CANCELLED_TITLE)
    if is_unclear(order):
        return _(UNCLEAR_TITLE)
    return _(REFUNDED_TITLE if order.refunded_amount == order.total > 0 else TITLES[order.state])


def timeline_text(entry: TimelineEntry) -> str:
    """The sentence of one timeline entry, in the spoken language whoever wrote it."""
    values: dict[str, str | int] = {"tracking": "", **entry.data}
    for name in ("why", "reason"):
        values[name] = _(str(values.get(name, "")))
    amount, currency = values.get("amount"), values.get("currency")
    # Entries of before amounts were kept as numbers have them as text.
    if isinstance(amount, int):
        values["amount"] = format_money(amount, str(currency)) if currency else number(amount)
    return _(TIMELINE.get(entry.kind, entry.kind), **values)


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
