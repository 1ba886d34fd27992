"""Searching for what was typed and, where that finds nothing, for what may have been meant, or for some of it."""

from dataclasses import dataclass
from itertools import product

from storefront.catalogue.search import MOST_OF_SOME, find_products, find_some, is_anywhere, words_of
from storefront.catalogue.words import Words
from storefront.database import Database

# More words than these are no slip of the finger.
MOST_CORRECTED = 5
MOST_TRIES = 5
FEW_RESULTS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """`ids` of products, best first. `instead` is what they were found for where what was typed finds nothing,
    `perhaps` what finds more, `some` what nothing has all of, where they have some of it."""

    ids: list[int]
    instead: str = ""
    perhaps: str = ""
    some: str = ""


async def find_meant(
    database: Database,
    words: Words,
    query: str,
    *,
    most: int,
    collection_id: int | None = None,
    unfinished: bool = False,
) -> Found:
    """As find_products, forgiving slips. With `unfinished` the last word is still being typed."""

    async def find(sought: str) -> list[int]:
        return await find_products(database, sought, most=most, collection_id=collection_id)

    ids, typed = await find(query), words_of(query)
    if len(ids) >= (1 if unfinished else FEW_RESULTS) or not typed:
        return Found(ids)
    choices = await _choices(database, words, typed, unfinished=unfinished)
    telling = (await words.telling(some[0] for some in choices))[:MOST_OF_SOME]
    if len(choices) < len(typed):
        # What is left of "a bicycle for kids" must not be "a" and "for"; sizes may be short.
        known = await words.known(some[0] for some in choices)
        choices = [some for some in choices if some[0] in telling or some[0] in known]
    for corrected in _likeliest(choices):
        if corrected == typed or not await is_anywhere(database, *corrected):
            continue
        instead = " ".join(corrected)
        others = await find(instead)
        if len(others) > len(ids):
            return Found(ids, perhaps=instead) if ids else Found(others, instead=instead)
    if ids:
        return Found(ids)
    sought = " ".join(telling)
    if telling != typed and (others := await find(sought)):
        return Found(others, instead=sought)
    ids = await find_some(database, telling, most=most, collection_id=collection_id)
    return Found(ids, some=query if telling == typed else sought) if ids else Found([])


async def _choices(
    database: Database, words: Words, typed: list[str], *, unfinished: bool
) -> list[list[str]]:
    """What each word may stand for, the likeliest first, without those that stand nowhere and are near to nothing."""
    if len(typed) > MOST_CORRECTED:
        return [[word] for word in typed]
    found = []
    for place, word in enumerate(typed):
        last = unfinished and place == len(typed) - 1
        # What stands in some description is a slip only where a title has what was meant.
        known = await is_anywhere(database, word)
        near = await words.near(word, in_titles=known, unfinished=last)
        found.append([word, *near] if known else near)
    return [some for some in found if some]


def _likeliest(choices: list[list[str]]) -> list[list[str]]:
    """A few combinations, the likeliest first: those that begin their lists, then those with one that comes second."""
    numbered = product(*(enumerate(some) for some in choices))
    ranked = sorted(numbered, key=lambda one: sum(place for place, _ in one))
    return [[word for _, word in one] for one in ranked[:MOST_TRIES]] if choices else []
