"""What changes an account: coming to be, a new password, a new address, the end."""

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts import links, sessions
from storefront.accounts.carts import clear_cart, lock_cart, lock_cart_out, new_salt, own_cart
from storefront.accounts.models import OWNER, SHOPPER, Account, AccountSession, MailedLink
from storefront.accounts.second import forget_setup, turn_off
from storefront.database import lock, now
from storefront.outbox.keep import forget_recipient
from storefront.settings import Settings


class Taken(Exception):
    """The address has an account already."""


class LinkOver(Exception):
    """The link was used, is too old, or never was."""


class LastOwner(Exception):
    """The shop would be left without an owner."""


async def create_account(
    session: AsyncSession,
    email: str,
    password_hash: str,
    *,
    verified: bool,
    role: str = SHOPPER,
    rights: list[str] | None = None,
) -> Account:
    """A new account. Raises Taken, also when another comes to be at the same moment."""
    account = Account(
        email=email,
        email_key=email.lower(),
        password_hash=password_hash,
        role=role,
        rights=rights or [],
        verified_at=now() if verified else None,
        cart_salt=new_salt(),
    )
    try:
        async with session.begin_nested():
            session.add(account)
    except IntegrityError:
        raise Taken from None
    return account


async def set_role(session: AsyncSession, email: str, role: str, rights: list[str]) -> int | None:
    """Give an account that is there another role; gives its number, None when there is none. Raises LastOwner."""
    account = await links.account_of(session, email)
    if account is None:
        return None
    if role != OWNER:
        await lock(session, _with_owners(account.id))
        await _refuse_last_owner(session, account)
    account.role, account.rights = role, sorted(rights)
    await session.flush()
    return account.id


async def _refuse_last_owner(session: AsyncSession, account: Account) -> None:
    """Raises LastOwner when the account, which is locked together with the owners, is the only one."""
    owners = select(func.count()).select_from(Account).where(Account.role == OWNER)
    if account.role == OWNER and await session.scalar(owners) == 1:
        raise LastOwner


def _with_owners(account_id: int) -> Select[int]:
    """By id, so that of two owners who leave at once one waits for the other, and counts what is left then."""
    return select(Account.id).where((Account.id == account_id) | (Account.role == OWNER)).order_by(Account.id)


async def finish_registration(session: AsyncSession, token: str, password_hash: str) -> tuple[Account, str]:
    """The account that a mailed link was for, and where to go on. Whoever used the link has read the mail, so the
    address is theirs. Raises LinkOver or Taken."""
    link = await links.use(session, links.REGISTER, token)
    if link is None:
        raise LinkOver
    account = await create_account(session, link.email, password_hash, verified=True)
    # It holds an address, which goes with the account, also when that has another by then.
    link.account_id = account.id
    return account, link.next


async def reset_password(
    session: AsyncSession, settings: Settings, token: str, password_hash: str, base: str
) -> None:
    """A new password by a mailed link: every sign-in ends, the second factor stays. Raises LinkOver."""
    found = await links.look_at(session, links.RESET, token)
    if found is None or found.account_id is None:
        raise LinkOver
    # The account before its links, as everywhere: of two at once with different links one waits.
    account = await locked(session, settings, found.account_id)
    link = await links.use(session, links.RESET, token)
    if link is None:
        raise LinkOver
    # The link went to where the account's mail goes, unless the address changed since.
    if account.verified_at is None and account.email_key == link.email.lower():
        account.verified_at = now()
    await _set_password(session, settings, account, password_hash, base)
    await sessions.end(session, AccountSession.account_id == account.id)


async def change_password(
    session: AsyncSession, settings: Settings, account: Account, password_hash: str, base: str, keep: int
) -> str:
    """A new password by somebody who knows the old one; every sign-in ends but the one under the number `keep`. Gives
    the new value of the cart's cookie."""
    token = await _set_password(session, settings, account, password_hash, base)
    mine = AccountSession.account_id == account.id
    await sessions.end(session, mine & (AccountSession.id != keep))
    return token


