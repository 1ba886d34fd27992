"""The webhook inbox, the reconciler's cursor and its reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storefront.database import Base, Json, Moment, now


class StripeEvent(Base):
    """A message from Stripe, stored before it counts. `handled`, `failed` (tried again at `next_try_at`),
    `given_up`, `foreign` (no order of ours), `ignored` (a type that we do not handle), `mismatch` (livemode)."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        CheckConstraint(
            "state IN ('handled', 'failed', 'given_up', 'foreign', 'ignored', 'mismatch')", name="state"
        ),
        Index("ix_stripe_events_state_next_try_at", "state", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    api_version: Mapped[str] = mapped_column(default="")
    livemode: Mapped[bool]
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    error: Mapped[str] = mapped_column(default="")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)


class Dispute(Base):
    """A payment that its owner's bank disputes, as Stripe last said. `payment_intent` is empty where Stripe did not say
    it, and for what came before migration 0005: then the order's own payment is meant."""

    __tablename__ = "disputes"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    stripe_id: Mapped[str] = mapped_column(unique=True)
    payment_intent: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    amount: Mapped[int]
    currency: Mapped[str]
    due_by: Mapped[datetime | None] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Reconciliation(Base):
    """What one run of the reconciler found and did. `cursor` is the newest event it has read."""

    __tablename__ = "reconciliations"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(Moment, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    cursor: Mapped[str] = mapped_column(default="")
    report: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
