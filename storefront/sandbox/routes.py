"""Every endpoint: its method, path, parameters and the function that carries it out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storefront.sandbox import balance, catalogue, disputes, events, lists, refunds, sessions, tables
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.checks import Check
from storefront.sandbox.errors import refuse


@dataclass(frozen=True)
class Call:
    """A checked API call."""

    method: str
    path: str
    object_id: str
    params: dict[str, Any]
    page_base: str | None


@dataclass(frozen=True)
class Endpoint:
    """What happens at a path; {} stands for an id."""

    method: str
    path: str
    check: Check
    verb: Callable[[Books, Call], Obj]


def _get(kind: str, param: str) -> Callable[[Books, Call], Obj]:
    return lambda books, call: books.need(kind, call.object_id, param, status=404)


def _list(kind: str, url: str, *fields: str) -> Callable[[Books, Call], Obj]:
    return lambda books, call: lists.page(books, kind, call.params, url, lists.equal(call.params, *fields))


_SESSION = "/v1/checkout/sessions"
_INTENT = "/v1/payment_intents"
_TXN = "/v1/balance_transactions"

ENDPOINTS = [
    Endpoint("POST", _SESSION, tables.SESSION_CREATE, lambda b, c: sessions.create(b, c.params, c.page_base)),
    Endpoint("GET", _SESSION, tables.SESSION_LIST, lambda b, c: sessions.listing(b, c.params)),
    Endpoint("GET", f"{_SESSION}/{{}}", tables.RETRIEVE, _get("checkout.session", "session")),
    Endpoint(
        "POST",
        f"{_SESSION}/{{}}",
        tables.SESSION_UPDATE,
        lambda b, c: sessions.update(b, c.object_id, c.params),
    ),
    Endpoint(
        "POST", f"{_SESSION}/{{}}/expire", tables.RETRIEVE, lambda b, c: sessions.expire(b, c.object_id)
    ),
    Endpoint(
        "GET",
        f"{_SESSION}/{{}}/line_items",
        tables.NESTED_LIST,
        lambda b, c: sessions.line_items(b, c.object_id, c.params),
    ),
    Endpoint(
        "GET", _INTENT, tables.INTENT_LIST, _list("payment_intent", _INTENT, "customer", "customer_account")
    ),
    Endpoint("GET", f"{_INTENT}/{{}}", tables.INTENT_RETRIEVE, _get("payment_intent", "intent")),
    Endpoint(
        "GET",
        "/v1/charges",
        tables.CHARGE_LIST,
        _list("charge", "/v1/charges", "customer", "payment_intent", "transfer_group"),
    ),
    Endpoint("GET", "/v1/charges/{}", tables.RETRIEVE, _get("charge", "charge")),
    Endpoint("POST", "/v1/refunds", tables.REFUND_CREATE, lambda b, c: refunds.create(b, c.params)),
    Endpoint(
        "GET",
        "/v1/refunds",
        tables.OF_PAYMENT_LIST,
        _list("refund", "/v1/refunds", "charge", "payment_intent"),
    ),
    Endpoint("GET", "/v1/refunds/{}", tables.RETRIEVE, _get("refund", "refund")),
    Endpoint(
        "POST",
        "/v1/refunds/{}",
        tables.METADATA_UPDATE,
        lambda b, c: refunds.update(b, c.object_id, c.params),
    ),
    Endpoint(
        "POST",
        "/v1/refunds/{}/cancel",
        tables.RETRIEVE,
        lambda b, c: refunds.cancel(b, c.object_id, by_api=True),
    ),
    Endpoint(
        "GET",
        "/v1/disputes",
        tables.OF_PAYMENT_LIST,
        _list("dispute", "/v1/disputes", "charge", "payment_intent"),
    ),
    Endpoint("GET", "/v1/disputes/{}", tables.RETRIEVE, _get("dispute", "dispute")),
    Endpoint("POST", "/v1/disputes/{}/close", tables.RETRIEVE, lambda b, c: disputes.lose(b, c.object_id)),
    Endpoint("GET", "/v1/events", tables.EVENT_LIST, lambda b, c: events.listing(b, c.params)),
    Endpoint("GET", "/v1/events/{}", tables.RETRIEVE, lambda b, c: events.retrieve(b, c.object_id)),
    Endpoint(
        "POST", "/v1/products", tables.PRODUCT_CREATE, lambda b, c: catalogue.create_product(b, c.params)
    ),
    Endpoint("GET", "/v1/products", tables.PRODUCT_LIST, lambda b, c: catalogue.list_products(b, c.params)),
    Endpoint("GET", "/v1/products/{}", tables.RETRIEVE, _get("product", "id")),
    Endpoint(
        "POST",
        "/v1/products/{}",
        tables.PRODUCT_UPDATE,
        lambda b, c: catalogue.update_product(b, c.object_id, c.params),
    ),
    Endpoint(
        "DELETE", "/v1/products/{}", tables.RETRIEVE, lambda b, c: catalogue.delete_product(b, c.object_id)
    ),
    Endpoint("POST", "/v1/prices", tables.PRICE_CREATE, lambda b, c: catalogue.create_price(b, c.params)),
    Endpoint("GET", "/v1/prices", tables.PRICE_LIST, lambda b, c: catalogue.list_prices(b, c.params)),
    Endpoint("GET", "/v1/prices/{}", tables.RETRIEVE, _get("price", "price")),
    Endpoint(
        "POST",
        "/v1/prices/{}",
        tables.PRICE_UPDATE,
        lambda b, c: catalogue.update_price(b, c.object_id, c.params),
    ),
    Endpoint("POST", "/v1/coupons", tables.COUPON_CREATE, lambda b, c: catalogue.create_coupon(b, c.params)),
    Endpoint("GET", "/v1/coupons", tables.COUPON_LIST, _list("coupon", "/v1/coupons")),
    Endpoint("GET", "/v1/coupons/{}", tables.RETRIEVE, _get("coupon", "coupon")),
    Endpoint("GET", "/v1/balance", tables.RETRIEVE, lambda b, c: balance.retrieve(b)),
    Endpoint(
        "GET",
        _TXN,
        tables.BALANCE_TRANSACTION_LIST,
        _list("balance_transaction", _TXN, "currency", "payout", "source", "type"),
    ),
    Endpoint("GET", f"{_TXN}/{{}}", tables.RETRIEVE, _get("balance_transaction", "id")),
]
_PATTERNS = [
    (re.compile(re.escape(endpoint.path).replace(r"\{\}", "([^/]+)")), endpoint) for endpoint in ENDPOINTS
]


def find(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint at this path and the id that stands in it, else Stripe's 404."""
    for pattern, endpoint in _PATTERNS:
        match = pattern.fullmatch(path)
        if match and endpoint.method == method:
            return endpoint, match[1] if match.groups() else ""
    raise refuse(
        f"Unrecognized request URL ({method}: {path}). The sandbox has a part of Stripe's API.", status=404
    )
