"""The catalogue's version: raised by whatever changes what public pages show, followed by every process."""

import asyncio
import time

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue import queries
from storefront.catalogue.models import CatalogueVersion
from storefront.database import Database, before_commit

LOOK_EVERY = 1.0


def catalogue_changed(session: AsyncSession) -> None:
    """Raise the version as this transaction's last statement, since every writer would wait for that one row."""
    before_commit(session, "catalogue", _raise_version)


async def _raise_version(session: AsyncSession) -> None:
    await session.execute(update(CatalogueVersion).values(number=CatalogueVersion.number + 1))


class CatalogueClock:
    """The version as this process knows it: read once a second, and at once after a change of our own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._number = 0
        self._looked_at = -LOOK_EVERY
        self._looking: asyncio.Future[int] | None = None
        database.on_commit("catalogue", self._forget)

    def known(self) -> int | None:
        """The version, or None when it is time to look again."""
        return self._number if time.monotonic() - self._looked_at < LOOK_EVERY else None

    async def current(self) -> int:
        """The version that pages made from now on carry; always read before the data that it labels."""
        number = self.known()
        if number is not None:
            return number
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
            self._looking.add_done_callback(lambda _: setattr(self, "_looking", None))
        return await asyncio.shield(self._looking)

    async def _look(self) -> int:
        started = time.monotonic()
        number = await queries.version(self._database.glance)
        if number >= self._number:
            self._number, self._looked_at = number, started
        return self._number

    def _forget(self) -> None:
        self._looked_at = -LOOK_EVERY
