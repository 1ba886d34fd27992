"""Lists with cursors (docs.stripe.com/api/pagination): newest first, 10 at a time, 100 at most."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import no_such, refuse

Test: TypeAlias = tuple[str, list[Any]]
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(books: Books, kind: str, params: dict[str, Any], url: str, tests: list[Test]) -> Obj:
    """A page of stored objects; `tests` are SQL conditions on the objects table with their values."""
    limit, backwards = _limit(params), "ending_before" in params
    tests = [("kind = ?", [kind]), *tests, *_created(params), *_cursor(books, kind, params)]
    where = " AND ".join(test for test, _ in tests)
    values = [value for _, group in tests for value in group]
    order = "ASC" if backwards else "DESC"
    # Every condition comes from this package's code, the values are bound.
    query = f"SELECT body FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?"  # noqa: S608
    rows = books.db.execute(query, [*values, limit + 1]).fetchall()
    found = [json.loads(body) for (body,) in rows[:limit]]
    return listed(found[::-1] if backwards else found, url, has_more=len(rows) > limit)


def part(items: list[Obj], params: dict[str, Any], url: str) -> Obj:
    """A page of a list that is at hand, in its own order."""
    limit, places = _limit(params), {item["id"]: place for place, item in enumerate(items)}
    for name in ("starting_after", "ending_before"):
        if params.get(name, next(iter(places), None)) not in places and name in params:
            raise no_such("item", params[name], name)
    if "ending_before" in params:
        before = items[: places[params["ending_before"]]]
        return listed(before[-limit:], url, has_more=len(before) > limit)
    after = items[places[params["starting_after"]] + 1 :] if "starting_after" in params else items
    return listed(after[:limit], url, has_more=len(after) > limit)


def listed(data: list[Obj], url: str, *, has_more: bool) -> Obj:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def equal(params: dict[str, Any], *fields: str) -> list[Test]:
    """Conditions for the fields that were asked for by value."""
    return [(f"json_extract(body, '$.{field}') = ?", [params[field]]) for field in fields if field in params]


def _limit(params: dict[str, Any]) -> int:
    if "starting_after" in params and "ending_before" in params:
        raise refuse(
            "You may only specify one of these parameters: starting_after, ending_before.",
            code="parameters_exclusive",
        )
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise refuse(
            f"Invalid limit: must be between 1 and 100 (it currently is '{limit}').",
            param="limit",
            code="parameter_invalid_integer",
        )
    return limit


def _created(params: dict[str, Any]) -> list[Test]:
    asked = params.get("created", {})
    if isinstance(asked, int):
        return [("created = ?", [asked])]
    return [(f"created {_SIGNS[name]} ?", [value]) for name, value in asked.items()]


def _cursor(books: Books, kind: str, params: dict[str, Any]) -> list[Test]:
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            row = books.db.execute(
                "SELECT seq FROM objects WHERE id = ? AND kind = ?", (params[name], kind)
            ).fetchone()
            if row is None:
                raise no_such(kind, params[name], name)
            return [(f"seq {sign} ?", [row[0]])]
    return []
