"""Whether the shopper of a paid order may cancel it: as long as nothing of it can have left the house."""

from storefront.language import gettext as _
from storefront.orders.change import HELD_BACK
from storefront.orders.models import PAID
from storefront.orders.next import is_refunded, mailed
from storefront.orders.queries import OrderView


def why_not(view: OrderView) -> str:
    """The sentence for why this order cannot be cancelled by its shopper any more; nothing when it can be.

    A file may have been sent before anybody says so, and credits are there at once and may be spent: neither comes
    back as a parcel does, so about those a person decides. So does somebody who has begun to send money back.
    """
    order = view.order
    if order.called_off_at is not None:
        return _("It is cancelled already.")
    if order.state != PAID:
        return _("It is not paid.")
    if view.shipments:
        return _(
            "It was sent, or a part of it was. You can still send it back, or withdraw from the contract."
        )
    if HELD_BACK in order.attention:
        return _("The payment is disputed at the bank, and that has to be decided first.")
    if view.lost:
        return _("The bank took money of this payment back already.")
    if is_refunded(order):
        return _("All of its money went back already.")
    # A refund that Stripe could not list counts in the order alone.
    if view.going_back or order.refunded_amount:
        return _("Some of its money went back already, so we look at the rest together.")
    if order.attention:
        return _("We are looking at this order already.")
    if any(line.credit_amount is not None for line in view.lines):
        return _("Its credits are in your account already.")
    if mailed(view.lines):
        return _("What is sent by e-mail may be on its way already.")
    return ""
