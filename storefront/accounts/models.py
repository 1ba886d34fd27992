"""An account, its sign-ins, the links that were mailed to it, and the addresses that it keeps."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storefront.cart.models import Cart
from storefront.credits.models import CreditBalance, CreditEntry
from storefront.database import Base, Json, Moment, now
from storefront.orders.models import Order

SHOPPER, STAFF, OWNER = "shopper", "staff", "owner"
RIGHTS = ("orders", "catalogue", "refunds", "settings")


class Account(Base):
    """`email` is as it was typed, `email_key` the same in small letters, by which it is found. An owner has every
    right, staff those in `rights`. `cart_salt` goes into the cart's cookie (accounts.carts). `totp_secret` is the
    shared secret of the second factor, `totp_pending` one that is being set up since `totp_pending_at`, by the sign-in
    with the number `totp_pending_by`; `totp_last_step` the 30-second step whose code was used last."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("role IN ('shopper', 'staff', 'owner')", name="role"),
        # What an account left behind elsewhere must never come to belong to another that got its number.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default=SHOPPER)
    rights: Mapped[list[str]] = mapped_column(Json, default=list)
    verified_at: Mapped[datetime | None] = mapped_column(Moment)
    totp_secret: Mapped[str | None]
    totp_pending: Mapped[str | None]
    totp_pending_at: Mapped[datetime | None] = mapped_column(Moment)
    totp_pending_by: Mapped[int | None]
    totp_last_step: Mapped[int] = mapped_column(default=0)
    cart_salt: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    password_changed_at: Mapped[datetime] = mapped_column(Moment, default=now)


class AccountSession(Base):
    """A sign-in of one browser. `token_hash` is the SHA-256 of its cookie. `waiting`: the password was right, the code
    of the second factor is still missing, and nothing is open yet. `seen_at` is written at most once a minute."""

    __tablename__ = "account_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    device: Mapped[str] = mapped_column(default="")
    waiting: Mapped[bool] = mapped_column(default=False)
    second_factor: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    seen_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class MailedLink(Base):
    """A link that was mailed, good for one use. `purpose`: register (there is no account until it is used), reset, or
    address, which makes `email` the account's verified address. `next` is where the shop goes on afterwards."""

    __tablename__ = "account_links"
    __table_args__ = (CheckConstraint("purpose IN ('register', 'reset', 'address')", name="purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    next: Mapped[str] = mapped_column(default="")
    token_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class RecoveryCode(Base):
    """A code that stands in once for the second factor, as its SHA-256: it has some 117 random bits."""

    __tablename__ = "account_recovery_codes"
    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class KeptAddress(Base):
    """A delivery address, as the fields of the checkout form by their names. `digest` tells it from others of the
    account; the one that was used last is where a checkout begins."""

    __tablename__ = "account_addresses"
    __table_args__ = (UniqueConstraint("account_id", "digest"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    digest: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(Json)
    used_at: Mapped[datetime] = mapped_column(Moment, default=now)


# Carts, orders and credits are below this room and know an account by its number only, so that they can be used without
# it.
for _table, _when_deleted in (
    (Cart.__table__, "SET NULL"),
    (Order.__table__, "SET NULL"),
    (CreditBalance.__table__, "CASCADE"),
    (CreditEntry.__table__, "CASCADE"),
):
    assert isinstance(_table, Table)
    _table.append_constraint(ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete=_when_deleted))
