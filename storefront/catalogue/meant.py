"""Searching for what was typed and, where that finds nothing, for what may have been meant."""

from dataclasses import dataclass
from itertools import product

from storefront.catalogue.search import find_products, is_anywhere, words_of
from storefront.catalogue.words import Words
from storefront.database import Database

# More words than these are no slip of the finger.
MOST_CORRECTED = 5
MOST_TRIES = 3
FEW_RESULTS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """`ids` of products, best first. `instead` is what they were found for where what was typed finds nothing,
    `perhaps` what finds more."""

    ids: list[int]
    instead: str = ""
    perhaps: str = ""


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
    ids = await find_products(database, query, most=most, collection_id=collection_id)
    typed = words_of(query)
    if len(ids) >= (1 if unfinished else FEW_RESULTS) or not typed or len(typed) > MOST_CORRECTED:
        return Found(ids)
    choices = []
    for place, word in enumerate(typed):
        near = await words.near(word, unfinished=unfinished and place == len(typed) - 1)
        # A word that stands in some description was not mistyped, unless nothing else can be wrong.
        keep = bool(ids) or not near or (len(typed) > 1 and await is_anywhere(database, word))
        choices.append([word, *near] if bool(ids) else [word] if keep else near)
    for corrected in list(product(*choices))[: MOST_TRIES + 1]:
        if list(corrected) == typed:
            continue
        instead = " ".join(corrected)
        others = await find_products(database, instead, most=most, collection_id=collection_id)
        if len(others) > len(ids):
            return Found(ids, perhaps=instead) if ids else Found(others, instead=instead)
    return Found(ids)
