"""Orders: what shoppers agreed to buy, frozen; their payment attempts, holds, timeline, shipments, refunds."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.cart.models import Cart
from storefront.catalogue.models import Product, Variant
from storefront.database import Base, Json, Moment, now
from storefront.promotions.models import Promotion

PENDING, AWAITING, PAID, FAILED, CANCELLED = "pending", "awaiting", "paid", "failed", "cancelled"

# From a state to those it may lead to; nothing leaves `paid`. Whoever changes `Order.state` asks this table.
TRANSITIONS: dict[str, frozenset[str]] = {
    PENDING: frozenset({AWAITING, PAID, FAILED, CANCELLED}),
    AWAITING: frozenset({PAID, FAILED}),
    FAILED: frozenset({AWAITING, PAID, CANCELLED}),
    CANCELLED: frozenset({PAID}),
    PAID: frozenset(),
}
OPEN_STATES = (PENDING, FAILED)
# Refunds in these states are with the shopper or on their way; failed and canceled ones came back to us.
REFUND_COUNTS = frozenset({"pending", "requires_action", "succeeded"})


def _email_key(context: Any) -> str:
    return str(context.get_current_parameters()["email"]).lower()


class Order(Base):
    """Amounts are minor units of `currency`. `token` is the secret of the order's link, `number` is for people,
    `reference` is what Stripe knows the order by (client_reference_id and metadata.order_id), `origin` the address
    under which it was placed, for links in messages. `account_id` is who placed or claimed it, None for a guest;
    `email_key` the e-mail address in small letters. `discount` is what its code took off `subtotal`.
    `cart_taken`: its things have left the cart. `attention`: what staff must look at. `called_off_at`:
    when its shopper cancelled it, paid as it was; it is never sent then."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'awaiting', 'paid', 'failed', 'cancelled')", name="state"),
        CheckConstraint("total = subtotal - discount + shipping AND total >= 0", name="total"),
        CheckConstraint("discount BETWEEN 0 AND subtotal", name="discount"),
        CheckConstraint("refunded_amount BETWEEN 0 AND total", name="refunded"),
        Index(
            "uq_orders_open_cart",
            "cart_id",
            unique=True,
            sqlite_where=text("state IN ('pending', 'failed')"),
            postgresql_where=text("state IN ('pending', 'failed')"),
        ),
        Index("ix_orders_state_placed_at", "state", "placed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str] = mapped_column(unique=True)
    cart_id: Mapped[int | None] = mapped_column(ForeignKey(Cart.id, ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(default=PENDING)
    digest: Mapped[str]
    origin: Mapped[str]
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    account_id: Mapped[int | None] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(index=True)
    email_key: Mapped[str] = mapped_column(index=True, default=_email_key)
    name: Mapped[str]
    tel: Mapped[str] = mapped_column(default="")
    address: Mapped[dict[str, str] | None] = mapped_column(Json)
    shipping_code: Mapped[str] = mapped_column(default="")
    shipping_title: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    subtotal: Mapped[int]
    promotion_id: Mapped[int | None] = mapped_column(
        ForeignKey(Promotion.id, ondelete="RESTRICT"), index=True
    )
    promotion_code: Mapped[str] = mapped_column(default="", server_default="")
    discount: Mapped[int] = mapped_column(default=0, server_default="0")
    shipping: Mapped[int]
    total: Mapped[int]
    refunded_amount: Mapped[int] = mapped_column(default=0)
    livemode: Mapped[bool] = mapped_column(default=False)
    payment_intent: Mapped[str | None] = mapped_column(index=True)
    decline_reason: Mapped[str] = mapped_column(default="")
    attention: Mapped[str] = mapped_column(default="")
    cart_taken: Mapped[bool] = mapped_column(default=False)
    hold_until: Mapped[datetime | None] = mapped_column(Moment)
    placed_at: Mapped[datetime] = mapped_column(Moment, default=now)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    called_off_at: Mapped[datetime | None] = mapped_column(Moment)


class OrderLine(Base):
    """A line as it was when the shopper agreed. The foreign keys keep what stands in an order from deletion.
    `credit_amount`: the credits that come with each piece."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id, ondelete="RESTRICT"), index=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey(Variant.id, ondelete="RESTRICT"), index=True)
    sku: Mapped[str]
    title: Mapped[str]
    variant_title: Mapped[str]
    image_path: Mapped[str] = mapped_column(default="")
    slug: Mapped[str]
    unit_price: Mapped[int]
    quantity: Mapped[int]
    tracked: Mapped[bool]
    requires_shipping: Mapped[bool]
    credit_amount: Mapped[int | None]


class Hold(Base):
    """Stock set aside for an order. A row exists exactly as long as the hold lives."""

    __tablename__ = "holds"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), primary_key=True)
    variant_id: Mapped[int] = mapped_column(
        ForeignKey(Variant.id, ondelete="RESTRICT"), primary_key=True, index=True
    )
    quantity: Mapped[int]


class PaymentAttempt(Base):
    """One Stripe Checkout Session for an order, asked for with its own stored key and parameters.

    `asking`: the outcome of the request is not known yet; `open`: Stripe gave the session; `complete` (paid or
    awaiting), `failed` (its delayed payment failed), `expired`, and `dropped` (it never came to be, or nobody saw
    its address).
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint(
            "state IN ('asking', 'open', 'complete', 'failed', 'expired', 'dropped')", name="state"
        ),
        Index(
            "uq_payment_attempts_open_order",
            "order_id",
            unique=True,
            sqlite_where=text("state IN ('asking', 'open')"),
            postgresql_where=text("state IN ('asking', 'open')"),
        ),
        Index("ix_payment_attempts_order_id", "order_id"),
        Index("ix_payment_attempts_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    key: Mapped[str] = mapped_column(unique=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(default="asking")
    session_id: Mapped[str | None] = mapped_column(unique=True)
    session_url: Mapped[str | None]
    payment_intent: Mapped[str | None] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class TimelineEntry(Base):
    """Something that happened to an order, in words for the shopper and for staff."""

    __tablename__ = "order_timeline"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    at: Mapped[datetime] = mapped_column(Moment, default=now)


class Shipment(Base):
    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    tracking: Mapped[str] = mapped_column(default="")
    shipped_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Refund(Base):
    """Money on its way back. The row and its key exist before Stripe is asked; `cause` makes it happen once.

    `wanted`: to be asked for; then Stripe's own words: pending, requires_action, succeeded, failed, canceled.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("order_id", "cause"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_refunds_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    key: Mapped[str] = mapped_column(unique=True)
    cause: Mapped[str]
    payment_intent: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(default="wanted")
    stripe_id: Mapped[str | None] = mapped_column(unique=True)
    restock: Mapped[bool] = mapped_column(default=False)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(Moment, default=now)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Lookup(Base):
    """Somebody has no link at hand and asks for it by number and e-mail address. It waits for the worker, whether such
    an order exists or not, and is gone when it was answered. `key` names the message. `wanted`: "link", or
    "confirmation" for the whole confirmation once more."""

    __tablename__ = "order_lookups"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str]
    email_key: Mapped[str]
    wanted: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Withdrawal(Base):
    """Somebody declares that they withdraw from a contract, in their own words for who they are and what it is about.
    `key` is the secret of its page, `things` which ones ("" for all of them). `order_id` is the order that fits, once
    the worker has looked (`looked_at`); a declaration counts without one."""

    __tablename__ = "withdrawals"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    number: Mapped[str]
    email: Mapped[str]
    things: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime] = mapped_column(Moment, default=now)
    looked_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
