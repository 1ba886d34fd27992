"""One transaction's view of the sandbox: its objects and its clock."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from storefront.sandbox.errors import no_such

Obj: TypeAlias = dict[str, Any]


class Books:
    """Reads and writes objects inside the transaction that `Store` has begun.

    `request_id` and `key` name the API request that is being carried out; they stand in its events.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.request_id: str | None = None
        self.key: str | None = None
        self.has_mail = False
        row = db.execute("SELECT value FROM facts WHERE name = 'offset'").fetchone()
        self.offset: float = row[0] if row else 0.0
        self.moment = time.time() + self.offset

    @property
    def now(self) -> int:
        """The sandbox's time in whole seconds: the wall clock and what was let pass."""
        return int(self.moment)

    def get(self, kind: str, object_id: str) -> Obj | None:
        """The object of this kind with this id."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE id = ? AND kind = ?", (object_id, kind)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def need(self, kind: str, object_id: str, param: str, *, status: int = 400) -> Obj:
        """The object, or Stripe's resource_missing naming `param` (status 404 for an id in the path)."""
        found = self.get(kind, object_id)
        if found is None:
            raise no_such(kind, object_id, param, status=status)
        return found

    def find(self, kind: str, **equal: str) -> list[Obj]:
        """Objects of this kind whose fields have these values, oldest first."""
        tests = "".join(f" AND json_extract(body, '$.{field}') = ?" for field in equal)
        # The field names come from this package's code, the values are bound.
        query = f"SELECT body FROM objects WHERE kind = ?{tests} ORDER BY seq"  # noqa: S608
        rows = self.db.execute(query, (kind, *equal.values()))
        return [json.loads(body) for (body,) in rows]

    def private(self, object_id: str) -> Obj:
        """What belongs to an object and is not shown, such as a session's lines."""
        (text,) = self.db.execute("SELECT private FROM objects WHERE id = ?", (object_id,)).fetchone()
        private: Obj = json.loads(text)
        return private

    def add(self, obj: Obj, *, private: Obj | None = None, due: int | None = None) -> Obj:
        """Stores a new object. `due`: when the sandbox has to act on it by itself."""
        self.db.execute(
            "INSERT INTO objects (id, kind, created, due, body, private) VALUES (?, ?, ?, ?, ?, ?)",
            (
                obj["id"],
                obj["object"],
                obj.get("created", self.now),
                due,
                json.dumps(obj),
                json.dumps(private or {}),
            ),
        )
        return obj

    def save(self, obj: Obj, *, due: int | None = None) -> Obj:
        """Stores a changed object; its due time is replaced too (None: nothing is due any more)."""
        self.db.execute(
            "UPDATE objects SET body = ?, due = ? WHERE id = ?", (json.dumps(obj), due, obj["id"])
        )
        return obj

    def save_private(self, object_id: str, private: Obj) -> None:
        """Replaces what belongs to an object and is not shown."""
        self.db.execute("UPDATE objects SET private = ? WHERE id = ?", (json.dumps(private), object_id))

    def remove(self, object_id: str) -> None:
        """Forgets an object."""
        self.db.execute("DELETE FROM objects WHERE id = ?", (object_id,))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside is undone when it raises; the rest of the transaction stays."""
        mail = self.has_mail
        self.db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK TO part")
            self.has_mail = mail
            raise
        finally:
            self.db.execute("RELEASE part")
