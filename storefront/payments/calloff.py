"""A paid order is cancelled by its shopper before anything was sent: goods stay in the house, money goes back."""

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import now
from storefront.language import gettext as _
from storefront.money import Money
from storefront.orders.calloff import why_not
from storefront.orders.change import note, put_back_once
from storefront.orders.messages import tell_owner, tell_shopper
from storefront.orders.models import Order
from storefront.orders.queries import order_view
from storefront.payments.refund import NotRefundable, ask_for_refund
from storefront.settings import Settings
from storefront.steps import step


class CannotCallOff(Exception):
    """The order is not cancelled; the message is the sentence for the shopper."""


async def call_off(session: AsyncSession, settings: Settings, order: Order) -> bool:
    """Cancel a locked, paid order. Its state stays paid, since the money came: the refund is a row that the worker
    sends, and the pieces are back in stock at once, because nothing is sent for it from now on, whatever becomes of the
    refund. False when it was cancelled so before. Raises CannotCallOff; then the caller must roll back."""
    if order.called_off_at is not None:
        return False
    view = await order_view(session, Order.id == order.id)
    reason = why_not(view) if view is not None else "?"
    if reason:
        raise CannotCallOff(reason)
    order.called_off_at = now()
    note(session, order, "called-off")
    if order.total:
        await _all_of_it(session, order)
    await session.flush()
    step("call off: refund put down")
    await put_back_once(session, order)
    await session.flush()
    step("call off: stock back")
    refund = Money(order.total, order.currency) if order.total else ""
    await tell_shopper(session, settings, order, "order-called-off", refund=refund)
    await tell_owner(session, settings, order, "order-called-off-owner", refund=refund)
    return True


async def _all_of_it(session: AsyncSession, order: Order) -> None:
    try:
        refund = await ask_for_refund(session, order, None)
    except NotRefundable:
        raise CannotCallOff(_("Its money is not with us any more.")) from None
    if refund.amount != order.total:
        raise CannotCallOff(_("Some of its money went back already, so we look at the rest together."))
