"""Messages that must go out once: written in the transaction of what they tell of, sent by the worker."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storefront.database import Base, Json, Moment, now


class Message(Base):
    """`key` names the cause, so that one cause sends one message. Unsent while `sent_at` is empty. `opens_until`: it
    holds a link that opens something until then. A row outlasts what stands in it (outbox.keep): without a recipient
    it holds nothing any more."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_sent_at_next_try_at", "sent_at", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    recipient: Mapped[str]
    template: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    message_id: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(Moment, default=now)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    given_up_at: Mapped[datetime | None] = mapped_column(Moment)
    opens_until: Mapped[datetime | None] = mapped_column(Moment)


class WorkerBeat(Base):
    """When a worker loop last went round, by the name of its process."""

    __tablename__ = "worker_beats"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
