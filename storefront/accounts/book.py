"""The addresses that an account keeps: those that it ordered to, and those that were written down."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.models import KeptAddress
from storefront.database import now
from storefront.glance import Reader

MOST = 20
# The fields of the checkout form that make an address; the rest belongs to one order.
FIELDS = (
    "name",
    "tel",
    "country",
    "organization",
    "vat_number",
    "address_line1",
    "address_line2",
    "address_level3",
    "address_level2",
    "address_level1",
    "postal_code",
)

KEPT = (
    select(KeptAddress.id, KeptAddress.fields)
    .where(KeptAddress.account_id == bindparam("of_account"))
    .order_by(KeptAddress.used_at.desc(), KeptAddress.id.desc())
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept address by its number, as fields of the checkout form."""

    id: int
    fields: dict[str, str]


async def addresses(reader: Reader, account_id: int) -> list[Kept]:
    """What the account keeps, what was used last first."""
    rows = (await reader.execute(KEPT, {"of_account": account_id})).all()
    return [Kept(row.id, row.fields) for row in rows]


async def address(reader: Reader, account_id: int, address_id: int) -> Kept | None:
    """One address, if it is the account's."""
    return next((one for one in await addresses(reader, account_id) if one.id == address_id), None)


async def keep(session: AsyncSession, account_id: int, values: Mapping[str, str]) -> None:
    """Keep an address, or say that it was used again. Of more than 20 the one unused for longest goes."""
    fields = {name: values[name] for name in FIELDS if values.get(name)}
    digest = _digest(fields)
    known = (KeptAddress.account_id == account_id) & (KeptAddress.digest == digest)
    used = await session.execute(
        update(KeptAddress).where(known).values(used_at=now()).returning(KeptAddress.id)
    )
    if used.first() is None:
        session.add(KeptAddress(account_id=account_id, digest=digest, fields=fields))
        await session.flush()
        too_old = (
            select(KeptAddress.id)
            .where(KeptAddress.account_id == account_id)
            .order_by(KeptAddress.used_at.desc(), KeptAddress.id.desc())
            .offset(MOST)
        )
        await session.execute(
            delete(KeptAddress).where(KeptAddress.id.in_(list(await session.scalars(too_old))))
        )


async def rewrite(session: AsyncSession, account_id: int, address_id: int, values: Mapping[str, str]) -> None:
    """Put other words in place of an address. Raises LookupError when it is not the account's."""
    await remove(session, account_id, address_id)
    await keep(session, account_id, values)


async def remove(session: AsyncSession, account_id: int, address_id: int) -> None:
    """Forget an address. Raises LookupError when it is not the account's."""
    mine = (KeptAddress.id == address_id) & (KeptAddress.account_id == account_id)
    gone = await session.execute(delete(KeptAddress).where(mine).returning(KeptAddress.id))
    if gone.first() is None:
        raise LookupError(address_id)


async def count(session: AsyncSession, account_id: int) -> int:
    mine = select(func.count()).where(KeptAddress.account_id == account_id)
    return int(await session.scalar(mine) or 0)


def _digest(fields: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
