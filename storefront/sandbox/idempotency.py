"""Idempotency-Key (docs.stripe.com/api/idempotent_requests).

The first answer that was begun under a key is saved, a 500 included, and replayed for 24 hours.
What fails validation, or meets the same request still running, is not saved.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from storefront.sandbox.asgi import Answer
from storefront.sandbox.books import Books
from storefront.sandbox.errors import ApiError, refuse

KEPT_FOR = 86400
LEASE = 60.0


def begin(
    books: Books,
    key: str,
    path: str,
    params: dict[str, Any],
    request_id: str,
    wall: float,
    *,
    wait: float = 0,
) -> Answer | None:
    """The saved answer; or None, and the key is this request's while it runs (`wait` seconds more)."""
    books.db.execute("DELETE FROM idempotency WHERE key = ? AND created <= ?", (key, books.now - KEPT_FOR))
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    row = books.db.execute(
        "SELECT path, digest, lease, status, body, request_id FROM idempotency WHERE key = ?", (key,)
    ).fetchone()
    if row is not None:
        known_path, known_digest, lease, status, body, first = row
        if known_path != path:
            raise _reused(key, f"for the same endpoint they were first used for ('{path}' vs '{known_path}')")
        if known_digest != digest:
            raise _reused(key, "with the same parameters they were first used with")
        if status is not None:
            return Answer(status, body.encode(), {"idempotent-replayed": "true", "original-request": first})
        if lease > wall:
            raise refuse(
                "There is currently another in-progress request using this Idempotent Key (that probably "
                f"means you submitted twice, and the other request is still going through): {key}. "
                "Please try again later.",
                code="idempotency_key_in_use",
                status=409,
                kind="idempotency_error",
            )
    books.db.execute(
        "INSERT OR REPLACE INTO idempotency (key, created, path, digest, request_id, lease)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key, books.now, path, digest, request_id, wall + LEASE + wait),
    )
    return None


def finish(books: Books, key: str, answer: Answer) -> None:
    """Saves the answer under its key."""
    books.db.execute(
        "UPDATE idempotency SET status = ?, body = ?, lease = NULL WHERE key = ?",
        (answer.status, answer.body.decode(), key),
    )


def prune(books: Books) -> None:
    """Forgets keys older than a day."""
    books.db.execute("DELETE FROM idempotency WHERE created <= ?", (books.now - KEPT_FOR,))


def _reused(key: str, rule: str) -> ApiError:
    return refuse(
        f"Keys for idempotent requests can only be used {rule}. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
    )
