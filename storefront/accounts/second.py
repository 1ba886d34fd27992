"""The second factor: codes of an app (TOTP, RFC 6238), and recovery codes for when the telephone is gone."""

import hmac
import re
import secrets
from datetime import timedelta

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.cookies import hashed
from storefront.accounts.models import Account, RecoveryCode
from storefront.database import now

STEP = 30
SET_UP_WITHIN = timedelta(minutes=10)
RECOVERY_CODES = 10
# 24 of 30 letters, some 117 bits: enough for a plain hash (ASVS 5.0, 6.5.2). No I, L, O, U, 0 or 1.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS, GROUP = 4, 6


def new_secret() -> str:
    """A shared secret of 160 random bits."""
    return pyotp.random_base32()


def setup_address(secret: str, email: str, shop_name: str) -> str:
    """The otpauth:// address that an authenticator app opens."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=shop_name)


def step_of(secret: str, code: str) -> int | None:
    """The 30-second step that `code` is for: this one or a neighbour, since clocks differ; None when it is none."""
    typed = re.sub(r"[\s-]", "", code)
    totp = pyotp.TOTP(secret)
    for moved in (0, -1, 1):
        moment = now() + timedelta(seconds=moved * STEP)
        if hmac.compare_digest(totp.at(moment).encode(), typed.encode()):
            return int(moment.timestamp()) // STEP
    return None


async def passes(session: AsyncSession, account_id: int, code: str) -> bool:
    """Whether `code` is the app's, or a recovery code, and was not used before; then it is used up."""
    secret = await session.scalar(select(Account.totp_secret).where(Account.id == account_id))
    if secret is None:
        return False
    step = step_of(secret, code)
    if step is not None:
        return await _use_step(session, account_id, step)
    return await _use_recovery_code(session, account_id, code)


async def _use_step(session: AsyncSession, account_id: int, step: int) -> bool:
    # One condition, one statement: of two that send the same code at once, one is let in.
    fresh = (Account.id == account_id) & (Account.totp_last_step < step)
    used = await session.execute(
        update(Account).where(fresh).values(totp_last_step=step).returning(Account.id)
    )
    return used.first() is not None


async def _use_recovery_code(session: AsyncSession, account_id: int, code: str) -> bool:
    plain = re.sub(r"[\s-]", "", code).upper()
    mine = (
        (RecoveryCode.account_id == account_id)
        & (RecoveryCode.code_hash == hashed(plain))
        & RecoveryCode.used_at.is_(None)
    )
    used = await session.execute(
        update(RecoveryCode).where(mine).values(used_at=now()).returning(RecoveryCode.id)
    )
    return used.first() is not None


async def begin_setup(session: AsyncSession, account_id: int, session_id: int) -> None:
    """Draw a secret, which counts from the moment on that a code proves it was taken over: by the same sign-in, within
    10 minutes."""
    begun = {"totp_pending": new_secret(), "totp_pending_at": now(), "totp_pending_by": session_id}
    await session.execute(update(Account).where(Account.id == account_id).values(begun))


def pending(account: Account, session_id: int) -> str | None:
    """The secret that this sign-in is setting up."""
    begun = account.totp_pending_at
    if account.totp_pending_by != session_id or begun is None or begun <= now() - SET_UP_WITHIN:
        return None
    return account.totp_pending


def forget_setup(account: Account) -> None:
    """What was begun cannot be finished any more."""
    account.totp_pending = account.totp_pending_at = account.totp_pending_by = None


async def finish_setup(
    session: AsyncSession, account: Account, session_id: int, code: str
) -> list[str] | None:
    """Turn the pending secret on when `code` is its; gives the recovery codes, which nobody sees again."""
    secret = pending(account, session_id)
    step = step_of(secret, code) if secret else None
    if secret is None or step is None:
        return None
    account.totp_secret, account.totp_last_step = secret, step
    forget_setup(account)
    await session.flush()
    return await new_recovery_codes(session, account.id)


async def turn_off(session: AsyncSession, account: Account) -> None:
    account.totp_secret = None
    forget_setup(account)
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


async def new_recovery_codes(session: AsyncSession, account_id: int) -> list[str]:
    """Ten codes in place of those before."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = ["".join(secrets.choice(LETTERS) for _ in range(GROUPS * GROUP)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(account_id=account_id, code_hash=hashed(code)) for code in codes)
    await session.flush()
    return ["-".join(code[i : i + GROUP] for i in range(0, len(code), GROUP)) for code in codes]


async def recovery_codes_left(session: AsyncSession, account_id: int) -> int:
    mine = (RecoveryCode.account_id == account_id) & RecoveryCode.used_at.is_(None)
    return int(await session.scalar(select(func.count()).where(mine)) or 0)
