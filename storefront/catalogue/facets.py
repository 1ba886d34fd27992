"""What stands around the cards of a listing: the collections, and how many products there are. Read once per
catalogue version."""

from collections.abc import Awaitable, Callable
from typing import Any

from storefront.catalogue import queries
from storefront.catalogue.queries import CollectionView
from storefront.glance import Reader


class Facets:
    """`version` gives the catalogue's version, by which what was read is kept."""

    def __init__(self, reader: Reader, version: Callable[[], Awaitable[int]]) -> None:
        self._reader, self._version = reader, version
        self._kept: dict[tuple[int, object], Any] = {}

    async def collections(self) -> list[CollectionView]:
        """All collections in their order, without their pictures."""
        found: list[CollectionView] = await self._keep(
            "collections", lambda: queries.collections(self._reader)
        )
        return found

    async def count(self, collection_id: int | None) -> int:
        """How many products are listed, counted up to 1,001."""
        number: int = await self._keep(
            collection_id, lambda: queries.count_products(self._reader, collection_id)
        )
        return number

    async def _keep(self, name: object, read: Callable[[], Awaitable[Any]]) -> Any:
        version = await self._version()
        if (version, name) not in self._kept:
            value = await read()
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] >= version}
            self._kept[version, name] = value
        return self._kept[version, name]
