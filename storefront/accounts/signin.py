"""Signing in: the password, the second factor, and the browser that is let in."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts import sessions
from storefront.accounts.carts import Brought, bring_cart
from storefront.accounts.change import locked
from storefront.accounts.hashing import out_of_date
from storefront.accounts.links import account_of
from storefront.accounts.models import Account, AccountSession
from storefront.accounts.room import AccountsRoom
from storefront.accounts.second import passes


class WrongCode(Exception):
    """The code is not the one of this moment, or was used before."""


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
    """The account as it was found, if this is its password. An address without one takes as long. Raises Busy."""
    async with room.database.reads() as session:
        account = await account_of(session, email)
    stored = account.password_hash if account else None
    if not await room.hashing.matches(stored, password) or account is None or stored is None:
        return None
    if out_of_date(stored):
        fresh = await room.hashing.hash(password)
        async with room.database.writes() as session:
            mine = (Account.id == account.id) & (Account.password_hash == stored)
            made = update(Account).where(mine).values(password_hash=fresh).returning(Account.id)
            first = (await session.execute(made)).first() is not None
        if not first:
            # Another sign-in may have made it anew; or it is another password by now.
            return await check_password(room, email, password)
        account.password_hash = fresh
    return account


async def is_password_of(room: AccountsRoom, account_id: int, password: str) -> bool:
    """Whether this is the password of somebody who is signed in, asked for once more. Raises Busy."""
    async with room.database.reads() as session:
        stored = await session.scalar(select(Account.password_hash).where(Account.id == account_id))
    return await room.hashing.matches(stored, password)


async def wait_for_code(room: AccountsRoom, checked: Account, browser: Browser) -> str | None:
    """The password was right, the second factor is still owed: a sign-in that opens nothing. Gives its cookie; None
    when the account is not any more as it was checked."""
    async with room.database.writes() as session:
        if await _as_checked(session, room, checked) is None:
            return None
        await _end_old(session, browser)
        return await sessions.begin(session, checked.id, browser.device, waiting=True)


async def let_in(room: AccountsRoom, checked: Account, browser: Browser) -> Entered | None:
    """Sign the browser in under a new cookie, its old one ended, and join its cart to the account's. None when the
    account is not any more as it was checked."""
    async with room.database.writes() as session:
        account = await _as_checked(session, room, checked)
        if account is None:
            return None
        return await _enter(session, room, account, browser, second_factor=False)


async def let_in_by_code(room: AccountsRoom, account_id: int, browser: Browser, code: str) -> Entered | None:
    """The same for a browser that waits for the code. None when it does so no more. Raises WrongCode."""
    async with room.database.writes() as session:
        account = await _locked(session, room, account_id)
        mine = AccountSession.token_hash == browser.session_key
        # A new password has ended it: what was proved before counts for nothing.
        if account is None or not await sessions.alive(session, mine & AccountSession.waiting):
            return None
        if not await passes(session, account_id, code):
            raise WrongCode
        return await _enter(session, room, account, browser, second_factor=True)


async def _as_checked(session: AsyncSession, room: AccountsRoom, checked: Account) -> Account | None:
    """The account, locked, if its password and its second factor still are those that were checked: hashing takes long
    enough for both to change meanwhile."""
    account = await _locked(session, room, checked.id)
    if account is None or account.password_hash != checked.password_hash:
        return None
    return account if account.totp_secret == checked.totp_secret else None


async def _locked(session: AsyncSession, room: AccountsRoom, account_id: int) -> Account | None:
    try:
        return await locked(session, room.settings, account_id)
    except NoResultFound:
        return None


async def _enter(
    session: AsyncSession, room: AccountsRoom, account: Account, browser: Browser, *, second_factor: bool
) -> Entered:
    # Whoever else is signed in there has put something into a cart that may be unknown as theirs.
    here = (AccountSession.token_hash == browser.session_key) & ~AccountSession.waiting
    others = await sessions.alive(session, here & (AccountSession.account_id != account.id))
    cart_key = None if others else browser.cart_key
    brought = await bring_cart(session, room.settings, account, cart_key, room.held)
    await _end_old(session, browser)
    token = await sessions.begin(session, account.id, browser.device, second_factor=second_factor)
    return Entered(token, brought, account.id, second_factor)


async def _end_old(session: AsyncSession, browser: Browser) -> None:
    if browser.session_key is not None:
        await sessions.end(session, AccountSession.token_hash == browser.session_key)
