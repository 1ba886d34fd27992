"""What a discount code is worth for a cart, and the sentence for each reason why it is worth nothing."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import bindparam, select

from storefront.database import now
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.money import format_money, smallest_step
from storefront.promotions.models import Promotion

# How many orders have a promotion, but for a cart's own open one: orders are above this room, so the app says how.
UsedByOthers: TypeAlias = Callable[[Reader, int, int], Awaitable[int]]

CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,31}")
COLUMNS = (
    Promotion.id.label("promotion_id"),
    Promotion.code,
    Promotion.percent,
    Promotion.amount,
    Promotion.minimum,
    Promotion.most_orders,
    Promotion.begins_at,
    Promotion.ends_at,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A discount code as it stands. Amounts in minor units of the shop's currency; `used` is how many orders of others
    have it."""

    id: int
    code: str
    percent: int | None
    amount: int | None
    minimum: int
    most_orders: int | None
    begins_at: datetime
    ends_at: datetime | None
    used: int = 0

    def off(self, subtotal: int, currency: str) -> int:
        """What comes off goods of `subtotal`: never more than they cost, in steps that Stripe takes, a half step
        rounded up. Nothing while the code does not count."""
        if not self.counts(subtotal):
            return 0
        if self.amount is not None:
            return min(self.amount, subtotal)
        step = smallest_step(currency)
        return min((subtotal * (self.percent or 0) + 50 * step) // (100 * step) * step, subtotal)

    def counts(self, subtotal: int) -> bool:
        return self.runs and not self.used_up and subtotal >= self.minimum

    @property
    def begun(self) -> bool:
        return self.begins_at <= now()

    @property
    def runs(self) -> bool:
        return self.begun and (self.ends_at is None or now() < self.ends_at)

    @property
    def used_up(self) -> bool:
        return self.most_orders is not None and self.used >= self.most_orders

    def why_not(self, subtotal: int, currency: str) -> str:
        """Why nothing comes off, as its shopper reads it; "" when something does."""
        if not self.begun:
            return unknown(self.code)
        if not self.runs:
            return _("The code %(code)s has ended.", code=self.code)
        if self.used_up:
            return _("The code %(code)s has been used up.", code=self.code)
        if subtotal < self.minimum:
            least = format_money(self.minimum, currency)
            return _("%(code)s counts when your things come to %(least)s.", code=self.code, least=least)
        return ""


def unknown(code: str) -> str:
    """What is said of a code that nobody gave out."""
    return _("There is no code %(code)s. Please check how you typed it.", code=code)


def as_code(text: str) -> str:
    """What was typed, as codes are written; "" when none is written so."""
    code = text.strip()
    # ß in capital letters would be SS.
    return code.upper() if code.isascii() and CODE.fullmatch(code.upper()) else ""


FIND = select(*COLUMNS).where(Promotion.code == bindparam("code"))
BY_ID = select(*COLUMNS).where(Promotion.id == bindparam("promotion_id"))


async def find_offer(reader: Reader, code: str) -> Offer | None:
    """The offer behind a code that was typed, whatever its letters' size."""
    row = (await reader.execute(FIND, {"code": as_code(code)})).first()
    return offer_of(row) if row else None


async def offer_by_id(reader: Reader, promotion_id: int) -> Offer | None:
    row = (await reader.execute(BY_ID, {"promotion_id": promotion_id})).first()
    return offer_of(row) if row else None


async def with_uses(reader: Reader, offer: Offer | None, cart_id: int, used: UsedByOthers) -> Offer | None:
    """The offer with how many orders besides this cart's open one have it; asks only where that matters."""
    if offer is None or offer.most_orders is None:
        return offer
    return replace(offer, used=await used(reader, offer.id, cart_id))


def offer_of(row: Any) -> Offer | None:
    """The offer that stands in a row with COLUMNS, if one does."""
    if row.promotion_id is None:
        return None
    return Offer(
        id=row.promotion_id,
        code=row.code,
        percent=row.percent,
        amount=row.amount,
        minimum=row.minimum,
        most_orders=row.most_orders,
        begins_at=row.begins_at,
        ends_at=row.ends_at,
    )
