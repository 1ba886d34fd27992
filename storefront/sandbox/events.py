"""Events: what happened, kept for 30 days and sent to the shop (docs.stripe.com/api/events)."""

from __future__ import annotations

from typing import Any

from storefront.sandbox import lists, mail
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse
from storefront.sandbox.ids import new_id
from storefront.sandbox.shapes import API_VERSION

KEPT_FOR = 30 * 86400


def emit(books: Books, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
    """Stores the event and its webhook, sent after the commit. `previous`: changed fields as they were."""
    data: Obj = {"object": obj} | ({"previous_attributes": previous} if previous is not None else {})
    event = {
        "id": new_id("evt_1"),
        "object": "event",
        "api_version": API_VERSION,
        "created": books.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": books.request_id, "idempotency_key": books.key},
        "type": kind,
    }
    books.add(event)
    mail.plan(books, event)
    return event


def retrieve(books: Books, event_id: str) -> Obj:
    """An event of the last 30 days, else 404."""
    event = books.need("event", event_id, "id", status=404)
    if event["created"] <= books.now - KEPT_FOR:
        message = f"Event '{event_id}' is no longer there: events can be read for 30 days."
        raise refuse(message, param="id", code="resource_missing", status=404)
    return event


def listing(books: Books, params: dict[str, Any]) -> Obj:
    """Newest first; `type` may end in an asterisk (charge.*), `types` are exact."""
    tests: list[lists.Test] = [("created > ?", [books.now - KEPT_FOR])]
    if "type" in params:
        tests.append(("json_extract(body, '$.type') GLOB ?", [params["type"]]))
    if "types" in params:
        marks = ", ".join("?" * len(params["types"]))
        tests.append((f"json_extract(body, '$.type') IN ({marks})", params["types"]))
    if "delivery_success" in params:
        sign = "=" if params["delivery_success"] else ">"
        tests.append((f"json_extract(body, '$.pending_webhooks') {sign} 0", []))
    return lists.page(books, "event", params, "/v1/events", tests)
