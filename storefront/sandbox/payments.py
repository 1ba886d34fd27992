"""Paying a session by card, and 3-D Secure (docs.stripe.com/payments/paymentintents/lifecycle).

Every function is safe to call twice: what is no longer possible is refused and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storefront.sandbox import catalogue, sessions
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.cards import CARDS, Card
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.shapes import payments as shape
from storefront.sandbox.shapes.sessions import customer_details


@dataclass(frozen=True)
class Shopper:
    """Who pays, as typed on the page."""

    email: str
    name: str


def pay_by_card(books: Books, session_id: str, card: Card, shopper: Shopper) -> Obj:
    """Tries the card. Afterwards the session is complete, or open with the reason on its intent."""
    session, intent, method = begin(books, session_id, "card", card.details(), shopper)
    if card.asks:
        base = session["url"].split("?")[0]
        intent |= {"status": "requires_action", "last_payment_error": None}
        redirect = {"return_url": session["success_url"], "url": f"{base}/authenticate"}
        intent["next_action"] = {"redirect_to_url": redirect, "type": "redirect_to_url"}
        books.save(intent)
        emit(books, "payment_intent.requires_action", intent)
    elif card.code:
        _decline(books, intent, method, card)
    else:
        _take_card_money(books, session, intent, method, card)
    return books.need("checkout.session", session_id, "session")


def authenticate(books: Books, session_id: str, approve: bool) -> Obj:
    """The answer to 3-D Secure; a failed one leaves the session open (docs.stripe.com/payments/3d-secure)."""
    session = open_session(books, session_id)
    intent = books.get("payment_intent", session["payment_intent"] or "")
    if intent is None or intent["status"] != "requires_action":
        raise refuse("This payment does not wait for authentication.", code="payment_intent_unexpected_state")
    method = books.need("payment_method", intent["payment_method"], "payment_method")
    intent["next_action"] = None
    if approve:
        number = next(card.number for card in CARDS.values() if card.asks)
        _take_card_money(books, session, intent, method, CARDS[number], authenticated=True)
    else:
        message = "The shopper failed to authenticate. Try again or use another way to pay."
        error = payment_error("payment_intent_authentication_failure", message, method)
        give_reason(books, intent, error | {"type": "invalid_request_error"})
    return books.need("checkout.session", session_id, "session")


def complete_free(books: Books, session_id: str, shopper: Shopper) -> Obj:
    """A total of zero completes without a payment (docs.stripe.com/payments/checkout/no-cost-orders)."""
    session = open_session(books, session_id)
    if session["amount_total"] != 0:
        raise refuse("This Checkout Session has to be paid.")
    session["customer_details"] = customer_details(shopper.email, shopper.name)
    complete(books, session, paid=None)
    return session


def session_of(books: Books, intent_id: str) -> Obj:
    """The Checkout Session that an intent belongs to."""
    return books.find("checkout.session", payment_intent=intent_id)[0]


def open_session(books: Books, session_id: str) -> Obj:
    """The session, if it can still be paid."""
    session = books.need("checkout.session", session_id, "session", status=404)
    if session["status"] == "open" and session["expires_at"] <= books.now:
        raise refuse("This Checkout Session has expired.")
    if session["status"] != "open":
        raise refuse(f"This Checkout Session is {session['status']} and can no longer be paid.")
    return session


def begin(books: Books, session_id: str, kind: str, details: Obj, shopper: Shopper) -> tuple[Obj, Obj, Obj]:
    """A try to pay: the session, its intent (made at the first try) and the payment method used."""
    session = open_session(books, session_id)
    if session["amount_total"] == 0:
        raise refuse("There is nothing to pay.")
    session["customer_details"] = customer_details(shopper.email, shopper.name)
    intent = books.get("payment_intent", session["payment_intent"] or "")
    if intent is None:
        data = books.private(session_id)["payment_intent_data"]
        intent = books.add(shape.payment_intent(session, data, created=books.now))
        session["payment_intent"] = intent["id"]
        emit(books, "payment_intent.created", intent)
    sessions.keep(books, session)
    intent |= {"amount": session["amount_total"], "next_action": None}
    billed = shape.billing(shopper.email, shopper.name)
    method = books.add(shape.payment_method(kind, details, billed, created=books.now))
    intent["payment_method"] = method["id"]
    return session, intent, method


def _take_card_money(
    books: Books, session: Obj, intent: Obj, method: Obj, card: Card, *, authenticated: bool = False
) -> None:
    details = card.charged(intent["amount"], authenticated=authenticated)
    charge = shape.charge(intent, method, details, created=books.now)
    charge["outcome"] = shape.outcome("authorized", "Payment complete.")
    books.add(charge, private={"refunds": card.refunds})
    receive(books, intent, charge)
    complete(books, session, paid=True)


def receive(books: Books, intent: Obj, charge: Obj) -> None:
    """The charge's money has come, less a fee."""
    kind = "charge" if charge["id"].startswith("ch_") else "payment"
    fee = min(charge["amount"], charge["amount"] * 29 // 1000 + 30)
    money = shape.balance_transaction(
        kind, charge["amount"], charge["currency"], charge["id"], fee=fee, created=books.now
    )
    books.add(money)
    charge |= {"status": "succeeded", "paid": True, "amount_captured": charge["amount"]}
    charge["balance_transaction"] = money["id"]
    books.save(charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    intent["last_payment_error"] = None
    books.save(intent)
    emit(books, "charge.succeeded", charge)
    emit(books, "payment_intent.succeeded", intent)


def complete(books: Books, session: Obj, *, paid: bool | None) -> None:
    """The shopper is done. `paid`: None when there was nothing to pay, False when the money comes later."""
    session |= {"status": "complete", "url": None}
    if paid is not None:
        session["payment_status"] = "paid" if paid else "unpaid"
    for discount in session["discounts"]:
        catalogue.redeem(books, discount["coupon"])
    books.save(session)
    emit(books, "checkout.session.completed", session)


def _decline(books: Books, intent: Obj, method: Obj, card: Card) -> None:
    charge = shape.charge(
        intent, method, card.charged(intent["amount"], authenticated=False), created=books.now
    )
    charge |= {"status": "failed", "captured": False}
    charge |= {"failure_code": card.code, "failure_message": card.message}
    charge["outcome"] = shape.outcome("issuer_declined", card.message, reason=card.decline)
    books.add(charge)
    emit(books, "charge.failed", charge)
    intent["latest_charge"] = charge["id"]
    error = payment_error(str(card.code), card.message, method)
    give_reason(books, intent, error | {"charge": charge["id"], "decline_code": card.decline})


def give_reason(books: Books, intent: Obj, error: dict[str, Any]) -> None:
    """The try failed: the intent waits for another payment method and says why."""
    intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
    books.save(intent)
    emit(books, "payment_intent.payment_failed", intent)


def payment_error(code: str, message: str, method: Obj) -> dict[str, Any]:
    """What stands in last_payment_error."""
    return {
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": method,
        "type": "card_error",
    }
