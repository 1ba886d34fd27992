"""Giving out a discount code, and ending it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import lock, now
from storefront.money import MAXIMUM_CHARGE, smallest_step
from storefront.promotions.models import Promotion
from storefront.promotions.offers import as_code


class CannotOffer(Exception):
    """There can be no such code; says why."""


async def offer(
    session: AsyncSession,
    code: str,
    currency: str,
    *,
    percent: int | None = None,
    amount: int | None = None,
    minimum: int = 0,
    most_orders: int | None = None,
    ends_at: datetime | None = None,
) -> Promotion:
    """Give out `code` from now on: `percent` (1 to 100) or `amount` off, for goods of `minimum` or more; amounts in
    minor units of `currency`. Raises CannotOffer."""
    written = as_code(code)
    if not written:
        raise CannotOffer(
            f"{code!r} is no code: 2 to 32 letters, digits, - and _, the first a letter or digit"
        )
    if (percent is None) == (amount is None):
        raise CannotOffer("say what comes off: a percentage or an amount")
    if percent is not None and not 1 <= percent <= 100:
        raise CannotOffer("a percentage is from 1 to 100")
    for one in (amount, minimum):
        if one is not None and one % smallest_step(currency):
            raise CannotOffer(f"Stripe takes no such amount in {currency}: its last digit must be 0")
    if max(amount or 0, minimum) > MAXIMUM_CHARGE:
        raise CannotOffer("no order comes to so much")
    if amount is not None and amount < 1:
        raise CannotOffer("the amount must be more than nothing")
    if ends_at is not None and ends_at <= now():
        raise CannotOffer("that end is over already")
    made = Promotion(
        code=written,
        percent=percent,
        amount=amount,
        minimum=minimum,
        most_orders=most_orders,
        ends_at=ends_at,
    )
    session.add(made)
    try:
        await session.flush()
    except IntegrityError:
        raise CannotOffer(f"there is a code {written} already; codes are not used again") from None
    return made


async def end(session: AsyncSession, code: str) -> Promotion | None:
    """The code counts for no order that is placed from now on; None when there is no such code. Orders that have it
    keep it."""
    found = select(Promotion).where(Promotion.code == as_code(code))
    promotion: Promotion | None = await session.scalar(found)
    if promotion is None:
        return None
    await lock(session, select(Promotion.id).where(Promotion.id == promotion.id))
    await session.refresh(promotion)
    if promotion.ends_at is None or promotion.ends_at > now():
        promotion.ends_at = now()
    return promotion


async def promotions(session: AsyncSession) -> list[Promotion]:
    """All of them, the newest first."""
    return list(await session.scalars(select(Promotion).order_by(Promotion.id.desc())))
