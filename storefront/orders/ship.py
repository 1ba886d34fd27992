"""Sending an order: a fact beside its state."""

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.orders.change import note
from storefront.orders.messages import tell_shopper
from storefront.orders.models import PAID, Order, Shipment
from storefront.settings import Settings


class CannotShip(Exception):
    """The order may not leave; the message says why."""


async def ship_order(session: AsyncSession, settings: Settings, order: Order, tracking: str) -> Shipment:
    """Write down a shipment of a locked, paid order and tell the shopper. Raises CannotShip."""
    if order.state != PAID:
        raise CannotShip(f"{order.number} is {order.state}; only a paid order is sent")
    if order.attention:
        raise CannotShip(f"{order.number} waits for a decision: {order.attention}")
    if order.refunded_amount == order.total > 0:
        raise CannotShip(f"{order.number} is refunded in full")
    shipment = Shipment(order_id=order.id, tracking=tracking)
    session.add(shipment)
    note(session, order, "shipped", tracking=f" ({tracking})" if tracking else "")
    await session.flush()
    await tell_shopper(session, settings, order, "order-shipped", str(shipment.id), tracking=tracking)
    return shipment
