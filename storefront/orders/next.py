"""What happens next with an order, in words: the same on its page and in its messages.

What needs no delivery and is no credits is a file, or the like: the owner sends it by e-mail.
"""

from collections.abc import Sequence

from storefront.language import gettext as _
from storefront.orders.change import HELD_BACK
from storefront.orders.models import PAID, Order, OrderLine

NEXT = {
    "pending": "",
    "awaiting": "You need not do anything.",
    "failed": "Your things are no longer set aside.",
    "cancelled": "",
}
WITHDRAWN = "withdrawn: "
BANKS = "Banks usually take 5 to 10 working days to show it."


def is_refunded(order: Order) -> bool:
    """Whether all of its money went back."""
    return order.refunded_amount == order.total > 0


def mailed(lines: Sequence[OrderLine]) -> str:
    """The titles of what is sent by e-mail, as part of a sentence."""
    titles = [
        f"{line.title}, {line.variant_title}" if line.variant_title else line.title
        for line in lines
        if not line.requires_shipping and line.credit_amount is None
    ]
    return " and ".join(filter(None, ["; ".join(titles[:-1]), *titles[-1:]]))


def posted(lines: Sequence[OrderLine]) -> bool:
    """Whether anything goes by post."""
    return any(line.requires_shipping for line in lines)


def has_credits(order: Order, lines: Sequence[OrderLine]) -> bool:
    """Whether it bought credits that are in an account by now."""
    bought = any(line.credit_amount is not None for line in lines)
    return bought and order.state == PAID and order.account_id is not None and not is_refunded(order)


def to_be_sent(order: Order, lines: Sequence[OrderLine]) -> list[str]:
    """What its owner has to do for an order that is paid and was not sent yet."""
    if order.state != PAID or is_refunded(order) or order.called_off_at is not None:
        return []
    titles = mailed(lines)
    by_mail = f"send by e-mail to {order.email} within one working day: {titles}" if titles else ""
    return list(filter(None, ["pack and send by post" if posted(lines) else "", by_mail]))


def whats_next(order: Order, lines: Sequence[OrderLine], *, sent: bool = False, lost: bool = False) -> str:
    """What the shopper can wait for. `sent`: it was; `lost`: a dispute about its money was lost."""
    if order.state != PAID:
        return NEXT[order.state]
    if is_refunded(order):
        return BANKS if sent else f"Nothing will be sent. {BANKS}"
    if order.called_off_at is not None:
        return f"Nothing will be sent. {BANKS}" if order.total else "Nothing will be sent."
    if WITHDRAWN in order.attention:
        return _("We have your withdrawal, and write to you about what comes next.")
    more = "more " if sent else ""
    if HELD_BACK in order.attention:
        return f"The payment is disputed at the bank. Until that is decided, nothing {more}is sent."
    if lost:
        return f"The bank took money of this payment back, so nothing {more}is sent."
    if order.attention and not sent:
        return "Before anything is sent we have to look at this order. You need not do anything."
    said = _sent(lines) if sent else _to_come(order, lines)
    if has_credits(order, lines):
        said.append("Your credits are in your account.")
    return " ".join(said)


def _sent(lines: Sequence[OrderLine]) -> list[str]:
    titles = mailed(lines)
    by_mail = f"We have sent {titles} to your e-mail address." if titles else ""
    return list(filter(None, ["Your things are on their way." if posted(lines) else "", by_mail]))


def _to_come(order: Order, lines: Sequence[OrderLine]) -> list[str]:
    titles = mailed(lines)
    said = [
        "Next we pack your things. You get a message when they leave." if posted(lines) else "",
        f"We send {titles} to your e-mail address within one working day." if titles else "",
    ]
    if order.refunded_amount and any(said):
        said.append("What was refunded is left out, unless we agreed otherwise.")
    return list(filter(None, said))
