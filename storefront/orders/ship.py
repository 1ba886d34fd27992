"""Sending an order: a fact beside its state."""

from sqlalchemy import Select, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.orders.change import note
from storefront.orders.messages import tell_shopper
from storefront.orders.models import PAID, Order, Shipment
from storefront.orders.next import is_refunded, mailed, posted
from storefront.orders.queries import going_back, lines_of
from storefront.settings import Settings
from storefront.web.forms import unseen_in

LONGEST_TRACKING = 300


class CannotShip(Exception):
    """The order may not leave; the message says why."""


async def ship_order(session: AsyncSession, settings: Settings, order: Order, tracking: str) -> Shipment:
    """Write down that a locked, paid order was sent, by post or by e-mail, and tell the shopper. An order may go in
    several parcels, each with its own tracking. Raises CannotShip."""
    if len(tracking) > LONGEST_TRACKING:
        raise CannotShip(f"the tracking is longer than {LONGEST_TRACKING} characters")
    if unseen_in(tracking):
        raise CannotShip("the tracking holds a line break or characters that nobody sees")
    if order.state != PAID:
        raise CannotShip(f"{order.number} is {order.state}; only a paid order is sent")
    if order.called_off_at is not None:
        raise CannotShip(f"{order.number} was cancelled by its shopper")
    if order.attention:
        raise CannotShip(f"{order.number} waits for a decision: {order.attention}")
    if is_refunded(order):
        raise CannotShip(f"{order.number} is refunded in full")
    if order.total and await going_back(session, order) >= order.total:
        raise CannotShip(f"{order.number} is about to be refunded in full")
    lines = await lines_of(session, order.id)
    if not posted(lines) and not mailed(lines):
        raise CannotShip(f"{order.number} holds credits alone; nothing has to be sent")
    before = await session.scalar(_like(order, tracking))
    if before is not None:
        raise CannotShip(
            f"{order.number} was sent on {before.shipped_at:%Y-%m-%d %H:%M} UTC already; "
            "for one more parcel give its own --tracking"
        )
    shipment = Shipment(order_id=order.id, tracking=tracking)
    session.add(shipment)
    note(session, order, "shipped", tracking=f" ({tracking})" if tracking else "")
    await session.flush()
    await tell_shopper(session, settings, order, "order-shipped", str(shipment.id), tracking=tracking)
    return shipment


def _like(order: Order, tracking: str) -> Select[Shipment]:
    """The newest shipment of which one with this tracking would be a repeat; without any, it repeats each."""
    same = (Shipment.tracking == tracking) if tracking else true()
    query = select(Shipment).where(Shipment.order_id == order.id, same)
    return query.order_by(Shipment.id.desc()).limit(1)
