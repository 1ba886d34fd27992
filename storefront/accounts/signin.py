"""Signing in: the password, the second factor, and the browser that is let in."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts import sessions
from storefront.accounts.carts import Brought, bring_cart
from storefront.accounts.hashing import out_of_date
from storefront.accounts.links import account_of
from storefront.accounts.models import Account, AccountSession
from storefront.accounts.room import AccountsRoom
from storefront.database import Busy


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser brings along: the keys of its sign-in and of its cart, and what device it says it is."""

    session_key: str | None
    cart_key: str | None
    device: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A browser that was let in: the value of its cookie, its cart, and who it is."""

    token: str
    brought: Brought
    account_id: int
    second_factor: bool


async def check_password(room: AccountsRoom, email: str, password: str) -> Account | None:
    """The account, if this is its password. An address without one takes as long. Raises Busy."""
    async with room.database.reads() as session:
        account = await account_of(session, email)
    stored = account.password_hash if account else None
    if not await room.hashing.matches(stored, password) or account is None or stored is None:
        return None
    if out_of_date(stored):
        fresh = await room.hashing.hash(password)
        async with room.database.writes() as session:
            mine = (Account.id == account.id) & (Account.password_hash == stored)
            await session.execute(update(Account).where(mine).values(password_hash=fresh))
    return account


async def is_password_of(room: AccountsRoom, account_id: int, password: str) -> bool:
    """Whether this is the password of somebody who is signed in, asked for once more. Raises Busy."""
    async with room.database.reads() as session:
        stored = await session.scalar(select(Account.password_hash).where(Account.id == account_id))
    return await room.hashing.matches(stored, password)


async def wait_for_code(room: AccountsRoom, account_id: int, browser: Browser) -> str:
    """The password was right, the second factor is still owed: a sign-in that opens nothing. Gives its cookie."""
    async with room.database.writes() as session:
        await _end_old(session, browser)
        return await sessions.begin(session, account_id, browser.device, waiting=True)


async def let_in(
    room: AccountsRoom, account_id: int, browser: Browser, *, second_factor: bool = False
) -> Entered | None:
    """Sign the browser in under a new cookie, its old one ended, and join its cart to the account's. None when the
    account is gone."""
    for _ in range(3):
        try:
            async with room.database.writes() as session:
                return await _enter(session, room, account_id, browser, second_factor)
        except IntegrityError:
            # Another sign-in of the same account made its cart at the same moment.
            continue
    raise Busy


async def _enter(
    session: AsyncSession, room: AccountsRoom, account_id: int, browser: Browser, second_factor: bool
) -> Entered | None:
    account = await session.get(Account, account_id)
    if account is None:
        return None
    brought = await bring_cart(session, room.settings, account, browser.cart_key, room.held)
    await _end_old(session, browser)
    token = await sessions.begin(session, account_id, browser.device, second_factor=second_factor)
    return Entered(token, brought, account_id, second_factor)


async def _end_old(session: AsyncSession, browser: Browser) -> None:
    if browser.session_key is not None:
        await sessions.end(session, AccountSession.token_hash == browser.session_key)
