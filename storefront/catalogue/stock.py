"""Stock: `held` and `on_hand`, changed only here. Variants are always touched in the order of their ids, so that two
orders never wait for each other."""

from collections.abc import Mapping

from sqlalchemy import case, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import StockMovement, Variant, stock_text


class HeldBack(Exception):
    """The stock was to be set below what open orders hold."""


async def take_holds(
    session: AsyncSession, wanted: Mapping[int, int], given_back: Mapping[int, int] | None = None
) -> dict[int, int] | None:
    """Set aside `wanted` pieces by variant id, and in the same pass hand back those that were set aside before.

    Gives what is set aside now, by variant id: of variants that are not tracked nothing is, but what they were held
    for while they were is handed back too. None when there were too few of one; then the caller must roll back.
    """
    given_back = given_back or {}
    held: dict[int, int] = {}
    for variant_id in sorted({*wanted, *given_back}):
        more, back = wanted.get(variant_id, 0), given_back.get(variant_id, 0)
        left = Variant.on_hand - Variant.held
        enough = or_(~Variant.tracked, left + back >= more) if more > back else true()
        row = (
            await session.execute(
                update(Variant)
                .where(Variant.id == variant_id, enough)
                .values(held=Variant.held - back + case((Variant.tracked, more), else_=0))
                .returning(Variant.tracked, left.label("left"))
            )
        ).first()
        if row is None:
            return None
        if row.tracked and more:
            held[variant_id] = more
        if row.tracked and stock_text(True, row.left) != stock_text(True, row.left + more - back):
            catalogue_changed(session)
    return held


async def release_holds(session: AsyncSession, held: Mapping[int, int]) -> None:
    """Hand back what an order that is given up had set aside."""
    await take_holds(session, {}, held)


async def hand_out(session: AsyncSession, held: Mapping[int, int], cause: str) -> None:
    """Pieces that were held leave the house, since their order is paid: both numbers fall, with one movement each."""
    for variant_id in sorted(held):
        quantity = held[variant_id]
        await session.execute(
            update(Variant)
            .where(Variant.id == variant_id)
            .values(held=Variant.held - quantity, on_hand=Variant.on_hand - quantity)
        )
        session.add(StockMovement(variant_id=variant_id, quantity=-quantity, cause=cause))


async def put_back(session: AsyncSession, pieces: Mapping[int, int], cause: str) -> None:
    """Pieces come back into the house (a refund with restock)."""
    for variant_id in sorted(pieces):
        quantity = pieces[variant_id]
        await session.execute(
            update(Variant).where(Variant.id == variant_id).values(on_hand=Variant.on_hand + quantity)
        )
        session.add(StockMovement(variant_id=variant_id, quantity=quantity, cause=cause))
    catalogue_changed(session)


async def set_on_hand(session: AsyncSession, sku: str, on_hand: int, cause: str) -> tuple[int, int]:
    """Set what is in the house after counting it; gives on hand and held. Raises LookupError for an unknown SKU and
    HeldBack below what is held."""
    variant = await session.scalar(select(Variant).where(Variant.sku == sku).with_for_update())
    if variant is None:
        raise LookupError(sku)
    if on_hand < variant.held:
        raise HeldBack(f"{variant.held} pieces of {sku} are held by open orders; {on_hand} is too few")
    if variant.requires_shipping and not variant.tracked:
        # What came from Stripe is counted from its first count on; downloads and credits never are.
        variant.tracked = True
        catalogue_changed(session)
    if on_hand != variant.on_hand:
        session.add(StockMovement(variant_id=variant.id, quantity=on_hand - variant.on_hand, cause=cause))
        variant.on_hand = on_hand
        catalogue_changed(session)
    return on_hand, variant.held


async def stock_of(session: AsyncSession, sku: str) -> tuple[int, int]:
    """On hand and held of one SKU. Raises LookupError when it is unknown."""
    row = (await session.execute(select(Variant.on_hand, Variant.held).where(Variant.sku == sku))).first()
    if row is None:
        raise LookupError(sku)
    return row[0], row[1]
