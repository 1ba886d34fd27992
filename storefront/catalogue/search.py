"""Search behind one function: SQLite's FTS5 and PostgreSQL's full-text search, with the same answers.

Every word is quoted, so that no operator of either language passes; unfinished words match, and a plural finds what
stands in the singular. First come products with all the words in their title, then those whose title's words begin so,
then those that hold them anywhere, and those that hold beginnings; among these, shorter titles first. Each step looks
at so many candidates and no more (which of more, is the database's choice), and the next one is only taken when there
is room left. Titles have an index of their own, and whole words come before beginnings: in either other way a database
reads through all that holds a word before it says that no title does, or gathers all that begins so before it gives
the first one. What holds only some of the words is ranked by how many of them among so many candidates of each.
"""

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import Integer, String, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from storefront.database import Database

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 8
MOST_LETTERS = 40
FEWEST_CANDIDATES = 60
# After these a plural is made with -es.
HISSED = ("ses", "xes", "zes", "ches", "shes", "oes")

# What holds some of the words: so many of them are looked for, and so many candidates of each are looked at.
MOST_OF_SOME = 5
CANDIDATES_OF_SOME = 500

# SQLite's tables and PostgreSQL's columns, of titles and of everything.
TITLES, ANYWHERE = "search_titles", "search"
# CROSS JOIN makes SQLite begin with the words.
FOUND = {
    True: (
        "product_{index} CROSS JOIN products p ON p.id = product_{index}.rowid WHERE product_{index} MATCH :{words}"
    ),
    False: "products p WHERE p.{index} @@ to_tsquery('simple', :{words})",
}
CANDIDATES = (
    "SELECT p.id AS id, p.position AS position, length(p.search_title) AS letters, {word} AS word, {title} AS title "
    "FROM {found} AND p.status = 'active' AND p.listed AND (:collection = 0 OR EXISTS (SELECT 1 FROM "
    "product_collections c WHERE c.product_id = p.id AND c.collection_id = :collection)) LIMIT :candidates"
)
# Without the outer limit SQLite would fold the inner one away and sort everything that matches.
RANKED = "SELECT id FROM ({candidates}) AS found ORDER BY letters, position, id LIMIT :most"
OF_ONE = "SELECT * FROM ({candidates}) AS {name}"
RANKED_BY_WORDS = (
    "SELECT id FROM ({candidates}) AS found GROUP BY id, letters, position "
    "ORDER BY count(DISTINCT word) DESC, sum(title) DESC, letters, position, id LIMIT :most"
)


def _candidates(sqlite: bool, index: str, words: str, word: int = 0) -> str:
    found = FOUND[sqlite].format(index=index, words=words)
    return CANDIDATES.format(found=found, word=word, title=int(index == TITLES))


def _statement(sql: str, *words: str) -> TextualSelect:
    given = [bindparam(name, type_=Integer) for name in ("collection", "candidates", "most")]
    return (
        text(sql).bindparams(*given, *(bindparam(name, type_=String) for name in words)).columns(id=Integer)
    )


def _some_statement(sqlite: bool, many: int) -> TextualSelect:
    """For `many` words: each one's candidates by their titles, so that none of these is left out, and all others."""
    names = [f"word_{word}" for word in range(many)]
    parts = (
        OF_ONE.format(candidates=_candidates(sqlite, index, name, word), name=f"{index}_{word}")
        for word, name in enumerate(names)
        for index in (TITLES, ANYWHERE)
    )
    return _statement(RANKED_BY_WORDS.format(candidates=" UNION ALL ".join(parts)), *names)


ALL_WORDS = {
    (sqlite, index): _statement(RANKED.format(candidates=_candidates(sqlite, index, "words")), "words")
    for sqlite in FOUND
    for index in (TITLES, ANYWHERE)
}
SOME_WORDS = {
    (sqlite, many): _some_statement(sqlite, many) for sqlite in FOUND for many in range(1, MOST_OF_SOME + 1)
}


