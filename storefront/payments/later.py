"""When Stripe failed after an order was placed: the shopper gets a link to finish it."""

from storefront.database import Database
from storefront.language import clock, speaking
from storefront.orders.change import is_unclear
from storefront.orders.messages import tell_shopper
from storefront.orders.models import OPEN_STATES, Order
from storefront.orders.queries import lock_order
from storefront.settings import Settings


async def send_link_to_finish(database: Database, settings: Settings, order_id: int) -> None:
    """Leave the message with the link, once per order."""
    async with database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        if order is not None and order.state in OPEN_STATES and not is_unclear(order):
            with speaking(order.language):
                until = clock(order.hold_until) if order.hold_until else ""
            await tell_shopper(session, settings, order, "finish-order", until=until)
