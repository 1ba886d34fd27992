"""Stripe's objects for our double, made from the samples beside the API description, which nobody here wrote."""

import copy
import importlib.util
import json
import secrets
import time
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

SHARED = Path(__file__).resolve().parents[3] / "shared" / "stripe"
NAMES = {
    "balance": "_balance:Balance",
    "charge": "_charge:Charge",
    "checkout.session": "checkout/_session:Session",
    "coupon": "_coupon:Coupon",
    "dispute": "_dispute:Dispute",
    "event": "_event:Event",
    "payment_intent": "_payment_intent:PaymentIntent",
    "refund": "_refund:Refund",
}

Obj = dict[str, Any]


@lru_cache
def validator() -> ModuleType:
    """The module validate_request. Raises FileNotFoundError where the description is not there."""
    path = SHARED / "validate_request.py"
    found = importlib.util.spec_from_file_location("validate_request", path)
    assert found is not None
    assert found.loader is not None
    module = ModuleType(found.name)
    found.loader.exec_module(module)
    return module


@lru_cache
def description() -> Any:
    """Stripe's API as the SDK describes it."""
    return validator().load(str(SHARED / "openapi" / "sdk-16.1.0-shop.json"))


def findings(obj: Obj) -> list[str]:
    """What is wrong with the shape of an object, or of the object inside an event."""
    found = list(description().object(NAMES[obj["object"]], obj))
    return found + (findings(obj["data"]["object"]) if obj["object"] == "event" else [])


@lru_cache
def scenario(name: str) -> Obj:
    """A sequence of events for one order; copy before changing."""
    return dict(json.loads((SHARED / "events" / f"{name}.json").read_text("utf-8")))


@lru_cache
def _samples() -> dict[str, Obj]:
    fixtures = json.loads((SHARED / "openapi" / "fixtures3.json").read_text("utf-8"))["resources"]
    found = {name: fixtures[name] for name in ("balance", "coupon")}
    for name in ("dispute_lost", "partial_refunds_to_full", "paid_card"):
        for event in scenario(name)["events"]:
            found[event["data"]["object"]["object"]] = event["data"]["object"]
            found["event"] = event
    return found


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def sample(kind: str, **changes: Any) -> Obj:
    """A whole object of its kind with these values."""
    return copy.deepcopy(_samples()[kind]) | {"created": int(time.time())} | changes


def session(params: Obj, total: int, shipping: int, discount: int, page: str) -> Obj:
    """An open Checkout Session for what was asked."""
    identity = new_id("cs_test")
    return sample(
        "checkout.session",
        id=identity,
        amount_subtotal=total - shipping + discount,
        amount_total=total,
        total_details={"amount_discount": discount, "amount_shipping": shipping, "amount_tax": 0},
        currency=params["line_items"][0]["price_data"]["currency"],
        client_reference_id=params.get("client_reference_id"),
        customer_email=params.get("customer_email"),
        expires_at=int(params.get("expires_at", time.time() + 86400)),
        metadata=params.get("metadata", {}),
        payment_intent=None,
        payment_status="unpaid",
        status="open",
        success_url=params["success_url"],
        cancel_url=params.get("cancel_url"),
        url=f"{page}/pay/{identity}",
    )


def payment_intent(session: Obj, params: Obj, status: str) -> Obj:
    """The payment of a session, with the metadata that was asked for it."""
    given = params.get("payment_intent_data", {})
    return sample(
        "payment_intent",
        id=new_id("pi"),
        amount=session["amount_total"],
        amount_received=session["amount_total"] if status == "succeeded" else 0,
        currency=session["currency"],
        description=given.get("description"),
        last_payment_error=None,
        metadata=given.get("metadata", {}),
        status=status,
    )


def charge(intent: Obj) -> Obj:
    """The charge that took the money of a payment."""
    return sample(
        "charge",
        id=new_id("ch"),
        amount=intent["amount"],
        amount_captured=intent["amount"],
        amount_refunded=0,
        currency=intent["currency"],
        metadata=intent["metadata"],
        payment_intent=intent["id"],
        refunded=False,
    )
