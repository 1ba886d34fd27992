"""The sandbox's clock: the wall clock and what was let pass. What falls due by it happens here."""

from __future__ import annotations

import json

from storefront.sandbox import delayed, events, idempotency, refunds, requests, sessions
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse

MOST_AT_ONCE = 100


def advance(books: Books, seconds: float) -> None:
    """Lets time pass, like docs.stripe.com/billing/testing/test-clocks: forwards only."""
    if not 0 < seconds <= 400 * 86400:
        raise refuse("seconds is a number above 0, at most 400 days.", param="seconds")
    books.offset += seconds
    books.moment += seconds
    books.db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('offset', ?)", (books.offset,))
    while tick(books):
        pass
    books.has_mail = True


def is_due(books: Books) -> bool:
    """Whether `tick` would do something."""
    row = books.db.execute("SELECT 1 FROM objects WHERE due <= ? LIMIT 1", (books.now,)).fetchone()
    return row is not None


def tick(books: Books) -> int:
    """Expires sessions, settles or fails delayed payments, finishes refunds; gives how many."""
    rows = books.db.execute(
        "SELECT kind, body FROM objects WHERE due <= ? ORDER BY due LIMIT ?", (books.now, MOST_AT_ONCE)
    ).fetchall()
    for kind, text in rows:
        _act(books, kind, json.loads(text))
    return len(rows)


def tidy(books: Books) -> None:
    """Forgets what Stripe forgets too: events after 30 days, keys after 24 hours; and old log lines."""
    idempotency.prune(books)
    old = books.now - events.KEPT_FOR
    books.db.execute("DELETE FROM objects WHERE kind = 'event' AND created <= ?", (old,))
    books.db.execute("DELETE FROM deliveries WHERE created <= ? AND state != 'sending'", (old,))
    books.db.execute("DELETE FROM tries WHERE delivery NOT IN (SELECT id FROM deliveries)")
    requests.prune(books)


def _act(books: Books, kind: str, obj: Obj) -> None:
    match kind:
        case "checkout.session":
            sessions.expire(books, obj["id"])
        case "payment_intent":
            fails = books.private(obj["id"])["fails"]
            (delayed.fail if fails else delayed.settle)(books, obj["id"])
        case "refund":
            refunds.ripen(books, obj)
