"""Sign-ins as rows: begun, found again, ended.

They end 14 days after they were last used and 60 days after they began, whatever a browser keeps.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.cookies import hashed, new_token
from storefront.accounts.models import OWNER, Account, AccountSession, MailedLink
from storefront.database import now
from storefront.glance import Reader
from storefront.language import later

IDLE = timedelta(days=14)
LONGEST = timedelta(days=60)
WAITING = timedelta(minutes=10)
WRITE_SEEN_AFTER = timedelta(minutes=1)
FORGET_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, and how: `waiting` for the second factor, or with it (`second_factor`)."""

    session_id: int
    account_id: int
    email: str
    verified: bool
    role: str
    rights: tuple[str, ...]
    has_second_factor: bool
    second_factor: bool
    waiting: bool
    seen_at: datetime

    def may(self, right: str) -> bool:
        return self.role == OWNER or (self.role != "shopper" and right in self.rights)


ALIVE = (
    AccountSession.ended_at.is_(None)
    & (AccountSession.seen_at > bindparam("seen_after"))
    & (AccountSession.created_at > bindparam("begun_after"))
    & or_(~AccountSession.waiting, AccountSession.created_at > bindparam("waits_since"))
)
FOUND = (
    select(
        AccountSession.id,
        AccountSession.account_id,
        Account.email,
        Account.verified_at,
        Account.role,
        Account.rights,
        Account.totp_secret,
        AccountSession.second_factor,
        AccountSession.waiting,
        AccountSession.seen_at,
    )
    .join(Account, Account.id == AccountSession.account_id)
    .where(AccountSession.token_hash == bindparam("key"), ALIVE)
)
LIVING = (
    select(AccountSession)
    .where(AccountSession.account_id == bindparam("of_account"), ~AccountSession.waiting, ALIVE)
    .order_by(AccountSession.seen_at.desc(), AccountSession.id.desc())
)


def _ends() -> dict[str, datetime]:
    moment = now()
    return {"seen_after": moment - IDLE, "begun_after": moment - LONGEST, "waits_since": moment - WAITING}


async def begin(
    session: AsyncSession, account_id: int, device: str, *, waiting: bool = False, second_factor: bool = False
) -> str:
    """Sign a browser in; gives the new cookie's value, never one that a browser brought."""
    token = new_token()
    session.add(
        AccountSession(
            account_id=account_id,
            token_hash=hashed(token),
            device=device,
            waiting=waiting,
            second_factor=second_factor,
        )
    )
    await session.flush()
    return token


async def find(reader: Reader, key: str) -> SignedIn | None:
    """The living sign-in behind a cookie's hash, in one statement."""
    row = (await reader.execute(FOUND, {"key": key, **_ends()})).first()
    if row is None:
        return None
    return SignedIn(
        row.id,
        row.account_id,
        row.email,
        row.verified_at is not None,
        row.role,
        tuple(row.rights),
        row.totp_secret is not None,
        row.second_factor,
        row.waiting,
        row.seen_at,
    )


async def living(session: AsyncSession, account_id: int) -> list[AccountSession]:
    """The account's sign-ins, the one that was used last first."""
    return list(await session.scalars(LIVING, {"of_account": account_id, **_ends()}))


async def alive(session: AsyncSession, which: ColumnElement[bool]) -> bool:
    """Whether one of the sign-ins that `which` selects can still be used."""
    found = select(AccountSession.id).where(which, ALIVE).limit(1)
    return await session.scalar(found, _ends()) is not None


async def seen(session: AsyncSession, session_id: int) -> None:
    await session.execute(update(AccountSession).where(AccountSession.id == session_id).values(seen_at=now()))


async def end(session: AsyncSession, which: ColumnElement[bool]) -> int:
    """End the sign-ins that `which` selects; gives how many there were."""
    ended = await session.execute(
        update(AccountSession)
        .where(which, AccountSession.ended_at.is_(None))
        .values(ended_at=now())
        .returning(AccountSession.id)
    )
    return len(ended.all())


async def forget_what_ended(session: AsyncSession) -> None:
    """Rows that nobody can use any more are kept for a month, for the worker to delete then."""
    old = now() - FORGET_AFTER
    over = or_(
        AccountSession.ended_at < old,
        AccountSession.seen_at < old - IDLE,
        AccountSession.created_at < old - LONGEST,
    )
    await session.execute(delete(AccountSession).where(over))
    await session.execute(delete(MailedLink).where(MailedLink.expires_at < old))


# What a browser says of itself, most telling first: Edge and Opera call themselves Chrome, and Chrome Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", later("an iPhone")),
    ("iPad", later("an iPad")),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", later("a Mac")),
    ("Linux", "Linux"),
)


def device_words(user_agent: str) -> str:
    """Enough for people to know their own devices by: Firefox on Linux."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), later("A browser"))
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
