"""Answers that say no, in Stripe's error shape (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that is refused. `error` is the object inside {"error": …}."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error


def refuse(
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    status: int = 400,
    kind: str = "invalid_request_error",
) -> ApiError:
    """An error to raise; `code` is one of docs.stripe.com/error-codes and brings its own link."""
    error: dict[str, Any] = {}
    if code:
        error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"}
    error["message"] = message
    if param:
        error["param"] = param
    return ApiError(status, error | {"type": kind})


def no_such(kind: str, object_id: str, param: str, *, status: int = 400) -> ApiError:
    """Nothing has this id: 404 when the id stood in the path, 400 when it stood in a parameter."""
    name = {"checkout.session": "checkout.session", "payment_intent": "payment_intent"}.get(kind, kind)
    return refuse(f"No such {name}: '{object_id}'", param=param, code="resource_missing", status=status)
