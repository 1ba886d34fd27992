"""What the shop reads of Stripe's objects, as plain values. Amounts are Stripe's minor units."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A Checkout Session (https://docs.stripe.com/api/checkout/sessions/object). `intent_status` and `decline` are
    known only when the session was read with its payment intent."""

    id: str
    status: str
    payment_status: str
    amount: int
    currency: str
    livemode: bool
    reference: str
    attempt_key: str
    url: str
    payment_intent: str
    expires_at: int
    intent_status: str = ""
    decline: str = ""

    @property
    def paid(self) -> bool:
        return self.payment_status in {"paid", "no_payment_required"}


def session_facts(session: dict[str, Any]) -> SessionFacts:
    """The facts of a session as JSON. Raises KeyError or TypeError for what is no session."""
    metadata = session.get("metadata") or {}
    intent = session.get("payment_intent")
    expanded = intent if isinstance(intent, dict) else {}
    return SessionFacts(
        id=session["id"],
        status=session["status"] or "",
        payment_status=session["payment_status"],
        amount=session["amount_total"] if session["amount_total"] is not None else -1,
        currency=(session["currency"] or "").upper(),
        livemode=session["livemode"],
        reference=session.get("client_reference_id") or metadata.get("order_id") or "",
        attempt_key=metadata.get("attempt") or "",
        url=session.get("url") or "",
        payment_intent=expanded.get("id", "") or (intent if isinstance(intent, str) else ""),
        expires_at=session.get("expires_at") or 0,
        intent_status=expanded.get("status", ""),
        decline=decline_reason(expanded),
    )


def with_intent(facts: SessionFacts, intent: dict[str, Any]) -> SessionFacts:
    """The same facts with what its payment intent says."""
    return replace(facts, intent_status=intent["status"], decline=decline_reason(intent))


def decline_reason(intent: dict[str, Any]) -> str:
    """Stripe's words for the last refused try, or nothing."""
    error = intent.get("last_payment_error") or {}
    return str(error.get("message") or error.get("decline_code") or error.get("code") or "")
