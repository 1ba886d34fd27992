"""What full-text search needs beside the tables, on each database.

A batch migration on `products` rebuilds that table on SQLite and with it drops the triggers: such a migration calls
`create_search` and `create_search_of_titles` again at its end.
"""

from collections.abc import Sequence

from alembic import op

SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS product_search USING fts5("
    "search_title, search_text, content='products', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
    "CREATE TRIGGER IF NOT EXISTS product_search_added AFTER INSERT ON products BEGIN "
    "INSERT INTO product_search(rowid, search_title, search_text) "
    "VALUES (new.id, new.search_title, new.search_text); END",
    "CREATE TRIGGER IF NOT EXISTS product_search_removed AFTER DELETE ON products BEGIN "
    "INSERT INTO product_search(product_search, rowid, search_title, search_text) "
    "VALUES ('delete', old.id, old.search_title, old.search_text); END",
    "CREATE TRIGGER IF NOT EXISTS product_search_changed AFTER UPDATE OF search_title, search_text ON products "
    "WHEN old.search_title <> new.search_title OR old.search_text <> new.search_text BEGIN "
    "INSERT INTO product_search(product_search, rowid, search_title, search_text) "
    "VALUES ('delete', old.id, old.search_title, old.search_text); "
    "INSERT INTO product_search(rowid, search_title, search_text) "
    "VALUES (new.id, new.search_title, new.search_text); END",
)
POSTGRESQL = (
    "ALTER TABLE products ADD COLUMN IF NOT EXISTS search tsvector GENERATED ALWAYS AS ("
    "setweight(to_tsvector('simple', search_title), 'A') || setweight(to_tsvector('simple', search_text), 'C')"
    ") STORED",
    "CREATE INDEX IF NOT EXISTS ix_products_search ON products USING gin (search)",
)
# FTS5 reads everything that holds a word before it says that no title does, and PostgreSQL's index has no weights.
SQLITE_TITLES = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS product_search_titles USING fts5("
    "search_title, content='products', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2', prefix='2 3')",
    "CREATE TRIGGER IF NOT EXISTS product_search_titles_added AFTER INSERT ON products BEGIN "
    "INSERT INTO product_search_titles(rowid, search_title) VALUES (new.id, new.search_title); END",
    "CREATE TRIGGER IF NOT EXISTS product_search_titles_removed AFTER DELETE ON products BEGIN "
    "INSERT INTO product_search_titles(product_search_titles, rowid, search_title) "
    "VALUES ('delete', old.id, old.search_title); END",
    "CREATE TRIGGER IF NOT EXISTS product_search_titles_changed AFTER UPDATE OF search_title ON products "
    "WHEN old.search_title <> new.search_title BEGIN "
    "INSERT INTO product_search_titles(product_search_titles, rowid, search_title) "
    "VALUES ('delete', old.id, old.search_title); "
    "INSERT INTO product_search_titles(rowid, search_title) VALUES (new.id, new.search_title); END",
)
POSTGRESQL_TITLES = (
    "ALTER TABLE products ADD COLUMN IF NOT EXISTS search_titles tsvector GENERATED ALWAYS AS ("
    "to_tsvector('simple', search_title)) STORED",
    "CREATE INDEX IF NOT EXISTS ix_products_search_titles ON products USING gin (search_titles)",
)


def create_search() -> None:
    _create(SQLITE, POSTGRESQL)


def create_search_of_titles() -> None:
    _create(SQLITE_TITLES, POSTGRESQL_TITLES)


def drop_search() -> None:
    _drop("search")


def drop_search_of_titles() -> None:
    _drop("search_titles")


def _create(sqlite: Sequence[str], postgresql: Sequence[str]) -> None:
    for statement in sqlite if op.get_bind().dialect.name == "sqlite" else postgresql:
        op.execute(statement)


def _drop(name: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("added", "removed", "changed"):
            op.execute(f"DROP TRIGGER IF EXISTS product_{name}_{trigger}")
        op.execute(f"DROP TABLE IF EXISTS product_{name}")
    else:
        op.execute(f"DROP INDEX IF EXISTS ix_products_{name}")
        op.execute(f"ALTER TABLE products DROP COLUMN IF EXISTS {name}")
