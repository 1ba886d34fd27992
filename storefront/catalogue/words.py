"""The words of the catalogue, and what somebody meant who mistyped one: the same on every database."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import Boolean, Integer, bindparam, case, select

from storefront.catalogue.models import Product
from storefront.catalogue.search import singular
from storefront.glance import Reader

MOST_PRODUCTS = 100_000
# So many of them are read with what stands below their titles, which is ten times as much.
MOST_TEXTS = 10_000
MOST_WORDS = 20_000
# No other visitor waits while so many are counted.
AT_ONCE = 500
# Words change seldom, while the catalogue's version follows its stock.
KEEP_FOR = 60.0
NEAREST = 3
# A word weighs one for each text that it stands in, and so much for each title: no number of texts outweighs a title.
IN_TITLE = 1 << 40
# Shorter words have a neighbour in every text.
FEWEST_LETTERS_OF_TEXTS = 5
# Two slips in a shorter word make another one.
FEWEST_LETTERS_OF_TWO_SLIPS = 8
FEW_PRODUCTS = 20

PRODUCTS = (
    select(
        Product.id,
        Product.search_title,
        case((bindparam("whole", type_=Boolean), Product.search_text), else_="").label("search_text"),
    )
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
        self._common: frozenset[str] = frozenset()
        # By how many letters they have; words have 40 at most.
        self._beginnings: dict[int, dict[str, int]] = {}
        self._of = -1
        self._read_at = -KEEP_FOR
        self._reading: asyncio.Task[None] | None = None

    async def near(self, word: str, *, in_titles: bool = False, unfinished: bool = False) -> list[str]:
        """Up to three words that `word` may be meant for, the likeliest first; words of titles alone with `in_titles`.
        With `unfinished` they may be beginnings of words."""
        await self._fresh()
        least = IN_TITLE if in_titles else 1
        if word in self._common or any(self._words.get(one, 0) >= least for one in (word, *singular(word))):
            return []
        found = nearest(word, self._words, in_titles=in_titles)
        if found or not unfinished:
            return found
        if len(word) not in self._beginnings:
            self._beginnings[len(word)] = _beginnings(self._words, len(word))
        return nearest(word, self._beginnings[len(word)], in_titles=in_titles)

    async def telling(self, words: Iterable[str]) -> list[str]:
        """Those of `words` that are worth looking for by themselves, each once: not those that nearly every text holds,
        or that begin half the dictionary."""
        await self._fresh()
        return [word for word in dict.fromkeys(words) if len(word) > 2 and word not in self._common]

    async def known(self, words: Iterable[str]) -> set[str]:
        """Those of `words`, of more than one letter, that stand somewhere as they are and not nearly everywhere."""
        await self._fresh()
        return {word for word in words if len(word) > 1 and word in self._words and word not in self._common}

    async def _fresh(self) -> None:
        version = await self._version()
        if version != self._of and time.monotonic() - self._read_at >= KEEP_FOR:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read(version))
            # Those that are known do for now; the first ones are waited for.
            if self._of < 0:
                await asyncio.shield(self._reading)

    async def _read(self, version: int) -> None:
        try:
            titles: Counter[str] = Counter()
            texts: Counter[str] = Counter()
            after = seen = 0
            while seen < MOST_PRODUCTS:
                given = {"after": after, "whole": seen < MOST_TEXTS}
                rows = (await self._reader.execute(PRODUCTS, given)).all()
                for row in rows:
                    titles.update(set(row.search_title.split()))
                    texts.update(set(row.search_text.split()))
                seen += len(rows)
                if len(rows) < AT_ONCE:
                    break
                after = rows[-1].id
                await asyncio.sleep(0)
            common = _common(titles, texts, seen)
            # Those of the titles first, whatever room there is.
            kept = {
                word: often * IN_TITLE for word, often in titles.most_common(MOST_WORDS) if word not in common
            }
            for word, often in texts.most_common(MOST_WORDS):
                if word in kept or (len(kept) < MOST_WORDS and word not in common):
                    kept[word] = kept.get(word, 0) + often
            self._words, self._beginnings, self._common = kept, {}, common
            self._of, self._read_at = version, time.monotonic()
        finally:
            self._reading = None


def nearest(word: str, words: dict[str, int], *, in_titles: bool = False) -> list[str]:
    """Those of `words`, given with their weights, that are one slip away from `word`, long ones two: a letter too many,
    too few, another, or two that changed places. With `in_titles` those of titles alone, as for short words."""
    slips = 0 if len(word) < 3 or word.isdigit() else 1 if len(word) < 6 else 2
    if not slips or words.get(word, 0) >= (IN_TITLE if in_titles else 1):
        return []
    # It is slow to import, and most searches find what they look for.
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    least = IN_TITLE if in_titles or len(word) < FEWEST_LETTERS_OF_TEXTS else 1
    likely = [
        choice
        for choice, weight in words.items()
        if weight >= least
        and (word[0] in choice[:2] or (weight >= IN_TITLE and _begins_otherwise(word, choice)))
    ]
    found = extract(word, likely, scorer=OSA.distance, score_cutoff=slips, limit=20)
    rows = [
        (slip, choice[0] != word[0], -words[choice], choice)
        for choice, slip, _ in found
        if slip == 1 or max(len(word), len(choice)) >= FEWEST_LETTERS_OF_TWO_SLIPS
    ]
    return [choice for *_, choice in sorted(rows)[:NEAREST]]


def _begins_otherwise(word: str, choice: str) -> bool:
    """Whether only the first letter is another one: kandle."""
    return len(word) >= FEWEST_LETTERS_OF_TEXTS and word[1:] == choice[1:]


def _common(titles: Counter[str], texts: Counter[str], products: int) -> frozenset[str]:
    """The words that say nothing about a product, in whatever language: more than half of the texts hold them, and
    hardly a title."""
    read = min(products, MOST_TEXTS)
    if read < FEW_PRODUCTS:
        return frozenset()
    return frozenset(
        word
        for word, often in texts.items()
        if often > read / 2 and titles[word] / products < often / read / 10
    )


def _beginnings(words: dict[str, int], letters: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for word, often in words.items():
        found[word[:letters]] += often
    return found
