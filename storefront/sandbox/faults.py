"""Faults to order: what goes wrong next, on API calls and on webhooks.

A fault matches "METHOD /path" or "webhook event.type", with * and ? as wildcards, and is used up
after `times` matches (null: until it is cleared).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from storefront.sandbox.books import Books
from storefront.sandbox.errors import refuse

API_KINDS = ("500", "503", "429", "hang", "delay", "reset", "cut", "timeout")
WEBHOOK_KINDS = ("duplicate", "shuffle", "drop", "hold", "delay")


@dataclass(frozen=True)
class Fault:
    """An ordered fault. `when` is before or after the call took effect; webhooks have no such moment."""

    id: int
    match: str
    kind: str
    when: str
    times: int | None
    seconds: float | None
    copies: int


def order(books: Books, wanted: dict[str, Any]) -> Fault:
    """Adds a fault from JSON or a form; raises for what makes no sense, naming the field."""
    unknown = wanted.keys() - {"match", "kind", "when", "times", "seconds", "copies"}
    if unknown:
        raise refuse(f"Unknown field: {sorted(unknown)[0]}", param=sorted(unknown)[0])
    match, kind, when = (
        str(wanted.get("match", "")),
        str(wanted.get("kind", "")),
        str(wanted.get("when", "before")),
    )
    kinds = WEBHOOK_KINDS if match.startswith("webhook ") else API_KINDS
    if " " not in match:
        raise refuse('match is "METHOD /path" or "webhook event.type", with * as wildcard.', param="match")
    if kind not in kinds:
        raise refuse(f"kind is one of {', '.join(kinds)}.", param="kind")
    if when not in ("before", "after"):
        raise refuse("when is before or after.", param="when")
    times = _number(wanted.get("times", 1), "times", int)
    seconds = _number(wanted.get("seconds"), "seconds", float)
    copies = _number(wanted.get("copies", 1), "copies", int) or 1
    cursor = books.db.execute(
        "INSERT INTO faults (match, kind, moment, times, seconds, copies) VALUES (?, ?, ?, ?, ?, ?)",
        (match, kind, when, times, seconds, copies),
    )
    return Fault(int(cursor.lastrowid or 0), match, kind, when, times, seconds, copies)


def listing(books: Books) -> list[Fault]:
    """What is still ordered, oldest first."""
    rows = books.db.execute("SELECT id, match, kind, moment, times, seconds, copies FROM faults ORDER BY id")
    return [Fault(*row) for row in rows]


def clear(books: Books) -> None:
    """Takes all orders back. Deliveries that are held stay held until they are released."""
    books.db.execute("DELETE FROM faults")


def take(books: Books, label: str) -> list[Fault]:
    """Every fault that hits this webhook now; each is used up by one."""
    hit = [fault for fault in listing(books) if fnmatchcase(label, fault.match)]
    for fault in hit:
        _use_up(books, fault)
    return hit


def take_one(books: Books, label: str) -> Fault | None:
    """The first fault that hits this API call; others wait for the next call."""
    for fault in listing(books):
        if fnmatchcase(label, fault.match):
            _use_up(books, fault)
            return fault
    return None


def _use_up(books: Books, fault: Fault) -> None:
    books.db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (fault.id,))
    books.db.execute("DELETE FROM faults WHERE times < 1")


def _number(value: Any, name: str, kind: type[int] | type[float]) -> Any:
    if value is None or value == "":
        return None
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = kind(0)
    if not 0 < number <= 86400:
        raise refuse(f"{name} is a number above 0, up to 86400.", param=name)
    return number
