"""The credits of an order, brought to where its payment is: paid, refunded, or lost to a dispute."""

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.credits.follow import grant, take_back
from storefront.orders.models import Order
from storefront.payments.queries import taken_by_disputes
from storefront.settings import Settings


async def settle_paid_credits(session: AsyncSession, settings: Settings, order: Order) -> None:
    """The order has just become paid: grant what it bought, but for what went back of its money already."""
    await grant(session, order)
    await settle_returned_credits(session, settings, order)


async def settle_returned_credits(session: AsyncSession, settings: Settings, order: Order) -> None:
    """Take back in proportion to what went back of the order's money, by refunds and lost disputes. Call it with the
    order locked, after its variants were changed, whenever that may have changed."""
    lost = await taken_by_disputes(session, order.id, order.payment_intent, ["lost"])
    returned = order.refunded_amount + lost
    await take_back(session, settings, order, min(returned, order.total))
