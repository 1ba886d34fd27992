"""The words of the catalogue's titles, and what somebody meant who mistyped one: the same on every database."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from sqlalchemy import Integer, bindparam, select

from storefront.catalogue.models import Product
from storefront.glance import Reader

MOST_PRODUCTS = 100_000
MOST_WORDS = 20_000
AT_ONCE = 2000
# Words change seldom, while the catalogue's version follows its stock.
KEEP_FOR = 60.0
NEAREST = 3

TITLES = (
    select(Product.id, Product.search_title)
    .where(Product.status == "active", Product.listed, Product.id > bindparam("after", type_=Integer))
    .order_by(Product.id)
    .limit(AT_ONCE)
)


class Words:
    """`version` gives the catalogue's version. The words are read when somebody first mistypes one, and again when the
    catalogue has changed, a minute later at the earliest."""

    def __init__(self, reader: Reader, version: Callable[[], Awaitable[int]]) -> None:
        self._reader, self._version = reader, version
        self._words: dict[str, int] = {}
        # By how many letters they have; words have 40 at most.
        self._beginnings: dict[int, dict[str, int]] = {}
        self._of = -1
        self._read_at = -KEEP_FOR
        self._reading: asyncio.Task[None] | None = None

    async def near(self, word: str, *, unfinished: bool = False) -> list[str]:
        """Up to three words that `word` may be meant for, the likeliest first. With `unfinished` they may be beginnings
        of words."""
        version = await self._version()
        if version != self._of and time.monotonic() - self._read_at >= KEEP_FOR:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read(version))
            # Those that are known do for now; the first ones are waited for.
            if self._of < 0:
                await asyncio.shield(self._reading)
        found = nearest(word, self._words)
        if found or not unfinished or word in self._words:
            return found
        if len(word) not in self._beginnings:
            self._beginnings[len(word)] = _beginnings(self._words, len(word))
        return nearest(word, self._beginnings[len(word)])

    async def _read(self, version: int) -> None:
        try:
            found: Counter[str] = Counter()
            after = seen = 0
            while seen < MOST_PRODUCTS:
                rows = (await self._reader.execute(TITLES, {"after": after})).all()
                for row in rows:
                    found.update(set(row.search_title.split()))
                seen += len(rows)
                if len(rows) < AT_ONCE:
                    break
                after = rows[-1].id
                await asyncio.sleep(0)
            self._words, self._beginnings = dict(found.most_common(MOST_WORDS)), {}
            self._of, self._read_at = version, time.monotonic()
        finally:
            self._reading = None


def nearest(word: str, words: dict[str, int]) -> list[str]:
    """Those of `words`, given with how often they stand somewhere, that are one slip away from `word`, from six letters
    on two: a letter too many, too few, another, or two that changed places."""
    slips = 0 if len(word) < 3 or word.isdigit() else 1 if len(word) < 6 else 2
    if not slips or word in words:
        return []
    # It is slow to import, and most searches find what they look for.
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    found = extract(word, list(words), scorer=OSA.distance, score_cutoff=slips, limit=20)
    rows = [(slip, choice[0] != word[0], -words[choice], choice) for choice, slip, _ in found]
    return [choice for *_, choice in sorted(rows)[:NEAREST]]


def _beginnings(words: dict[str, int], letters: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for word, often in words.items():
        found[word[:letters]] += often
    return found
