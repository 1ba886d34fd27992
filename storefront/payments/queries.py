"""Reads of the webhook inbox, for staff."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.payments.models import StripeEvent


async def newest_events(session: AsyncSession, *, failed: bool, most: int) -> list[StripeEvent]:
    """The newest stored events; with `failed` those that wait for another try or were given up."""
    query = select(StripeEvent).order_by(StripeEvent.id.desc()).limit(most)
    if failed:
        query = query.where(StripeEvent.state.in_(("failed", "given_up")))
    return list(await session.scalars(query))


async def count_events(session: AsyncSession) -> dict[str, int]:
    """How many events there are in each state, foreign and unknown ones among them."""
    query = select(StripeEvent.state, func.count()).group_by(StripeEvent.state).order_by(StripeEvent.state)
    return {row[0]: row[1] for row in await session.execute(query)}
