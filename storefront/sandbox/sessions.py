"""Checkout Sessions: making, expiring and listing them (docs.stripe.com/api/checkout/sessions)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from storefront.sandbox import basket, catalogue, lists
from storefront.sandbox.amounts import add_up, chargeable
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.shapes import sessions as shape

SHORTEST, LONGEST = 30 * 60, 24 * 3600
_OTHER_LOOPBACK = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


def create(books: Books, params: dict[str, Any], page_base: str | None) -> Obj:
    """An open session with lines, total and page address. `params` as tables.SESSION_CREATE gives them."""
    _fit_together(params)
    _urls(params)
    expires_at = _expiry(books, params)
    lines = [
        basket.line(books, asked, f"line_items[{index}]") for index, asked in enumerate(params["line_items"])
    ]
    currency = basket.one_currency(lines, params)
    session = shape.session(
        params,
        created=books.now,
        expires_at=expires_at,
        currency=currency,
        methods=_methods(params, currency),
    )
    coupon = basket.discount(books, params, session)
    add_up(session, lines, coupon, basket.shipping(books, params, session))
    chargeable(session["amount_total"], currency)
    if session["amount_total"] == 0:
        session["payment_status"] = "no_payment_required"
    session["url"] = f"{page_base or other_origin(params['success_url'])}/sandbox/pay/{session['id']}"
    private = {"lines": lines, "payment_intent_data": params.get("payment_intent_data", {})}
    return books.add(session, private=private, due=expires_at)


def expire(books: Books, session_id: str) -> Obj:
    """Closes an open session; any other is refused, as docs.stripe.com/api/checkout/sessions/expire says."""
    session = books.need("checkout.session", session_id, "session", status=404)
    if session["status"] != "open":
        raise refuse(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    session |= {"status": "expired", "url": None}
    books.save(session)
    intent = books.get("payment_intent", session["payment_intent"] or "")
    if intent is not None:
        intent |= {"status": "canceled", "canceled_at": books.now, "cancellation_reason": "expired"}
        intent["next_action"] = None
        books.save(intent)
        emit(books, "payment_intent.canceled", intent)
    emit(books, "checkout.session.expired", session)
    return session


def update(books: Books, session_id: str, params: dict[str, Any]) -> Obj:
    """Changes the metadata."""
    session = books.need("checkout.session", session_id, "session", status=404)
    if "metadata" in params:
        session["metadata"] = catalogue.merged_metadata(session["metadata"], params["metadata"])
        keep(books, session)
    return session


def keep(books: Books, session: Obj) -> Obj:
    """Stores a changed session; an open one stays due to expire."""
    return books.save(session, due=session["expires_at"] if session["status"] == "open" else None)


def listing(books: Books, params: dict[str, Any]) -> Obj:
    """Newest first; filters: created, customer_details[email], payment_intent, status …"""
    fields = ("customer", "customer_account", "payment_intent", "payment_link", "status", "subscription")
    tests = lists.equal(params, *fields)
    if "customer_details" in params:
        tests.append(
            ("json_extract(body, '$.customer_details.email') = ?", [params["customer_details"]["email"]])
        )
    return lists.page(books, "checkout.session", params, "/v1/checkout/sessions", tests)


def line_items(books: Books, session_id: str, params: dict[str, Any]) -> Obj:
    """docs.stripe.com/api/checkout/sessions/line_items"""
    books.need("checkout.session", session_id, "session", status=404)
    lines = books.private(session_id)["lines"]
    return lists.part(lines, params, f"/v1/checkout/sessions/{session_id}/line_items")


def other_origin(success_url: str) -> str:
    """The payment page's origin: the shop's other loopback name, since Stripe's is another origin too."""
    url = urlsplit(success_url)
    host = _OTHER_LOOPBACK.get(url.hostname or "", url.hostname or "")
    host = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{host}{f':{url.port}' if url.port else ''}"


def _fit_together(params: dict[str, Any]) -> None:
    if params["mode"] != "payment":
        raise refuse("The sandbox only has mode=payment; subscriptions and setup are Stripe's.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise refuse("The sandbox only has ui_mode=hosted_page.", param="ui_mode")
    for name in ("line_items", "success_url"):
        if not params.get(name):
            raise refuse(f"Missing required param: {name}.", param=name, code="parameter_missing")
    for pair in (("customer", "customer_email"), ("customer", "customer_creation")):
        if all(name in params for name in pair):
            raise refuse(
                f"You may only specify one of these parameters: {', '.join(pair)}.",
                code="parameters_exclusive",
            )
    if "customer" in params:
        raise refuse(f"No such customer: '{params['customer']}'", param="customer", code="resource_missing")
    if params.get("customer_creation") == "always" or params.get("billing_address_collection") == "required":
        raise refuse("The sandbox makes no customers and asks for no billing address.")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", params.get("customer_email", "a@b.c")):
        raise refuse(
            f"Invalid email address: {params['customer_email']}", param="customer_email", code="email_invalid"
        )


def _urls(params: dict[str, Any]) -> None:
    for name in ("success_url", "cancel_url"):
        if name in params:
            try:
                parts = urlsplit(params[name])
                fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
            except ValueError:
                fine = False
            if not fine:
                raise refuse("Not a valid URL", param=name, code="url_invalid")


def _expiry(books: Books, params: dict[str, Any]) -> int:
    """When the session expires, by the sandbox's clock.

    The shop's clock does not move with ours: its `expires_at` means so many seconds from now.
    """
    ahead = books.now - int(books.moment - books.offset)
    expires_at = int(params["expires_at"]) + ahead if "expires_at" in params else books.now + LONGEST
    if expires_at < books.now + SHORTEST:
        raise refuse(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > books.now + LONGEST:
        raise refuse(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _methods(params: dict[str, Any], currency: str) -> list[str]:
    """A card and one delayed method, which Stripe would choose by currency from the Dashboard's settings."""
    offered = ["card", "us_bank_account" if currency == "usd" else "sepa_debit"]
    allowed = params.get("allowed_payment_method_types", offered)
    methods = [name for name in offered if name in allowed]
    methods = [name for name in methods if name not in params.get("excluded_payment_method_types", [])]
    if not methods:
        raise refuse(f"No valid payment method types: the sandbox has {' and '.join(offered)}.")
    return methods
