"""What happens to an order besides being placed: a transition, a timeline entry, holds taken, given back, handed out.

Every function expects the order's row to be locked by the caller, after its cart and before any variant.
"""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.models import StockMovement, Variant
from storefront.catalogue.stock import hand_out, put_back, release_holds, take_holds
from storefront.glance import Reader
from storefront.orders.models import (
    CANCELLED,
    OPEN_STATES,
    TRANSITIONS,
    Hold,
    Order,
    OrderLine,
    TimelineEntry,
)

BETWEEN_REASONS = " · "
HELD_BACK = "goods held back: "
UNCLEAR = "a payment does not fit: "


class NotAllowed(Exception):
    """The transition is not in the table."""


def move(order: Order, state: str) -> None:
    """Change the state, if the table allows it. Raises NotAllowed."""
    if state not in TRANSITIONS[order.state]:
        raise NotAllowed(f"{order.number}: {order.state} → {state}")
    order.state = state


def note(session: AsyncSession, order: Order, kind: str, **data: str | int) -> None:
    """Write a line of the timeline; `kind` names the sentence (orders.words), `data` what stands in it."""
    session.add(TimelineEntry(order_id=order.id, kind=kind, data=data))


def raise_attention(order: Order, reason: str) -> bool:
    """Put a reason before staff, beside those that stand there already; False when it is one of them."""
    reasons = _reasons(order)
    if reason in reasons:
        return False
    order.attention = BETWEEN_REASONS.join([*reasons, reason])
    return True


def lower_attention(order: Order, reason: str) -> None:
    """Take one reason away; the others stay."""
    order.attention = BETWEEN_REASONS.join(one for one in _reasons(order) if one != reason)


def resolve(order: Order) -> list[str]:
    """Staff have looked and decided: their reasons go, but for what holds the goods back until others decide. Gives
    the reasons that stay. All of them stay at an order whose payment does not fit: it is given up first, or its page
    would offer to pay again."""
    if is_unclear(order):
        return _reasons(order)
    left = [one for one in _reasons(order) if one.startswith(HELD_BACK)]
    order.attention = BETWEEN_REASONS.join(left)
    return left


def is_unclear(order: Order) -> bool:
    """Whether money came for the order that is not what it comes to, and nobody has decided yet: it is not paid, and
    must not be given up, replaced or paid again either."""
    return order.state in OPEN_STATES and UNCLEAR in order.attention


def keeps_unclear_money(order: Order) -> bool:
    """Whether such an order was given up, and staff have not said yet that its money went back."""
    return order.state == CANCELLED and UNCLEAR in order.attention


def _reasons(order: Order) -> list[str]:
    return order.attention.split(BETWEEN_REASONS) if order.attention else []


async def held_by(session: AsyncSession, order_id: int) -> dict[int, int]:
    """What an order has set aside, by variant id."""
    rows = await session.execute(select(Hold.variant_id, Hold.quantity).where(Hold.order_id == order_id))
    return {row.variant_id: row.quantity for row in rows}


HELD = (
    select(Hold.variant_id, Hold.quantity)
    .join(Order, Order.id == Hold.order_id)
    .where(Order.cart_id == bindparam("cart_id"), Order.state.in_(OPEN_STATES))
)


async def held_for_cart(reader: Reader, cart_id: int) -> Mapping[int, int]:
    """What the cart's own open order has set aside, by variant id."""
    rows = (await reader.execute(HELD, {"cart_id": cart_id})).all()
    return {row.variant_id: row.quantity for row in rows}


async def pieces_of(session: AsyncSession, order_id: int) -> dict[int, int]:
    """The quantities of an order by variant id, of those variants that were counted then and are now."""
    rows = await session.execute(
        select(OrderLine.variant_id, OrderLine.quantity)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.order_id == order_id, OrderLine.tracked, Variant.tracked)
    )
    return {row.variant_id: row.quantity for row in rows}


async def hold_again(session: AsyncSession, order: Order) -> bool:
    """Set the order's pieces aside (again). False when there are too few; then the caller must roll back."""
    have = await held_by(session, order.id)
    wanted = {v: n for v, n in (await pieces_of(session, order.id)).items() if v not in have}
    return await _hold(session, order, await take_holds(session, wanted))


async def take_over(
    session: AsyncSession, order: Order, pieces: Mapping[int, int], replaced: Order | None
) -> bool:
    """Set `pieces` aside for `order`; what the order that it replaces held is handed over. One pass over the variants,
    so that two such changes never wait for each other. False when there are too few; then the caller must roll back."""
    own = await held_by(session, replaced.id) if replaced is not None else {}
    held = await take_holds(session, pieces, own)
    if own and replaced is not None:
        await session.execute(delete(Hold).where(Hold.order_id == replaced.id))
    return await _hold(session, order, held)


async def _hold(session: AsyncSession, order: Order, held: Mapping[int, int] | None) -> bool:
    if held is None:
        return False
    session.add_all(Hold(order_id=order.id, variant_id=v, quantity=n) for v, n in held.items())
    await session.flush()
    return True


async def let_go(session: AsyncSession, order: Order) -> None:
    """Hand back whatever the order holds."""
    await release_holds(session, await held_by(session, order.id))
    await session.execute(delete(Hold).where(Hold.order_id == order.id))


async def take_out(session: AsyncSession, order: Order) -> None:
    """The order is paid: what it holds leaves the house."""
    await hand_out(session, await held_by(session, order.id), f"order:{order.id}")
    await session.execute(delete(Hold).where(Hold.order_id == order.id))


async def put_back_once(session: AsyncSession, order: Order) -> None:
    """The pieces that left the house for a paid order come back into it, once: a refund may succeed, fail days later
    and be made again."""
    cause = f"restock:{order.id}"
    if not await _moved(session, cause):
        left = await _moved(session, f"order:{order.id}")
        await put_back(session, {variant: -quantity for variant, quantity in left.items()}, cause)


async def _moved(session: AsyncSession, cause: str) -> dict[int, int]:
    query = select(StockMovement.variant_id, StockMovement.quantity).where(StockMovement.cause == cause)
    return {row.variant_id: row.quantity for row in await session.execute(query)}


async def cancel(session: AsyncSession, order: Order, why: str) -> None:
    """Give the order up: cancelled, its holds handed back. Raises NotAllowed when it cannot be."""
    await let_go(session, order)
    close(session, order, why)


def close(session: AsyncSession, order: Order, why: str) -> None:
    """Cancel an order whose holds are seen to by the caller. Raises NotAllowed when it cannot be."""
    move(order, CANCELLED)
    order.hold_until = None
    note(session, order, "cancelled", why=why)
