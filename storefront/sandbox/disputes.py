"""Disputes and inquiries (docs.stripe.com/disputes/how-disputes-work)."""

from __future__ import annotations

from storefront.sandbox.books import Books, Obj
from storefront.sandbox.currencies import shown
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.shapes import disputes as shape
from storefront.sandbox.shapes import payments as payment_shape

ANSWER_WITHIN = 7 * 86400
REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated",
    "debit_not_authorized", "duplicate", "fraudulent", "general", "incorrect_account_details",
    "insufficient_funds", "product_not_received", "product_unacceptable", "subscription_canceled",
    "unrecognized",
)  # fmt: skip


def open_dispute(books: Books, charge_id: str, amount: int | None, reason: str, *, inquiry: bool) -> Obj:
    """The shopper's bank disputes `amount` (minor units; None: all of it). An inquiry takes no money yet."""
    charge = books.need("charge", charge_id, "charge")
    if charge["status"] != "succeeded":
        raise refuse("Only a charge that succeeded can be disputed.")
    if reason not in REASONS:
        raise refuse(f"reason is one of {', '.join(REASONS)}.", param="reason")
    amount = charge["amount"] if amount is None else amount
    if not 0 < amount <= charge["amount"]:
        raise refuse(f"amount is at most {shown(charge['amount'], charge['currency'])}.", param="amount")
    if any(dispute["status"] not in _CLOSED for dispute in books.find("dispute", charge=charge_id)):
        raise refuse("This charge has an open dispute.")
    due_by = books.now + ANSWER_WITHIN
    dispute = shape.dispute(charge, amount, reason, inquiry=inquiry, created=books.now, due_by=due_by)
    if not inquiry:
        _move_money(books, dispute, -amount)
    books.add(dispute)
    charge["disputed"] = True
    books.save(charge)
    emit(books, "charge.dispute.created", dispute)
    if not inquiry:
        emit(books, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer(books: Books, dispute_id: str) -> Obj:
    """Evidence was sent in: under review."""
    dispute = _undecided(books, dispute_id)
    status = "warning_under_review" if _is_inquiry(dispute) else "under_review"
    details = dispute["evidence_details"] | {"has_evidence": True, "submission_method": "manual"}
    previous = {"status": dispute["status"], "evidence_details": dispute["evidence_details"]}
    details["submission_count"] += 1
    dispute |= {"status": status, "evidence_details": details}
    books.save(dispute)
    emit(books, "charge.dispute.updated", dispute, previous)
    return dispute


def win(books: Books, dispute_id: str) -> Obj:
    """The bank decides for the shop: the money comes back. An inquiry just closes."""
    dispute = _undecided(books, dispute_id)
    if _is_inquiry(dispute):
        return _close(books, dispute, "warning_closed")
    _move_money(books, dispute, dispute["amount"])
    _close(books, dispute, "won")
    emit(books, "charge.dispute.funds_reinstated", dispute)
    return dispute


def lose(books: Books, dispute_id: str) -> Obj:
    """The bank decides for the shopper, or the shop accepts it (docs.stripe.com/api/disputes/close)."""
    dispute = _undecided(books, dispute_id)
    if _is_inquiry(dispute):
        dispute["is_charge_refundable"] = False
        _move_money(books, dispute, -dispute["amount"])
        emit(books, "charge.dispute.funds_withdrawn", dispute)
    return _close(books, dispute, "lost")


_CLOSED = ("lost", "won", "warning_closed")


def _is_inquiry(dispute: Obj) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _undecided(books: Books, dispute_id: str) -> Obj:
    dispute = books.need("dispute", dispute_id, "dispute", status=404)
    if dispute["status"] in _CLOSED:
        raise refuse(f"This dispute is already closed: {dispute['status']}.")
    return dispute


def _close(books: Books, dispute: Obj, status: str) -> Obj:
    previous = {"status": dispute["status"]}
    dispute["status"] = status
    books.save(dispute)
    emit(books, "charge.dispute.closed", dispute, previous)
    return dispute


def _move_money(books: Books, dispute: Obj, amount: int) -> None:
    fee = 1500 if amount < 0 else -1500
    money = payment_shape.balance_transaction(
        "adjustment", amount, dispute["currency"], dispute["id"], fee=fee, created=books.now
    )
    books.add(money)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], money]
