"""Refunds (docs.stripe.com/refunds): at once, pending first, waiting for the shopper, cancelled, or failing later."""

from __future__ import annotations

from typing import Any

from storefront.sandbox.books import Books, Obj
from storefront.sandbox.catalogue import merged_metadata
from storefront.sandbox.currencies import shown
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.shapes import payments as shape

PENDING_FOR = 4 * 86400
ON_THE_WAY = ("pending", "requires_action")


def create(books: Books, params: dict[str, Any], *, status: str | None = None) -> Obj:
    """Refunds what `amount` (minor units) says, or the rest. `status` overrules how the card's refunds go."""
    charge = _charge(books, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = int(params.get("amount", left))
    _refundable(books, charge, amount, left, "amount" in params)
    way = status or books.private(charge["id"]).get("refunds", "pending")
    refund = shape.refund(
        charge, amount, params, status="succeeded" if way == "fails" else way, created=books.now
    )
    if refund["status"] == "succeeded":
        _money_left(books, refund)
    books.add(
        refund, private={"fails": way == "fails"}, due=None if way == "succeeded" else books.now + PENDING_FOR
    )
    _count(books, charge, amount)
    emit(books, "refund.created", refund)
    emit(books, "charge.refunded", charge)
    return refund


def update(books: Books, refund_id: str, params: dict[str, Any]) -> Obj:
    """Changes the metadata."""
    refund = books.need("refund", refund_id, "refund", status=404)
    if "metadata" in params:
        previous = {"metadata": refund["metadata"]}
        refund["metadata"] = merged_metadata(refund["metadata"], params["metadata"])
        _save(books, refund)
        _tell(books, refund, previous)
    return refund


def succeed(books: Books, refund_id: str) -> Obj:
    """A refund that is on its way arrives."""
    refund = books.need("refund", refund_id, "refund")
    if refund["status"] not in ON_THE_WAY:
        raise refuse(f"This refund is {refund['status']}, not pending.")
    previous = _becomes(refund, "succeeded")
    _money_left(books, refund)
    books.save(refund)
    _tell(books, refund, previous)
    return refund


def cancel(books: Books, refund_id: str, *, by_api: bool = False) -> Obj:
    """A refund that is on its way is called back; the API does it only while the shopper has to act
    (docs.stripe.com/api/refunds/cancel)."""
    refund = books.need("refund", refund_id, "refund", status=404 if by_api else 400)
    if refund["status"] not in (("requires_action",) if by_api else ON_THE_WAY):
        raise refuse(f"This refund is {refund['status']}, so it cannot be canceled.")
    previous = _becomes(refund, "canceled", "merchant_request")
    books.save(refund)
    _count(books, books.need("charge", refund["charge"], "charge"), -refund["amount"])
    _tell(books, refund, previous)
    return refund


def fail(books: Books, refund_id: str) -> Obj:
    """A refund fails, days later too; the shop has its money (docs.stripe.com/refunds#failed-refunds)."""
    refund = books.need("refund", refund_id, "refund")
    if refund["status"] not in (*ON_THE_WAY, "succeeded"):
        raise refuse(f"This refund is already {refund['status']}.")
    previous = _becomes(refund, "failed", "expired_or_canceled_card")
    if previous["status"] == "succeeded":
        back = _money(books, "refund_failure", refund["amount"], refund)
        refund["failure_balance_transaction"] = back["id"]
    books.save(refund)
    charge = books.need("charge", refund["charge"], "charge")
    _count(books, charge, -refund["amount"])
    _tell(books, refund, previous)
    emit(books, "refund.failed", refund)
    return refund


def ripen(books: Books, refund: Obj) -> None:
    """The time of a refund that was not yet final has come."""
    (fail if books.private(refund["id"])["fails"] else succeed)(books, refund["id"])


def _charge(books: Books, params: dict[str, Any]) -> Obj:
    if ("charge" in params) == ("payment_intent" in params):
        raise refuse(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if "charge" in params:
        return books.need("charge", params["charge"], "charge")
    intent = books.need("payment_intent", params["payment_intent"], "payment_intent")
    if intent["status"] not in ("succeeded", "processing"):
        raise refuse(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return books.need("charge", intent["latest_charge"], "charge")


def _refundable(books: Books, charge: Obj, amount: int, left: int, asked: bool) -> None:
    if charge["status"] != "succeeded":
        raise refuse(
            f"Charge {charge['id']} is {charge['status']}, not succeeded.",
            code="charge_not_refundable",
        )
    if charge["disputed"] and any(
        not dispute["is_charge_refundable"] and dispute["status"] != "won"
        for dispute in books.find("dispute", charge=charge["id"])
    ):
        raise refuse(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if left == 0:
        raise refuse(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if asked and amount < 1:
        raise refuse("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise refuse(
            f"Refund amount ({shown(amount, charge['currency'])}) is greater than unrefunded amount on "
            f"charge ({shown(left, charge['currency'])})",
            param="amount",
        )


def _becomes(refund: Obj, status: str, failure: str = "") -> Obj:
    """Changes the status, and what goes with it; gives the one that it had."""
    previous = {"status": refund["status"]}
    refund["status"] = status
    for name in ("pending_reason", "next_action"):
        refund.pop(name, None)
    if failure:
        refund["failure_reason"] = failure
    return previous


def _count(books: Books, charge: Obj, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.save(charge)


def _tell(books: Books, refund: Obj, previous: Obj) -> None:
    emit(books, "refund.updated", refund, previous)
    emit(books, "charge.refund.updated", refund, previous)


def _save(books: Books, refund: Obj) -> None:
    row = books.db.execute("SELECT due FROM objects WHERE id = ?", (refund["id"],)).fetchone()
    books.save(refund, due=row[0])


def _money_left(books: Books, refund: Obj) -> None:
    refund["balance_transaction"] = _money(books, "refund", -refund["amount"], refund)["id"]


def _money(books: Books, kind: str, amount: int, refund: Obj) -> Obj:
    money = shape.balance_transaction(
        kind, amount, refund["currency"], refund["id"], fee=0, created=books.now
    )
    return books.add(money)
