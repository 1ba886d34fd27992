"""The orders of an account: those it placed, and a guest's that it can claim."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.models import Account
from storefront.orders.models import Order

A_PAGE = 20


async def orders_of(session: AsyncSession, account_id: int, before: int | None = None) -> Sequence[Order]:
    """A page of the account's orders and one more, the newest first, below the order with the number `before`."""
    query = select(Order).where(Order.account_id == account_id).order_by(Order.id.desc()).limit(A_PAGE + 1)
    if before is not None:
        query = query.where(Order.id < before)
    return (await session.scalars(query)).all()


async def claimable(session: AsyncSession, account_id: int) -> int:
    """How many orders were placed by a guest with the account's verified address."""
    email_key = await _verified_email(session, account_id)
    if email_key is None:
        return 0
    return int(await session.scalar(select(func.count()).where(_of_a_guest(email_key))) or 0)


async def claim(session: AsyncSession, account_id: int) -> int:
    """Make those orders the account's; gives how many there were."""
    email_key = await _verified_email(session, account_id)
    if email_key is None:
        return 0
    mine = update(Order).where(_of_a_guest(email_key)).values(account_id=account_id)
    return len((await session.execute(mine.returning(Order.id))).all())


async def belongs_to(session: AsyncSession, order: Order, account_id: int) -> None:
    """The order that was just placed is the account's, unless it is somebody's already."""
    mine = (Order.id == order.id) & Order.account_id.is_(None)
    await session.execute(update(Order).where(mine).values(account_id=account_id))


async def _verified_email(session: AsyncSession, account_id: int) -> str | None:
    found: str | None = await session.scalar(
        select(Account.email_key).where(Account.id == account_id, Account.verified_at.is_not(None))
    )
    return found


def _of_a_guest(email_key: str) -> ColumnElement[bool]:
    return (Order.email_key == email_key) & Order.account_id.is_(None)
