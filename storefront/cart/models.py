"""A cart and its lines. A cart belongs to whoever holds its cookie."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalogue.models import Variant
from storefront.database import Base, Json, Moment, now
from storefront.promotions.models import Promotion

LIMIT_PER_LINE = 99
LIMIT_LINES = 50


class Cart(Base):
    """`token_hash` is the SHA-256 of the cookie. `account_id` is whose it is, none for a guest's. `promotion_id`: the
    discount code that it has. `draft` is what was typed at checkout, kept for 24 hours."""

    __tablename__ = "carts"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int | None] = mapped_column(index=True)
    promotion_id: Mapped[int | None] = mapped_column(ForeignKey(Promotion.id, ondelete="SET NULL"))
    draft: Mapped[dict[str, Any] | None] = mapped_column(Json)
    draft_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)


class CartLine(Base):
    """`seen_price` is the unit price, in minor units of the shop's currency, that the shopper last saw."""

    __tablename__ = "cart_lines"
    __table_args__ = (
        UniqueConstraint("cart_id", "variant_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {LIMIT_PER_LINE}", name="quantity"),
        Index("ix_cart_lines_variant_id", "variant_id"),
        # A form that was left open must never change another line that got the same number later.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey(Variant.id, ondelete="CASCADE"))
    quantity: Mapped[int]
    seen_price: Mapped[int]


class DeliveryRate(Base):
    """A way of delivery to some countries ("*": all that no other zone names). Amounts in minor units; from a
    subtotal of `free_from` on it costs nothing."""

    __tablename__ = "delivery_rates"
    __table_args__ = (UniqueConstraint("zone", "code"), CheckConstraint("amount >= 0", name="amount"))

    id: Mapped[int] = mapped_column(primary_key=True)
    zone: Mapped[str]
    countries: Mapped[list[str]] = mapped_column(Json)
    code: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    amount: Mapped[int]
    free_from: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=0)
