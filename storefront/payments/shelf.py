"""Where a catalogue lies between reading it from Stripe and applying it: a file of its own, so that nothing is changed
before everything was read, and that memory holds one page however big the catalogue is."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from storefront.payments.rows import price_ids, product_id


class Shelf:
    """Products and their prices as JSON, by id, in a temporary file that is gone afterwards."""

    def __init__(self, books: sqlite3.Connection) -> None:
        self._books = books
        books.execute("CREATE TABLE products (number INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT)")
        books.execute("CREATE TABLE prices (id TEXT PRIMARY KEY, product TEXT, body TEXT)")
        books.execute("CREATE INDEX by_product ON prices (product)")

    def put_product(self, product: dict[str, Any]) -> None:
        """Raises Unfit when nobody could find it again."""
        row = (product_id(product), json.dumps(product))
        self._books.execute("INSERT OR REPLACE INTO products (id, body) VALUES (?, ?)", row)

    def put_price(self, price: dict[str, Any]) -> None:
        """Raises Unfit when nobody could find it again."""
        row = (*price_ids(price), json.dumps(price))
        self._books.execute("INSERT OR REPLACE INTO prices VALUES (?, ?, ?)", row)

    def count(self) -> int:
        return int(self._books.execute("SELECT count(*) FROM products").fetchone()[0])

    def batches(self, size: int) -> Iterator[list[tuple[dict[str, Any], list[dict[str, Any]]]]]:
        """The products, each with its prices, so many at a time; oldest first, as Stripe lists the newest first."""
        query = "SELECT number, id, body FROM products WHERE number < ? ORDER BY number DESC LIMIT ?"
        last = 1 << 62
        while rows := self._books.execute(query, (last, size)).fetchall():
            yield [(json.loads(body), self._prices(identity)) for _, identity, body in rows]
            last = rows[-1][0]

    def _prices(self, product: str) -> list[dict[str, Any]]:
        rows = self._books.execute("SELECT body FROM prices WHERE product = ?", (product,))
        return [json.loads(body) for (body,) in rows]

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of `ids` that are no product here."""
        query = "SELECT 1 FROM products WHERE id = ?"
        return [one for one in ids if self._books.execute(query, (one,)).fetchone() is None]


@contextmanager
def open_shelf() -> Iterator[Shelf]:
    """A shelf in a folder of its own, which is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="storefront-sync-") as folder,
        closing(sqlite3.connect(Path(folder) / "shelf.db", isolation_level=None)) as books,
    ):
        # Nobody else reads it and it need not survive anything: no journal, no waiting for the disk.
        books.execute("PRAGMA journal_mode = OFF")
        books.execute("PRAGMA synchronous = OFF")
        yield Shelf(books)
