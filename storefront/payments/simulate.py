"""An event as Stripe would send it for an order of ours, for trying the webhook out."""

import time
from typing import Any

from storefront.orders.models import Order, PaymentAttempt
from storefront.payments.handlers import OUR_VERSION


def simulated_event(order: Order, attempt: PaymentAttempt | None, kind: str, unique: str) -> dict[str, Any]:
    """A checkout.session.* event about the attempt's session and payment, as JSON; what there is none of yet is
    invented. Its signature is the caller's."""
    expired = kind == "checkout.session.expired"
    paid = not expired and kind != "checkout.session.async_payment_failed"
    session_id = (attempt.session_id if attempt else None) or f"cs_test_simulated{order.id}"
    intent = (attempt.payment_intent if attempt else None) or (f"pi_simulated{order.id}" if paid else None)
    return {
        "id": f"evt_simulated{unique}",
        "object": "event",
        "api_version": OUR_VERSION,
        "created": int(time.time()),
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {
            "object": {
                "id": session_id,
                "object": "checkout.session",
                "amount_total": order.total,
                "currency": order.currency.lower(),
                "client_reference_id": order.reference,
                "livemode": False,
                "metadata": {"order_id": order.reference, "attempt": attempt.key if attempt else ""},
                "mode": "payment",
                "payment_intent": intent,
                "payment_status": "paid" if paid else "unpaid",
                "status": "expired" if expired else "complete",
                "url": None,
            }
        },
    }
