"""Reads of orders, and finding one with its cart locked in the right order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.models import Cart
from storefront.database import lock
from storefront.glance import Reader
from storefront.orders.models import (
    CANCELLED,
    OPEN_STATES,
    REFUND_COUNTS,
    Order,
    OrderLine,
    PaymentAttempt,
    Refund,
    Shipment,
    TimelineEntry,
)

LIVE_ATTEMPTS = ("asking", "open")


@dataclass(frozen=True, slots=True)
class OrderView:
    order: Order
    lines: list[OrderLine]
    timeline: list[TimelineEntry]
    shipments: list[Shipment]
    attempt: PaymentAttempt | None
    going_back: int = 0
    late: int = 0

    @property
    def lost(self) -> bool:
        """Whether a dispute about its money was lost."""
        return any(one.kind == "dispute-closed" and one.data.get("status") == "lost" for one in self.timeline)

    @property
    def withdrawn(self) -> bool:
        """Whether somebody has withdrawn from all of it."""
        return any(one.kind == "withdrawn" for one in self.timeline)

    @property
    def stuck(self) -> bool:
        """Whether it was cancelled, paid or before its money came, and not all of the money goes back: a refund
        failed, or was cancelled."""
        order = self.order
        to_go = order.total if order.called_off_at is not None else self.late
        return max(self.going_back, order.refunded_amount) < to_go


async def lock_order(session: AsyncSession, condition: ColumnElement[bool]) -> Order | None:
    """The order that `condition` finds, its cart and itself locked in this order, as it is under the lock."""
    found = (await session.execute(select(Order.id, Order.cart_id).where(condition))).first()
    if found is None:
        return None
    if found.cart_id is not None:
        await lock(session, select(Cart.id).where(Cart.id == found.cart_id))
    await lock(session, select(Order.id).where(Order.id == found.id))
    query = select(Order).where(Order.id == found.id).execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one()


async def open_order_of_cart(session: AsyncSession, cart_id: int) -> Order | None:
    """The cart's one open order, if there is one."""
    query = select(Order).where(Order.cart_id == cart_id, Order.state.in_(OPEN_STATES))
    return (await session.execute(query)).scalar_one_or_none()


async def bought_from_cart(session: AsyncSession, cart_id: int, since: datetime) -> str | None:
    """The token of the newest order that was placed since then and whose things left this cart."""
    query = select(Order.token).where(Order.cart_id == cart_id, Order.cart_taken, Order.placed_at >= since)
    query = query.where(Order.state != CANCELLED).order_by(Order.id.desc()).limit(1)
    found: str | None = await session.scalar(query)
    return found


USES = select(func.count()).where(
    Order.promotion_id == bindparam("promotion_id"),
    Order.state != CANCELLED,
    Order.called_off_at.is_(None),
    # Who places once more replaces their own open order, which gives its use back.
    (func.coalesce(Order.cart_id, -1) != bindparam("cart_id")) | Order.state.not_in(OPEN_STATES),
)


async def used_by_others(reader: Reader, promotion_id: int, cart_id: int) -> int:
    """How many orders have a promotion, besides the open one of a cart. They are counted, so that no counter can be
    off: an order that is given up or called off has it no more."""
    return int((await reader.execute(USES, {"promotion_id": promotion_id, "cart_id": cart_id})).scalar())


async def live_attempt(session: AsyncSession, order_id: int) -> PaymentAttempt | None:
    """The order's one attempt that may still be paid or whose outcome is unknown."""
    query = select(PaymentAttempt).where(
        PaymentAttempt.order_id == order_id, PaymentAttempt.state.in_(LIVE_ATTEMPTS)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def order_with_a_page(session: AsyncSession, cart_id: int) -> Order | None:
    """The cart's open order if it has a page on which its shopper may have paid, for all that we know."""
    query = select(Order).join(PaymentAttempt, PaymentAttempt.order_id == Order.id)
    live = PaymentAttempt.state.in_(LIVE_ATTEMPTS) & PaymentAttempt.session_id.is_not(None)
    found = await session.execute(query.where(Order.cart_id == cart_id, Order.state.in_(OPEN_STATES), live))
    return found.scalar_one_or_none()


async def token_of_session(session: AsyncSession, session_id: str) -> str | None:
    """The token of the order that a Stripe session is for."""
    query = select(Order.token).join(PaymentAttempt, PaymentAttempt.order_id == Order.id)
    found: str | None = await session.scalar(query.where(PaymentAttempt.session_id == session_id))
    return found


async def refunded_of(session: AsyncSession, order_id: int, payment_intent: str | None) -> int:
    """What went back of one payment, as far as its refunds are known; minor units."""
    query = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.order_id == order_id,
        Refund.payment_intent == payment_intent,
        Refund.state.in_(REFUND_COUNTS),
    )
    return int(await session.scalar(query) or 0)


async def going_back(session: AsyncSession, order: Order) -> int:
    """What went back of the order's payment and what will, as soon as Stripe takes it; minor units. A cancelled order
    keeps none of its payments, so of it all of them count."""
    query = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.order_id == order.id,
        Refund.state.in_([*REFUND_COUNTS, "wanted"]),
    )
    if order.state != CANCELLED:
        query = query.where(Refund.payment_intent == order.payment_intent)
    return int(await session.scalar(query) or 0)


async def came_late(session: AsyncSession, order: Order) -> int:
    """What was paid of an order after it was given up; minor units. Each payment is as much as its total."""
    if order.state != CANCELLED:
        return 0
    query = select(func.count()).where(
        PaymentAttempt.order_id == order.id, PaymentAttempt.paid_at.is_not(None)
    )
    return order.total * int(await session.scalar(query) or 0)


async def lines_of(session: AsyncSession, order_id: int) -> list[OrderLine]:
    query = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.id)
    return list(await session.scalars(query))


async def order_view(session: AsyncSession, condition: ColumnElement[bool]) -> OrderView | None:
    """Everything that the order page shows. `going_back`: see the function of that name; `late`: `came_late`."""
    order = (await session.execute(select(Order).where(condition))).scalar_one_or_none()
    if order is None:
        return None
    timeline = select(TimelineEntry).where(TimelineEntry.order_id == order.id).order_by(TimelineEntry.id)
    shipments = select(Shipment).where(Shipment.order_id == order.id).order_by(Shipment.id)
    return OrderView(
        order=order,
        lines=await lines_of(session, order.id),
        timeline=list(await session.scalars(timeline)),
        shipments=list(await session.scalars(shipments)),
        attempt=await live_attempt(session, order.id),
        going_back=await going_back(session, order) if order.payment_intent else 0,
        late=await came_late(session, order),
    )


async def find_orders(
    session: AsyncSession, *, state: str = "", attention: bool = False, most: int = 50
) -> list[Order]:
    """The newest orders, for staff."""
    query: Any = select(Order).order_by(Order.id.desc()).limit(most)
    if state:
        query = query.where(Order.state == state)
    if attention:
        query = query.where(Order.attention != "")
    return list(await session.scalars(query))
