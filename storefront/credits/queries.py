"""Reads of credits: the packages that are for sale, and an account's ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.models import Product, Variant
from storefront.credits.models import CreditBalance, CreditEntry
from storefront.glance import Reader
from storefront.money import format_money
from storefront.orders.models import Order

A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Package:
    """A variant with credits. `price` is written out; `url` is its product's page."""

    variant_id: int
    title: str
    summary: str
    credits: int
    price: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with the order that it is about, where that is the account's: its number and its link's token."""

    id: int
    at: datetime
    amount: int
    balance: int
    owing: int
    owed: int
    reason: str
    order_number: str
    order_token: str


PACKAGES = (
    select(
        Variant.id,
        Variant.title,
        Variant.price,
        Variant.credit_amount,
        Product.title.label("product_title"),
        Product.summary,
        Product.slug,
    )
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.credit_amount.is_not(None), ~Variant.archived, Product.status == "active")
    .order_by(Variant.price, Variant.id)
    .limit(100)
)


async def packages(reader: Reader, currency: str) -> list[Package]:
    """The packages that are for sale, the cheapest first."""
    return [
        Package(
            variant_id=row.id,
            title=row.title or row.product_title,
            summary=row.summary,
            credits=row.credit_amount,
            price=format_money(row.price, currency),
            url=f"/products/{row.slug}",
        )
        for row in (await reader.execute(PACKAGES)).all()
    ]


BALANCE = select(CreditBalance.balance, CreditBalance.owed).where(
    CreditBalance.account_id == bindparam("account_id")
)


async def balance_of(reader: Reader, account_id: int) -> tuple[int, int]:
    """The account's balance and what it owes, in credits."""
    row = (await reader.execute(BALANCE, {"account_id": account_id})).first()
    return (row.balance, row.owed) if row else (0, 0)


async def entries_of(
    session: AsyncSession, account_id: int, *, before: int | None = None, most: int | None = A_PAGE + 1
) -> Sequence[Entry]:
    """The account's entries, the newest first, below the entry with the number `before`."""
    mine = (Order.id == CreditEntry.order_id) & (Order.account_id == CreditEntry.account_id)
    query: Any = (
        select(CreditEntry, Order.number, Order.token)
        .outerjoin(Order, mine)
        .where(CreditEntry.account_id == account_id)
        .order_by(CreditEntry.id.desc())
        .limit(most)
    )
    if before is not None:
        query = query.where(CreditEntry.id < before)
    return [
        Entry(
            id=entry.id,
            at=entry.at,
            amount=entry.amount,
            balance=entry.balance,
            owing=entry.owing,
            owed=entry.owed,
            reason=entry.reason,
            order_number=number or "",
            order_token=token or "",
        )
        for entry, number, token in await session.execute(query)
    ]
