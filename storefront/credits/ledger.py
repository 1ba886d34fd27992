"""Writing to the ledger: the account's balance is locked, the entry is added, and both say the same. Only here."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.credits.models import CreditBalance, CreditEntry
from storefront.web.forms import unseen_in

# More would not fit a BIGINT together with what is there; nobody buys so many.
MOST = 10**15


@dataclass
class NotEnoughCredits(Exception):
    """The account has fewer credits than are to be taken."""

    balance: int
    wanted: int

    def __str__(self) -> str:
        return f"there are {self.balance:,} credits, and {self.wanted:,} are wanted"


@dataclass
class NotOwed(Exception):
    """Less is owed than is to be taken away from it."""

    owed: int
    less: int

    def __str__(self) -> str:
        return f"{self.owed:,} credits are owed, which cannot become {self.less:,} fewer"


class KeyUsed(Exception):
    """The key stands for another entry already."""


async def spend(session: AsyncSession, account_id: int, amount: int, reason: str, key: str) -> CreditEntry:
    """Take `amount` credits (a positive whole number) for `reason`. Doing it again under the same key does nothing
    more and gives the same entry. Call it inside the write transaction of what is paid with them.

    Raises NotEnoughCredits, KeyUsed when the key stood for another amount, LookupError without such an account,
    ValueError for no amount at all.
    """
    if type(amount) is not int or not 0 < amount <= MOST:
        raise ValueError("spend a positive whole number of credits")
    return await once(session, account_id, f"spent:{account_id}:{key}", reason, amount=-amount)


async def adjust(session: AsyncSession, account_id: int, amount: int, reason: str, key: str) -> CreditEntry:
    """Staff give (or, with a negative amount, take) credits. Raises as `spend` does."""
    _check(amount)
    _check_reason(reason)
    return await once(session, account_id, f"adjusted:{account_id}:{key}", reason, amount=amount)


async def adjust_owed(
    session: AsyncSession, account_id: int, amount: int, reason: str, key: str
) -> CreditEntry:
    """Staff change what is owed, for instance by -60 when that was paid or forgiven. Raises NotOwed, and as `spend`
    does."""
    _check(amount)
    _check_reason(reason)
    return await once(session, account_id, f"owed:{account_id}:{key}", reason, owing=amount)


def _check(amount: int) -> None:
    if type(amount) is not int or not 0 < abs(amount) <= MOST:
        raise ValueError("an amount is a whole number of credits other than 0")


def _check_reason(reason: str) -> None:
    # Somebody wrote it, and the account's owner reads it.
    if unseen_in(reason):
        raise ValueError("the reason holds a line break or characters that nobody sees")


async def once(
    session: AsyncSession,
    account_id: int,
    cause: str,
    reason: str,
    *,
    amount: int = 0,
    owing: int = 0,
    order_id: int | None = None,
) -> CreditEntry:
    """Add the one entry of `cause`, or give it if it is there. Raises as `spend` does."""
    account = await locked_balance(session, account_id)
    known = await session.scalar(select(CreditEntry).where(CreditEntry.cause == cause))
    if known is not None:
        if (known.account_id, known.amount, known.owing) != (account_id, amount, owing):
            raise KeyUsed(f"{cause} stands for {known.amount + known.owing:+,} credits already")
        return known
    if account.balance + amount < 0:
        raise NotEnoughCredits(account.balance, -amount)
    if account.owed + owing < 0:
        raise NotOwed(account.owed, -owing)
    account.balance += amount
    account.owed += owing
    entry = CreditEntry(
        account_id=account_id,
        amount=amount,
        balance=account.balance,
        owing=owing,
        owed=account.owed,
        cause=cause,
        reason=reason,
        order_id=order_id,
    )
    session.add(entry)
    await session.flush()
    return entry


async def locked_balance(session: AsyncSession, account_id: int) -> CreditBalance:
    """The account's balance, locked until the transaction ends; comes after orders and variants in the order of locks.
    Raises LookupError without such an account."""
    found = await _balance(session, account_id)
    if found is None:
        await session.flush()
        try:
            # Somebody may write the first entry at the same moment; the savepoint keeps our transaction whole.
            async with session.begin_nested():
                session.add(CreditBalance(account_id=account_id, balance=0, owed=0))
        except IntegrityError:
            pass
        found = await _balance(session, account_id)
    if found is None:
        raise LookupError(account_id)
    return found


async def _balance(session: AsyncSession, account_id: int) -> CreditBalance | None:
    query = select(CreditBalance).where(CreditBalance.account_id == account_id)
    found: CreditBalance | None = await session.scalar(
        query.with_for_update().execution_options(populate_existing=True)
    )
    return found
