"""Links that are mailed: made, looked at, used once.

Whoever asks for one gets the same answer, and the same work is done, whether the address has an account or not: it gets
a message either way, with the link that helps.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.cookies import hashed, new_token
from storefront.accounts.models import Account, MailedLink
from storefront.database import now
from storefront.language import at, later
from storefront.language import gettext as _
from storefront.outbox.write import leave_message
from storefront.settings import Settings

REGISTER, RESET, ADDRESS = "register", "reset", "address"
GOOD_FOR = {REGISTER: timedelta(hours=24), RESET: timedelta(hours=1), ADDRESS: timedelta(hours=24)}
GOOD_FOR_WORDS = {REGISTER: later("24 hours"), RESET: later("one hour"), ADDRESS: later("24 hours")}


@dataclass(frozen=True)
class Asked:
    """Who asked for a link: the address as it was typed, where links lead (`base`), and where to go on after."""

    email: str
    base: str
    next: str = ""


async def ask_to_register(session: AsyncSession, settings: Settings, asked: Asked) -> None:
    """To a new address the way to an account; whoever has one is told so, with a link to a new password."""
    await _send(session, settings, asked, new="account-register", known="account-exists")


async def ask_to_reset(session: AsyncSession, settings: Settings, asked: Asked) -> None:
    """To the account's address a link to a new password; an address without one is told so, with a link to register."""
    await _send(session, settings, asked, new="account-none", known="account-reset")


async def ask_for_address(session: AsyncSession, settings: Settings, asked: Asked, account: Account) -> None:
    """Ask whether an address is the account's own. One that has another account is told so instead."""
    other = await account_of(session, asked.email)
    if other is not None and other.id != account.id:
        await _send_link(session, settings, asked, RESET, "account-exists", other)
    else:
        await _send_link(session, settings, asked, ADDRESS, "account-address", account)


async def _send(session: AsyncSession, settings: Settings, asked: Asked, *, new: str, known: str) -> None:
    account = await account_of(session, asked.email)
    if account is None:
        await _send_link(session, settings, asked, REGISTER, new, None)
    else:
        await _send_link(session, settings, asked, RESET, known, account)


async def _send_link(
    session: AsyncSession,
    settings: Settings,
    asked: Asked,
    purpose: str,
    template: str,
    account: Account | None,
) -> None:
    """Leave a message with a new link in the caller's transaction. A new password is never sent anywhere but to the
    account's own address as it stands in the account, whatever was typed to find it."""
    token = new_token()
    email = account.email if account is not None and purpose == RESET else asked.email
    ends = now() + GOOD_FOR[purpose]
    session.add(
        MailedLink(
            purpose=purpose,
            account_id=account.id if account else None,
            email=email,
            next=asked.next,
            token_hash=hashed(token),
            expires_at=ends,
        )
    )
    data = {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "name": "",
        "email": email,
        "url": asked.base + at(f"/account/{purpose}/{token}"),
        "sign_in_url": asked.base + at("/account/sign-in"),
        "good_for": _(GOOD_FOR_WORDS[purpose]),
    }
    key = f"account-link:{hashed(token)[:32]}"
    await leave_message(session, key=key, recipient=email, template=template, data=data, opens_until=ends)


async def tell(session: AsyncSession, settings: Settings, email: str, what: str, base: str) -> None:
    """Tell an account's owner that something about the account changed; `what` names the sentence in the template."""
    data = {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "name": "",
        "what": what,
        "reset_url": base + at("/account/reset"),
    }
    key = f"account-notice:{new_token()[:32]}"
    await leave_message(session, key=key, recipient=email, template="account-notice", data=data)


async def account_of(session: AsyncSession, email: str) -> Account | None:
    """The account under an address, in any letter case."""
    return (await session.scalars(select(Account).where(Account.email_key == email.lower()))).one_or_none()


def _usable(purpose: str, token: str) -> ColumnElement[bool]:
    return (
        (MailedLink.token_hash == hashed(token))
        & (MailedLink.purpose == purpose)
        & MailedLink.used_at.is_(None)
        & (MailedLink.expires_at > now())
    )


async def look_at(session: AsyncSession, purpose: str, token: str) -> MailedLink | None:
    """The link behind a token while it can be used. Looking changes nothing: mail programs look too."""
    return (await session.scalars(select(MailedLink).where(_usable(purpose, token)))).one_or_none()


async def use(session: AsyncSession, purpose: str, token: str) -> MailedLink | None:
    """The link, used up in the caller's transaction; None when it was used or is over."""
    found = await session.execute(
        update(MailedLink).where(_usable(purpose, token)).values(used_at=now()).returning(MailedLink)
    )
    return found.scalar_one_or_none()


async def use_up(session: AsyncSession, account_id: int, *purposes: str) -> None:
    """Nothing that was mailed to the account for these purposes works any more."""
    await session.execute(
        update(MailedLink)
        .where(
            MailedLink.account_id == account_id,
            MailedLink.purpose.in_(purposes),
            MailedLink.used_at.is_(None),
        )
        .values(used_at=now())
    )
