"""What a price was before: kept whenever one changes, so that a reduction is shown beside the lowest price of the 30
days before it and nothing else (Directive 98/6/EC, Article 6a)."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import PastPrice, Variant
from storefront.database import now

LOOKS_BACK = timedelta(days=30)
# A price that has held for so long is the price, and no reduction any more.
REDUCED_FOR = timedelta(days=90)
AT_ONCE = 500


async def reprice(
    session: AsyncSession, variant: Variant, amount: int, currency: str, at: datetime, *, on_sale: bool
) -> None:
    """Set a variant's price from `at` on, in minor units of `currency`. `on_sale` says whether it could be bought
    for the old one; where it could not, the new one reduces nothing."""
    if variant.price == amount and variant.currency == currency:
        return
    before = variant.price, variant.currency
    variant.price, variant.currency, variant.lowest_before = amount, currency, None
    if on_sale and before[1] == currency and amount < before[0]:
        lowest = await _lowest(session, variant.id, currency, at)
        lowest = before[0] if lowest is None else min(lowest, before[0])
        variant.lowest_before = lowest if amount < lowest else None
    session.add(PastPrice(variant_id=variant.id, amount=before[0], currency=before[1], until=at))


async def _lowest(session: AsyncSession, variant_id: int, currency: str, at: datetime) -> int | None:
    held = (PastPrice.variant_id == variant_id) & (PastPrice.currency == currency)
    query = select(func.min(PastPrice.amount)).where(held, PastPrice.until > at - LOOKS_BACK)
    return await session.scalar(query)


async def end_reductions(session: AsyncSession) -> None:
    """Take what a price was before from those that are reduced for 90 days, and forget what nobody asks for any more;
    some hundreds at once."""
    ended = now() - REDUCED_FOR
    newest = select(func.max(PastPrice.until)).where(PastPrice.variant_id == Variant.id).scalar_subquery()
    query = select(Variant.id).where(Variant.lowest_before.is_not(None), newest < ended)
    over = list(await session.scalars(query.limit(AT_ONCE)))
    if over:
        await session.execute(update(Variant).where(Variant.id.in_(over)).values(lowest_before=None))
        catalogue_changed(session)
    old = select(PastPrice.id).where(PastPrice.until < ended).limit(AT_ONCE)
    await session.execute(delete(PastPrice).where(PastPrice.id.in_(old)))
