"""Search behind one function: SQLite's FTS5 and PostgreSQL's full-text search, with the same answers.

Every word is quoted, so that no operator of either language passes; unfinished words match. First come products with
all the words in their title, then those whose title's words begin so, then those that hold them anywhere; among
these, shorter titles first. Each step looks at so many candidates and no more, and the next one is only taken when
there is room left: on a big catalogue a common word costs no more than a rare one.
"""

import re
import unicodedata

from sqlalchemy import Integer, String, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from storefront.database import Database

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 8
MOST_LETTERS = 40
FEWEST_CANDIDATES = 60

# Without the outer limit SQLite would fold the inner one away and sort everything that matches. CROSS JOIN makes it
# begin with the words.
RANKED = (
    "SELECT id FROM (SELECT p.id AS id, p.position AS position, length(p.search_title) AS letters FROM {found} "
    "AND p.status = 'active' AND p.listed AND (:collection = 0 OR EXISTS (SELECT 1 FROM product_collections c "
    "WHERE c.product_id = p.id AND c.collection_id = :collection)) LIMIT :candidates) AS found "
    "ORDER BY letters, position, id LIMIT :most"
)


def _statement(found: str) -> TextualSelect:
    given = [bindparam(name, type_=Integer) for name in ("collection", "candidates", "most")]
    return (
        text(RANKED.format(found=found))
        .bindparams(*given, bindparam("words", type_=String))
        .columns(id=Integer)
    )


SQLITE = _statement(
    "product_search CROSS JOIN products p ON p.id = product_search.rowid WHERE product_search MATCH :words"
)
POSTGRESQL = _statement("products p WHERE p.search @@ to_tsquery('simple', :words)")


def folded(value: str) -> str:
    """`value` as it is looked for: no accents, no case, letters and digits in single words."""
    plain = value.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(WORD.findall(plain))


def words_of(query: str) -> list[str]:
    """The words that a search looks for: folded, at most eight of 40 letters."""
    return [word[:MOST_LETTERS] for word in folded(query[:400]).split()[:MOST_WORDS]]


def _steps(words: list[str], *, sqlite: bool) -> list[str]:
    """What to look for, one step after the other: whole words in the title, beginnings there, beginnings anywhere."""
    if sqlite:
        whole = " AND ".join(f'"{word}"' for word in words)
        begun = " AND ".join(f'"{word}"*' for word in words)
        return [f"search_title: ({whole})", f"search_title: ({begun})", begun]
    return [" & ".join(f"'{word}'{kind}" for word in words) for kind in (":A", ":*A", ":*")]


async def find_products(
    database: Database, query: str, *, most: int, collection_id: int | None = None
) -> list[int]:
    """Ids of listed products that hold every word of `query`, best first; nothing for a query without a word."""
    words = words_of(query)
    found: dict[int, None] = {}
    if not words:
        return []
    limits = {"most": most, "candidates": max(most, FEWEST_CANDIDATES), "collection": collection_id or 0}
    statement = SQLITE if database.sqlite else POSTGRESQL
    for step in _steps(words, sqlite=database.sqlite):
        rows = await database.glance.execute(statement, {"words": step, **limits})
        found |= dict.fromkeys(rows.scalars())
        if len(found) >= most:
            break
    return list(found)[:most]


ANY_ROW = (
    ("SELECT id FROM products WHERE search @@ to_tsquery('simple', :words) LIMIT 1"),
    ("SELECT rowid AS id FROM product_search WHERE product_search MATCH :words LIMIT 1"),
)
ANYWHERE = [text(sql).bindparams(bindparam("words", type_=String)).columns(id=Integer) for sql in ANY_ROW]


async def is_anywhere(database: Database, word: str) -> bool:
    """Whether a product has a word that begins with `word`, one of words_of's."""
    statement, words = ANYWHERE[database.sqlite], _steps([word], sqlite=database.sqlite)[-1]
    return (await database.glance.execute(statement, {"words": words})).first() is not None
