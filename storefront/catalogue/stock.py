"""Stock: `held` and `on_hand`, changed only here. Variants are always touched in the order of their ids, so that two
orders never wait for each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import StockMovement, Variant, stock_text


@dataclass(frozen=True, slots=True)
class Short:
    """A variant of which fewer pieces can be had than wanted."""

    variant_id: int
    wanted: int
    left: int


class HeldBack(Exception):
    """The stock was to be set below what open orders hold."""


async def take_holds(session: AsyncSession, wanted: Mapping[int, int]) -> list[Short]:
    """Set aside `wanted` pieces by variant id. Gives what was short; then the caller must roll back.

    A negative number hands pieces back. Variants that are not tracked are passed over.
    """
    short: list[Short] = []
    for variant_id in sorted(wanted):
        quantity = wanted[variant_id]
        if quantity == 0:
            continue
        row = (
            await session.execute(
                update(Variant)
                .where(Variant.id == variant_id, Variant.tracked, Variant.on_hand - Variant.held >= quantity)
                .values(held=Variant.held + quantity)
                .returning(Variant.on_hand - Variant.held)
            )
        ).first()
        if row is None:
            left = await _left(session, variant_id)
            if left is not None:
                short.append(Short(variant_id, quantity, left))
        elif stock_text(True, row[0]) != stock_text(True, row[0] + quantity):
            catalogue_changed(session)
    return short


async def counted(session: AsyncSession, variant_ids: Iterable[int]) -> set[int]:
    """Those of the variants that are tracked: only they can be held."""
    query = select(Variant.id).where(Variant.id.in_(list(variant_ids)), Variant.tracked)
    return set(await session.scalars(query))


async def release_holds(session: AsyncSession, held: Mapping[int, int]) -> None:
    """Hand back what an order that is given up had set aside."""
    await take_holds(session, {variant_id: -quantity for variant_id, quantity in held.items()})


async def _left(session: AsyncSession, variant_id: int) -> int | None:
    row = (
        await session.execute(
            select(Variant.tracked, Variant.on_hand - Variant.held).where(Variant.id == variant_id)
        )
    ).first()
    return int(row[1]) if row is not None and row[0] else None


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
