"""What full-text search needs beside the tables, on each database.

A batch migration on `products` rebuilds that table on SQLite and with it drops the triggers: such a migration calls
`create_search` again at its end.
"""

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


def create_search() -> None:
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def drop_search() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("added", "removed", "changed"):
            op.execute(f"DROP TRIGGER IF EXISTS product_search_{trigger}")
        op.execute("DROP TABLE IF EXISTS product_search")
    else:
        op.execute("DROP INDEX IF EXISTS ix_products_search")
        op.execute("ALTER TABLE products DROP COLUMN IF EXISTS search")
