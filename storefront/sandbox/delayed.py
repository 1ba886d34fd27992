"""The delayed bank debit (docs.stripe.com/payments/payment-methods#payment-notification)."""

from __future__ import annotations

from storefront.sandbox import payments
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.payments import Shopper
from storefront.sandbox.shapes import payments as shape

TAKES = 4 * 86400
_NO_DEBIT = "payment_method_provider_decline"


def pay_by_bank(books: Books, session_id: str, shopper: Shopper, *, fails: bool = False) -> Obj:
    """The session is complete and not yet paid.

    The money comes, or with `fails` does not come, after four days of the sandbox's time or by hand.
    """
    session = payments.open_session(books, session_id)
    kind = next((name for name in session["payment_method_types"] if name != "card"), None)
    if kind is None:
        raise refuse("This Checkout Session takes cards only.", code="payment_method_unsupported_type")
    session, intent, method = payments.begin(books, session_id, kind, _account(kind), shopper)
    charge = books.add(shape.charge(intent, method, _account(kind), created=books.now))
    intent |= {"status": "processing", "latest_charge": charge["id"], "last_payment_error": None}
    intent["processing"] = None
    books.save(intent, due=books.now + TAKES)
    books.save_private(intent["id"], {"fails": fails})
    emit(books, "payment_intent.processing", intent)
    emit(books, "charge.pending", charge)
    payments.complete(books, session, paid=False)
    return session


def settle(books: Books, intent_id: str) -> Obj:
    """The delayed payment's money has come."""
    intent, charge, session = _processing(books, intent_id)
    charge["outcome"] = shape.outcome("authorized", "Payment complete.")
    payments.receive(books, intent, charge)
    session["payment_status"] = "paid"
    books.save(session)
    emit(books, "checkout.session.async_payment_succeeded", session)
    return session


def fail(books: Books, intent_id: str) -> Obj:
    """The delayed payment did not come."""
    intent, charge, session = _processing(books, intent_id)
    message = "The bank could not debit the account."
    charge |= {"status": "failed", "captured": False}
    charge |= {"failure_code": _NO_DEBIT, "failure_message": message}
    charge["outcome"] = shape.outcome("issuer_declined", message, reason="generic_decline")
    books.save(charge)
    emit(books, "charge.failed", charge)
    method = books.need("payment_method", intent["payment_method"], "payment_method")
    error = payments.payment_error(_NO_DEBIT, message, method)
    payments.give_reason(books, intent, error | {"charge": charge["id"]})
    emit(books, "checkout.session.async_payment_failed", session)
    return session


def _processing(books: Books, intent_id: str) -> tuple[Obj, Obj, Obj]:
    intent = books.need("payment_intent", intent_id, "intent")
    if intent["status"] != "processing":
        raise refuse(
            f"This PaymentIntent's status is {intent['status']}, not processing.",
            code="payment_intent_unexpected_state",
        )
    charge = books.need("charge", intent["latest_charge"], "charge")
    return intent, charge, payments.session_of(books, intent_id)


def _account(kind: str) -> Obj:
    if kind == "sepa_debit":
        account = {"bank_code": "37040044", "branch_code": "", "country": "DE", "fingerprint": "sandboxbank"}
        return account | {"last4": "3000"}
    account = {"account_holder_type": "individual", "account_type": "checking", "bank_name": "SANDBOX BANK"}
    return account | {"fingerprint": "sandboxbank", "last4": "6789", "routing_number": "110000000"}
