"""The ledger of credits: what each account was given, spent and had taken back, never changed afterwards."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from storefront.database import Base, Moment, now
from storefront.orders.models import Order


class CreditBalance(Base):
    """An account's balance and what it owes, in credits: the row that is locked while an entry is written, so that
    nobody overdraws. Always the sum of its entries. Accounts are above this room, which tie the row to theirs."""

    __tablename__ = "credit_balances"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("owed >= 0", name="owed"),
    )

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    owed: Mapped[int] = mapped_column(BigInteger, default=0)


class CreditEntry(Base):
    """One change, with its one cause. `amount` changed the balance and `owing` what is owed; `balance` and `owed` are
    what they were after it."""

    __tablename__ = "credit_entries"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("owed >= 0", name="owed"),
        CheckConstraint("amount <> 0 OR owing <> 0", name="amount"),
        Index("ix_credit_entries_account_id", "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)
    owing: Mapped[int] = mapped_column(BigInteger, default=0)
    owed: Mapped[int] = mapped_column(BigInteger, default=0)
    cause: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(ForeignKey(Order.id, ondelete="RESTRICT"), index=True)
    at: Mapped[datetime] = mapped_column(Moment, default=now)
