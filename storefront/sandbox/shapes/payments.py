"""PaymentIntent, Charge, PaymentMethod, Refund and BalanceTransaction (docs.stripe.com/api)."""

from __future__ import annotations

from typing import Any

from storefront.sandbox.ids import new_id

_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_INTENT_EMPTY = (
    "application",
    "application_fee_amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "customer",
    "customer_account",
    "excluded_payment_method_types",
    "last_payment_error",
    "latest_charge",
    "next_action",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration_details",
    "processing",
    "review",
    "setup_future_usage",
    "source",
    "transfer_data",
)
_CHARGE_EMPTY = (
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "customer",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "on_behalf_of",
    "receipt_number",
    "review",
    "source",
    "source_transfer",
    "transfer_data",
    "transfer_group",
)
_DESCRIPTORS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")


def payment_intent(session: dict[str, Any], data: dict[str, Any], *, created: int) -> dict[str, Any]:
    """The intent of a session whose payment is tried; `data` is the session's payment_intent_data."""
    intent_id = new_id("pi_3")
    return {
        "id": intent_id,
        "object": "payment_intent",
        **dict.fromkeys(_INTENT_EMPTY),
        **{name: data.get(name) for name in (*_DESCRIPTORS, "transfer_group")},
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{new_id('')}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": session["currency"],
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": session["payment_method_types"],
        "shipping": _shipping(data.get("shipping")),
        "status": "requires_payment_method",
    }


def _shipping(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    blank = dict.fromkeys(("carrier", "phone", "tracking_number"))
    return blank | given | {"address": _ADDRESS | given["address"]}


def billing(email: str | None, name: str | None) -> dict[str, Any]:
    """Billing details, as far as the page asks."""
    return {"address": dict(_ADDRESS), "email": email, "name": name, "phone": None, "tax_id": None}


def payment_method(
    kind: str, details: dict[str, Any], billed: dict[str, Any], *, created: int
) -> dict[str, Any]:
    """docs.stripe.com/api/payment_methods/object"""
    return {
        "id": new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billed,
        "created": created,
        "customer": None,
        "customer_account": None,
        kind: details,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }


def charge(
    intent: dict[str, Any], method: dict[str, Any], details: dict[str, Any], *, created: int
) -> dict[str, Any]:
    """A charge that was tried: pending, nothing captured. `details` becomes payment_method_details."""
    charge_id = new_id("ch_3" if method["type"] == "card" else "py_3")
    return {
        "id": charge_id,
        "object": "charge",
        **dict.fromkeys(_CHARGE_EMPTY),
        **{name: intent[name] for name in (*_DESCRIPTORS, "shipping", "amount", "currency", "metadata")},
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX",
        "captured": True,
        "created": created,
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": method["type"], method["type"]: details},
        "radar_options": {},
        "receipt_url": None,
        "refunded": False,
        "status": "pending",
    }


def outcome(kind: str, message: str, *, reason: str | None = None) -> dict[str, Any]:
    """A charge's outcome: `kind` authorized or issuer_declined."""
    fine = kind == "authorized"
    return {
        "advice_code": None if fine else "try_again_later",
        "network_advice_code": None,
        "network_decline_code": None if fine else "01",
        "network_status": "approved_by_network" if fine else "declined_by_network",
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }


def refund(
    charge: dict[str, Any], amount: int, params: dict[str, Any], *, status: str, created: int
) -> dict[str, Any]:
    """docs.stripe.com/api/refunds/object; `amount` in minor units of the charge's currency."""
    kind = charge["payment_method_details"]["type"]
    destination: dict[str, Any] = {"type": kind}
    if kind == "card":
        destination["card"] = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
        destination["card"]["type"] = "refund"
    shown = {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": destination,
        "metadata": params.get("metadata") or {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "pending":
        shown["pending_reason"] = "processing"
    if status == "requires_action":
        address = params.get("instructions_email") or charge["billing_details"]["email"] or ""
        sent = {"email_sent_at": created, "email_sent_to": address}
        shown["next_action"] = {
            "type": "display_details",
            "display_details": {"email_sent": sent, "expires_at": created + 45 * 86400},
        }
    return shown


def balance_transaction(
    kind: str, amount: int, currency: str, source: str, *, fee: int, created: int
) -> dict[str, Any]:
    """Money that came or went. `kind`: charge, payment, refund, adjustment …; amounts in minor units."""
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Sandbox fee",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": new_id("txn_3"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * 86400,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": fees if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else "charge" if kind == "payment" else kind,
        "source": source,
        "status": "pending",
        "type": kind,
    }