def folded(value: str) -> str:
    """`value` as it is looked for: no accents, no case, letters and digits in single words."""
    plain = value.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(WORD.findall(plain))


def words_of(query: str) -> list[str]:
    """The words that a search looks for: folded, at most eight of 40 letters."""
    return [word[:MOST_LETTERS] for word in folded(query[:400]).split()[:MOST_WORDS]]


def singular(word: str) -> list[str]:
    """What `word` may be the plural of. As whole words only: nobody who types "lens" looks for lentils."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return []
    if word.endswith("ies"):
        return [word[:-1], f"{word[:-3]}y"]
    return [word[:-1], word[:-2]] if word.endswith(HISSED) else [word[:-1]]


def _sought(words: Sequence[str], *, sqlite: bool, begun: bool) -> str:
    """All of `words` as the database's search reads them; with `begun` what begins with each of them will do."""
    word_of, both = (_word_of_sqlite, " AND ") if sqlite else (_word_of_postgresql, " & ")
    return both.join(word_of(word, begun) for word in words)


def _word_of_sqlite(word: str, begun: bool) -> str:
    others = "".join(f' OR "{one}"' for one in singular(word))
    return f'("{word}"{"*" if begun else ""}{others})'


def _word_of_postgresql(word: str, begun: bool) -> str:
    others = "".join(f" | '{one}'" for one in singular(word))
    return f"('{word}'{':*' if begun else ''}{others})"


async def find_products(
    database: Database, query: str, *, most: int, collection_id: int | None = None
) -> list[int]:
    """Ids of listed products that hold every word of `query`, best first; nothing for a query without a word."""
    words = words_of(query)
    found: dict[int, None] = {}
    if not words:
        return []
    limits = {"most": most, "candidates": max(most, FEWEST_CANDIDATES), "collection": collection_id or 0}
    whole, begun = (_sought(words, sqlite=database.sqlite, begun=begun) for begun in (False, True))
    for index, sought in ((TITLES, whole), (TITLES, begun), (ANYWHERE, whole), (ANYWHERE, begun)):
        statement = ALL_WORDS[database.sqlite, index]
        rows = await database.glance.execute(statement, {"words": sought, **limits})
        found |= dict.fromkeys(rows.scalars())
        if len(found) >= most:
            break
    return list(found)[:most]


async def find_some(
    database: Database, words: Sequence[str], *, most: int, collection_id: int | None = None
) -> list[int]:
    """Ids of listed products that hold some of `words` (words_of's, the first five), those with the most of them first,
    among these those with the most in their titles."""
    words = words[:MOST_OF_SOME]
    if not words:
        return []
    sought = {
        f"word_{place}": _sought([word], sqlite=database.sqlite, begun=True)
        for place, word in enumerate(words)
    }
    limits = {"most": most, "candidates": CANDIDATES_OF_SOME, "collection": collection_id or 0}
    statement = SOME_WORDS[database.sqlite, len(words)]
    return list((await database.glance.execute(statement, sought | limits)).scalars())


# Of a whole word the first is found at once; what begins so is gathered before.
ANY_ROW = (
    "SELECT id FROM products WHERE search @@ to_tsquery('simple', :{words}) LIMIT 1",
    "SELECT rowid AS id FROM product_search WHERE product_search MATCH :{words} LIMIT 1",
)
EITHER = "SELECT * FROM ({whole}) AS whole UNION ALL SELECT * FROM ({begun}) AS begun LIMIT 1"
ANY = [
    text(EITHER.format(whole=sql.format(words="whole"), begun=sql.format(words="begun")))
    .bindparams(*(bindparam(name, type_=String) for name in ("whole", "begun")))
    .columns(id=Integer)
    for sql in ANY_ROW
]


async def is_anywhere(database: Database, *words: str) -> bool:
    """Whether a product has words that begin with each of `words`, which are words_of's."""
    sought = {
        name: _sought(words, sqlite=database.sqlite, begun=name == "begun") for name in ("whole", "begun")
    }
    return (await database.glance.execute(ANY[database.sqlite], sought)).first() is not None