async def _set_password(
    session: AsyncSession, settings: Settings, account: Account, password_hash: str, base: str
) -> str:
    account.password_hash, account.password_changed_at = password_hash, now()
    forget_setup(account)
    token = await lock_cart_out(session, settings, account)
    # A new address among them: somebody who knew the old password may have asked for it.
    await links.use_up(session, account.id, links.RESET, links.ADDRESS)
    await links.tell(session, settings, account.email, "password", base)
    await session.flush()
    return token


async def confirm_address(
    session: AsyncSession, settings: Settings, account: Account, token: str, base: str
) -> None:
    """The address of a mailed link is from now on that of the account, which asked for it, and is verified. Raises
    LinkOver, also for another's link, or Taken."""
    link = await links.use(session, links.ADDRESS, token)
    if link is None or link.account_id != account.id:
        raise LinkOver
    before, account.verified_at = account.email, now()
    if before != link.email:
        try:
            async with session.begin_nested():
                account.email, account.email_key = link.email, link.email.lower()
        except IntegrityError:
            raise Taken from None
        await links.use_up(session, account.id, links.RESET, links.ADDRESS)
        await links.tell(session, settings, before, "address", base)


async def turn_off_lost_factor(
    session: AsyncSession, settings: Settings, account: Account, base: str
) -> None:
    """Turn off the second factor of somebody who lost it, recovery codes and all: every sign-in ends, and the account's
    owner is told."""
    await turn_off(session, account)
    await sign_out_everywhere(session, settings, account)
    await links.tell(session, settings, account.email, "second-lost", base)


async def sign_out_everywhere(
    session: AsyncSession, settings: Settings, account: Account, *, only: int | None = None
) -> str:
    """End every sign-in, and what was mailed to the account with them, or `only` one; shut their browsers out of the
    cart. Gives the cart's new cookie. Raises LookupError when there is no such sign-in of the account."""
    mine = AccountSession.account_id == account.id
    token = await lock_cart_out(session, settings, account)
    if only is not None:
        mine &= AccountSession.id == only
    else:
        await links.use_up(session, account.id, links.RESET, links.ADDRESS)
    if not await sessions.end(session, mine) and only is not None:
        raise LookupError(only)
    await session.flush()
    return token


async def delete_account(session: AsyncSession, settings: Settings, account: Account, base: str) -> None:
    """Everything of the account, which is locked together with the owners, is deleted but its orders, which the law
    keeps; they are a guest's again. Raises LastOwner."""
    await _refuse_last_owner(session, account)
    await clear_cart(session, settings, account)
    # What is still to be said of an order goes out all the same: it concerns whoever ordered.
    await forget_recipient(session, account.email, unsent="account-")
    await links.tell(session, settings, account.email, "deleted", base)
    # Those to register that nobody used belong to no account.
    await session.execute(delete(MailedLink).where(func.lower(MailedLink.email) == account.email_key))
    await session.delete(account)
    await session.flush()


async def locked(
    session: AsyncSession, settings: Settings, account_id: int, *, owners: bool = False
) -> Account:
    """The account, locked until the transaction ends, after its cart; together with all `owners` where it matters how
    many there are. Raises NoResultFound when it is gone."""
    account = await session.get_one(Account, account_id)
    rows = _with_owners(account_id) if owners else select(Account.id).where(Account.id == account_id)
    as_it_is = select(Account).where(Account.id == account_id).execution_options(populate_existing=True)
    while True:
        before = await lock_cart(session, settings, account)
        async with session.begin_nested() as alone:
            await lock(session, rows)
            account = (await session.scalars(as_it_is)).one()
            if await own_cart(session, settings, account) == before:
                return account
            # While this one waited, the cart came to be or got another key. Whoever has locked it waits for the
            # account: it is left to them, since this one would wait for the cart.
            await alone.rollback()
