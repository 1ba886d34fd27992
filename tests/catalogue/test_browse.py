"""Searching and paging, the same on both databases."""

import pytest

from storefront.catalogue.queries import PAGE, SORTS, listing, read_cursor
from storefront.catalogue.search import find_products, folded
from storefront.database import Database
from storefront.seed.big import load_big
from storefront.seed.demo import load_demo


async def titles(database: Database, query: str) -> list[str]:
    from sqlalchemy import select

    from storefront.catalogue.models import Product

    ids = await find_products(database, query, most=20)
    async with database.reads() as session:
        rows = {row.id: row.title for row in await session.execute(select(Product.id, Product.title))}
    return [rows[identity] for identity in ids]


async def test_unfinished_words_accents_and_capitals_are_found(database: Database) -> None:
    await load_demo(database, "USD")
    for query in ("rose lin", "ROSÉ linen", "rosé", "napkins rose"):
        assert "Rosé linen napkins" in await titles(database, query), query


async def test_every_word_must_be_there(database: Database) -> None:
    await load_demo(database, "USD")
    assert "Lavender soap" in await titles(database, "lavender soap")
    assert "Speckled mug" not in await titles(database, "lavender mug")


async def test_a_word_in_the_title_counts_for_more(database: Database) -> None:
    await load_demo(database, "USD")
    assert "soap" in (await titles(database, "soap"))[0].lower()


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "soap OR",
        "NOT soap",
        "so*ap",
        "title:soap",
        "soap)",
        "' OR 1=1 --",
        "NEAR(soap, mug)",
        "!soap",
        "a & b",
        "\\",
        "%",
    ],
)
async def test_no_operator_of_either_language_passes(database: Database, query: str) -> None:
    await load_demo(database, "USD")
    await titles(database, query)  # an operator that passed would be a syntax error
    assert await titles(database, "") == []


async def test_a_draft_and_an_archived_product_are_not_found(database: Database) -> None:
    await load_demo(database, "USD")
    assert await titles(database, "indigo cushion cover") == []
    assert await titles(database, "walnut salt cellar") == []


def test_words_are_folded_alike() -> None:
    assert folded("Crème  BRÛLÉE-Dish!") == "creme brulee dish"


@pytest.mark.parametrize("sort", sorted(SORTS))
async def test_paging_shows_every_product_once_in_order(database: Database, sort: str) -> None:
    await load_big(database, "USD", 130, lambda _done: None)
    seen: list[int] = []
    after, pages = None, 0
    while True:
        async with database.reads() as session:
            found = await listing(session, "USD", collection_id=None, sort=sort, after=after)
        seen += [card.id for card in found.cards]
        pages += 1
        if not found.after:
            break
        assert len(found.cards) == PAGE
        after = read_cursor(found.after, sort)
        assert after is not None
    assert pages == 6
    assert len(seen) == len(set(seen)) == 130
