"""Webhooks waiting to be sent: which, when, and what became of each try (docs.stripe.com/webhooks)."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

from storefront.sandbox import faults
from storefront.sandbox.books import Books, Obj

# Seconds to wait after the first, second … failed try; then every three hours, three days in all.
PAUSES = (1, 3, 10, 30, 60, 300, 900, 3600)
LAST_PAUSE = 3 * 3600
GIVEN_UP_AFTER = 3 * 86400
LEASE = 15.0


@dataclass(frozen=True)
class Letter:
    """A delivery that this process has claimed."""

    delivery: int
    event: Obj


@dataclass(frozen=True)
class Result:
    """What became of a try: the shop's status, or what kept it from giving one."""

    letter: Letter
    status: int | None
    error: str | None
    seconds: float


def plan(books: Books, event: Obj) -> None:
    """Called in the transaction that stores the event: one delivery, unless a fault says otherwise."""
    due, state, copies = books.moment, "waiting", 1
    for fault in faults.take(books, f"webhook {event['type']}"):
        match fault.kind:
            case "duplicate":
                copies += fault.copies
            case "drop":
                state = "dropped"
            case "hold":
                state = "held"
            case "delay":
                due += fault.seconds or 2.0
            case "shuffle":
                due += random.uniform(0, fault.seconds or 1.0)  # noqa: S311
    for _ in range(copies):
        _queue(books, event["id"], state, due)


def resend(books: Books, event_id: str) -> None:
    """Sends an event again, as the Dashboard's Resend does."""
    books.need("event", event_id, "event")
    _queue(books, event_id, "waiting", books.moment)


def release(books: Books) -> int:
    """Lets go of the deliveries that were held back, in a random order; gives their number."""
    held = [row[0] for row in books.db.execute("SELECT id FROM deliveries WHERE state = 'held'")]
    random.shuffle(held)
    for place, delivery in enumerate(held):
        due = books.moment + place * 0.001
        books.db.execute("UPDATE deliveries SET state = 'waiting', due = ? WHERE id = ?", (due, delivery))
    books.has_mail = True
    return len(held)


def next_due(books: Books, wall: float) -> float | None:
    """Seconds until something can be sent; at most zero when it can be now, None when nothing waits."""
    waiting = books.db.execute("SELECT MIN(due) FROM deliveries WHERE state = 'waiting'").fetchone()[0]
    lost = books.db.execute("SELECT MIN(lease) FROM deliveries WHERE state = 'sending'").fetchone()[0]
    times = [waiting - books.moment] if waiting is not None else []
    times += [lost - wall] if lost is not None else []
    return min(times, default=None)


def claim(books: Books, owner: str, wall: float, most: int) -> list[Letter]:
    """Takes due deliveries for this sender, so that no other process sends them."""
    rows = books.db.execute(
        "SELECT d.id, d.event FROM deliveries d WHERE (state = 'waiting' AND due <= ?)"
        " OR (state = 'sending' AND lease <= ?) ORDER BY due, id LIMIT ?",
        (books.moment, wall, most),
    ).fetchall()
    letters = []
    for delivery, event_id in rows:
        event = books.get("event", event_id)
        if event is None:
            books.db.execute("DELETE FROM deliveries WHERE id = ?", (delivery,))
            continue
        books.db.execute(
            "UPDATE deliveries SET state = 'sending', owner = ?, lease = ? WHERE id = ?",
            (owner, wall + LEASE, delivery),
        )
        letters.append(Letter(delivery, event))
    return letters


def record(books: Books, result: Result, owner: str) -> None:
    """Notes a try. A status outside 200-299, or none, is tried again later."""
    letter, status = result.letter, result.status
    books.db.execute(
        "INSERT INTO tries (delivery, at, status, error, seconds) VALUES (?, ?, ?, ?, ?)",
        (letter.delivery, books.moment, status, result.error, result.seconds),
    )
    row = books.db.execute(
        "SELECT tries, created FROM deliveries WHERE id = ? AND owner = ?", (letter.delivery, owner)
    ).fetchone()
    if row is None:
        return
    tries, created = row[0] + 1, row[1]
    pause = PAUSES[tries - 1] if tries <= len(PAUSES) else LAST_PAUSE
    if status is not None and 200 <= status < 300:
        state = "delivered"
    else:
        state = "waiting" if books.moment + pause < created + GIVEN_UP_AFTER else "failed"
    books.db.execute(
        "UPDATE deliveries SET state = ?, due = ?, tries = ?, owner = NULL, lease = NULL WHERE id = ?",
        (state, books.moment + pause, tries, letter.delivery),
    )
    if state == "delivered":
        books.db.execute(
            "UPDATE objects SET body = json_set(body, '$.pending_webhooks', 0) WHERE id = ?",
            (letter.event["id"],),
        )


def give_back(books: Books, owner: str) -> None:
    """A sender that stops leaves what it had claimed to others."""
    books.db.execute(
        "UPDATE deliveries SET state = 'waiting', owner = NULL, lease = NULL WHERE owner = ?", (owner,)
    )


def take_from_the_dead(books: Books) -> None:
    """Deliveries claimed by a process that is gone are due at once, not when their lease ends."""
    if os.name != "posix":
        return
    for (owner,) in books.db.execute(
        "SELECT DISTINCT owner FROM deliveries WHERE state = 'sending'"
    ).fetchall():
        try:
            os.kill(int(owner.partition("-")[0]), 0)
        except ProcessLookupError:
            give_back(books, owner)
        except PermissionError:
            continue  # alive, and another user's


def log(books: Books, limit: int = 50) -> list[Obj]:
    """The latest deliveries with every try, newest first."""
    rows = books.db.execute(
        "SELECT d.id, d.event, json_extract(o.body, '$.type'), d.state, d.due, d.created FROM deliveries d"
        " LEFT JOIN objects o ON o.id = d.event ORDER BY d.id DESC LIMIT ?",
        (limit,),
    ).fetchall()
    return [
        {
            "id": delivery,
            "event": event,
            "type": kind,
            "state": state,
            "due": due,
            "created": created,
            "tries": [
                {"at": at, "status": status, "error": error, "seconds": seconds}
                for at, status, error, seconds in books.db.execute(
                    "SELECT at, status, error, seconds FROM tries WHERE delivery = ? ORDER BY at", (delivery,)
                )
            ],
        }
        for delivery, event, kind, state, due, created in rows
    ]


def _queue(books: Books, event_id: str, state: str, due: float) -> None:
    books.db.execute(
        "INSERT INTO deliveries (event, state, due, created) VALUES (?, ?, ?, ?)",
        (event_id, state, due, books.moment),
    )
    books.has_mail = True
