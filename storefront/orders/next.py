"""What happens next with an order, in words: the same on its page and in its messages.

What needs no delivery and is no credits is a file, or the like: the owner sends it by e-mail.
"""

from collections.abc import Sequence

from storefront.language import gettext as _
from storefront.language import later
from storefront.orders.change import HELD_BACK, is_unclear, keeps_unclear_money
from storefront.orders.models import PAID, Order, OrderLine

NEXT = {
    "pending": "",
    "awaiting": later("You need not do anything."),
    "failed": later("Your things are no longer set aside."),
    "cancelled": "",
}
WITHDRAWN = "withdrawn: "
BANKS = later("Banks usually take 5 to 10 working days to show it.")
STUCK = later("The refund did not go through as it should. We are looking at it, and write to you.")

LOOKED_AT = later(
    "There is nothing more to pay, and your things stay set aside. We find out what happened, and write to you."
)
MONEY_LEFT = later("A payment for it has reached us that does not fit it. We look at that, and write to you.")


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
    return (
        _("%(some)s and %(last)s", some="; ".join(titles[:-1]), last=titles[-1])
        if titles[1:]
        else "".join(titles)
    )


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
    if HELD_BACK in order.attention:
        return []
    titles = mailed(lines)
    by_mail = f"send by e-mail to {order.email} within one working day: {titles}" if titles else ""
    return list(filter(None, ["pack and send by post" if posted(lines) else "", by_mail]))


def whats_next(
    order: Order,
    lines: Sequence[OrderLine],
    *,
    sent: bool = False,
    lost: bool = False,
    stuck: bool = False,
    late: bool = False,
) -> str:
    """What the shopper can wait for. `sent`: it was; `lost`: a dispute about its money was lost; `stuck`: it was
    cancelled, and its money does not go back yet; `late`: its money came after that."""
    if is_unclear(order):
        return _(LOOKED_AT)
    if keeps_unclear_money(order):
        return _(MONEY_LEFT)
    if order.state != PAID and (stuck or late):
        return _(STUCK) if stuck else f"{_('Nothing will be sent.')} {_(BANKS)}"
    if order.state != PAID:
        return _(NEXT[order.state]) if NEXT[order.state] else ""
    if is_refunded(order):
        return _(BANKS) if sent else f"{_('Nothing will be sent.')} {_(BANKS)}"
    if order.called_off_at is not None:
        if stuck:
            return _(STUCK)
        nothing = _("Nothing will be sent.")
        return f"{nothing} {_(BANKS)}" if order.total else nothing
    if WITHDRAWN in order.attention:
        return _("We have your withdrawal, and write to you about what comes next.")
    if HELD_BACK in order.attention:
        if sent:
            return _("The payment is disputed at the bank. Until that is decided, nothing more is sent.")
        return _("The payment is disputed at the bank. Until that is decided, nothing is sent.")
    if lost:
        if sent:
            return _("The bank took money of this payment back, so nothing more is sent.")
        return _("The bank took money of this payment back, so nothing is sent.")
    if order.attention and not sent:
        return _("Before anything is sent we have to look at this order. You need not do anything.")
    said = _sent(lines) if sent else _to_come(order, lines)
    if has_credits(order, lines):
        said.append(_("Your credits are in your account."))
    return " ".join(said)


def _sent(lines: Sequence[OrderLine]) -> list[str]:
    titles = mailed(lines)
    by_mail = _("We have sent %(titles)s to your e-mail address.", titles=titles) if titles else ""
    return list(filter(None, [_("Your things are on their way.") if posted(lines) else "", by_mail]))


def _to_come(order: Order, lines: Sequence[OrderLine]) -> list[str]:
    titles = mailed(lines)
    said = [
        _("Next we pack your things. You get a message when they leave.") if posted(lines) else "",
        _("We send %(titles)s to your e-mail address within one working day.", titles=titles)
        if titles
        else "",
    ]
    if order.refunded_amount and any(said):
        said.append(_("What was refunded is left out, unless we agreed otherwise."))
    return list(filter(None, said))
