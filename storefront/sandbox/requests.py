"""The log of API requests: what was sent, what was answered, and which fault was in the way."""

from __future__ import annotations

import time

from storefront.sandbox.asgi import Answer, Request
from storefront.sandbox.books import Books, Obj

LONGEST_TEXT = 20_000
KEPT = 1000
_FIELDS = ("id", "at", "method", "path", "key", "status", "note", "seconds", "params", "answer")


def note(
    books: Books, request: Request, request_id: str, key: str | None, answer: Answer, words: str, began: float
) -> None:
    """Adds a request. The key that authorized it is not kept."""
    body = request.body[:LONGEST_TEXT].decode(errors="replace")
    params = "&".join(part for part in (request.query, body) if part)
    shown = answer.body[:LONGEST_TEXT].decode(errors="replace")
    seconds = time.monotonic() - began
    books.db.execute(
        "INSERT INTO requests (id, at, method, path, key, status, note, seconds, params, answer)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request_id,
            books.moment,
            request.method,
            request.path,
            key,
            answer.status,
            words,
            seconds,
            params,
            shown,
        ),
    )


def latest(books: Books, limit: int = 100) -> list[Obj]:
    """The latest requests, newest first."""
    query = f"SELECT {', '.join(_FIELDS)} FROM requests ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [dict(zip(_FIELDS, row, strict=True)) for row in books.db.execute(query, (limit,))]


def prune(books: Books) -> None:
    """Keeps the latest thousand."""
    books.db.execute("DELETE FROM requests WHERE seq <= (SELECT MAX(seq) FROM requests) - ?", (KEPT,))
