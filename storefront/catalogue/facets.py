"""What stands around the cards of a listing, the collections and how many products there are, and the cards of what
was found. Read once per catalogue version."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from storefront.catalogue import queries
from storefront.catalogue.counts import Counts, read_counts
from storefront.catalogue.filters import NOTHING, Filters
from storefront.catalogue.queries import Card, CollectionView
from storefront.glance import Reader
from storefront.language import spoken


class Facets:
    """`version` gives the catalogue's version, by which what was read is kept."""

    def __init__(self, reader: Reader, version: Callable[[], Awaitable[int]]) -> None:
        self._reader, self._version = reader, version
        self._kept: dict[tuple[int, object], Any] = {}
        self._cards_of: tuple[int, dict[tuple[str, int], Card]] = 0, {}
        self._counting: tuple[int, asyncio.Future[Counts | None]] | None = None

    async def cards(self, currency: str, ids: Sequence[int]) -> list[Card]:
        """Cards of these products (a page at most), in this order."""
        version, code = await self._version(), spoken().code
        if self._cards_of[0] != version or len(self._cards_of[1]) > queries.MOST_CARDS:
            self._cards_of = version, {}
        _, known = self._cards_of
        new = [one for one in ids if (code, one) not in known]
        for card in await queries.cards_by_id(self._reader, currency, new):
            known[code, card.id] = card
        return [known[code, one] for one in ids if (code, one) in known]

    async def collections(self) -> list[CollectionView]:
        """All collections in their order, without their pictures."""
        found: list[CollectionView] = await self._keep(
            "collections", lambda: queries.collections(self._reader)
        )
        return found

    async def count(self, collection_id: int | None, filters: Filters = NOTHING) -> int:
        """How many products are listed, counted up to 1,001."""
        if filters != NOTHING:
            return await queries.count_products(self._reader, collection_id, filters)
        number: int = await self._keep(
            collection_id, lambda: queries.count_products(self._reader, collection_id)
        )
        return number

    async def counts(self) -> Counts | None:
        """How many products there are of everything, unless there are too many to count."""
        version = await self._version()
        if self._counting is None or self._counting[0] < version:
            self._counting = version, asyncio.ensure_future(read_counts(self._reader))
            self._counting[1].add_done_callback(self._forget_failure)
        # Whoever asks meanwhile waits for the same reading.
        return await asyncio.shield(self._counting[1])

    def _forget_failure(self, reading: "asyncio.Future[Counts | None]") -> None:
        if (reading.cancelled() or reading.exception()) and self._counting and self._counting[1] is reading:
            self._counting = None

    async def _keep(self, name: object, read: Callable[[], Awaitable[Any]]) -> Any:
        version = await self._version()
        if (version, name) not in self._kept:
            value = await read()
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] >= version}
            self._kept[version, name] = value
        return self._kept[version, name]
