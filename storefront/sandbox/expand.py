"""expand[] (docs.stripe.com/api/expanding_objects): ids become objects, four levels deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storefront.sandbox import lists
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import ApiError, refuse

KINDS = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "coupon": "coupon",
    "default_price": "price",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "product": "product",
    "shipping_rate": "shipping_rate",
}


def expand(books: Books, answer: Obj, paths: list[str]) -> Obj:
    """`answer` with these properties expanded; raises for one that cannot be."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > 4 + (parts[0] == "data"):
            raise refuse(
                f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand"
            )
        _walk(books, answer, parts, path)
    return answer


def _walk(books: Books, node: Any, parts: list[str], path: str) -> None:
    if not parts or node is None:
        return
    if isinstance(node, list):
        for item in node:
            _walk(books, item, parts, path)
        return
    name = parts[0]
    if name not in node:
        filled = _LISTS.get((node.get("object"), name))
        if filled is None:
            raise _cannot(path)
        node[name] = filled(books, node)
    elif isinstance(node[name], str):
        if name not in KINDS:
            raise _cannot(path)
        node[name] = books.get(KINDS[name], node[name])
    elif isinstance(node[name], (int, float)):
        raise _cannot(path)
    _walk(books, node[name], parts[1:], path)


def _cannot(path: str) -> ApiError:
    return refuse(f"This property cannot be expanded ({path}).", param="expand")


def _line_items(books: Books, session: Obj) -> Obj:
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return lists.part(books.private(session["id"])["lines"], {}, url)


def _refunds(books: Books, charge: Obj) -> Obj:
    refunds = books.find("refund", charge=charge["id"])[::-1]
    return lists.part(refunds, {}, f"/v1/charges/{charge['id']}/refunds")


_LISTS: dict[tuple[Any, str], Callable[[Books, Obj], Obj]] = {
    ("checkout.session", "line_items"): _line_items,
    ("charge", "refunds"): _refunds,
}
