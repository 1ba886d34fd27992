"""What our double of Stripe's API does, and what shoppers and banks do at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.payments import stripe_objects as objects
from tests.payments.stripe_objects import Obj

if TYPE_CHECKING:
    from tests.stripe_double import StripeDouble


class Refusal(Exception):
    """An error as Stripe words it (https://docs.stripe.com/api/errors)."""

    def __init__(
        self, status: int, message: str, code: str = "", kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


def _create_session(stripe: StripeDouble, params: Obj) -> Obj:
    goods = sum(int(one["price_data"]["unit_amount"]) * int(one["quantity"]) for one in params["line_items"])
    options = params.get("shipping_options") or []
    shipping = int(options[0]["shipping_rate_data"]["fixed_amount"]["amount"]) if options else 0
    off = [int(stripe.find(one["coupon"])["amount_off"]) for one in params.get("discounts") or []]
    total = goods + shipping - sum(off) + stripe.surcharge
    made = stripe.keep(objects.session(params, total, shipping, sum(off), stripe.base))
    stripe.params[made["id"]] = params
    return made


def _expire(stripe: StripeDouble, _params: Obj, identity: str) -> Obj:
    session = stripe.find(identity)
    if session["status"] != "open":
        wording = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise Refusal(400, f"{wording} This one has a status of {session['status']}.")
    session.update(status="expired", url=None)
    stripe.event("checkout.session.expired", session)
    return session


def _read(stripe: StripeDouble, params: Obj, identity: str) -> Obj:
    return _expanded(stripe, stripe.find(identity), params.get("expand") or [])


def _expanded(stripe: StripeDouble, obj: Obj, names: list[str]) -> Obj:
    shown = {name: stripe.find(obj[name]) for name in names if isinstance(obj.get(name), str)}
    return obj | shown


def _listing(kind: str) -> Callable[..., Obj]:
    def listed(stripe: StripeDouble, params: Obj) -> Obj:
        rows = stripe.events if kind == "event" else stripe.kind(kind)
        created = params.get("created") or {}
        since, until = int(created.get("gte", 0)), int(created.get("lte", 2**40))
        types = params.get("types")
        wanted = [
            row
            for row in reversed(rows)
            if since <= row["created"] <= until
            and (not types or row["type"] in types)
            and params.get("payment_intent") in {None, row.get("payment_intent")}
        ]
        ids = [row["id"] for row in wanted]
        start = ids.index(params["starting_after"]) + 1 if params.get("starting_after") else 0
        end = start + int(params.get("limit", 10))
        names = [name.removeprefix("data.") for name in params.get("expand") or []]
        data = [_expanded(stripe, row, names) for row in wanted[start:end]]
        return {"object": "list", "url": "/v1/x", "has_more": end < len(wanted), "data": data}

    return listed


def _refund(stripe: StripeDouble, params: Obj) -> Obj:
    intent = stripe.find(params["payment_intent"])
    charge = stripe.find(intent["latest_charge"])
    left = charge["amount"] - charge["amount_refunded"]
    amount = int(params.get("amount", left))
    if not 0 < amount <= left:
        raise Refusal(400, f"Refund amount ({amount}) is greater than {left}", "charge_already_refunded")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    made = objects.sample(
        "refund",
        id=objects.new_id("re"),
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=params.get("metadata", {}),
        payment_intent=intent["id"],
        status="succeeded",
    )
    stripe.keep(made)
    stripe.event("refund.created", made)
    stripe.event("charge.refunded", charge)
    return made


def _coupon(stripe: StripeDouble, params: Obj) -> Obj:
    amount, identity = int(params["amount_off"]), params.get("id") or objects.new_id("co")
    return stripe.keep(objects.sample("coupon", id=identity, amount_off=amount, percent_off=None))


def _balance(_stripe: StripeDouble, _params: Obj) -> Obj:
    balance = objects.sample("balance")
    del balance["created"]
    return balance


ROUTES: list[tuple[str, Callable[..., Obj]]] = [
    (r"POST /v1/checkout/sessions", _create_session),
    (r"GET /v1/checkout/sessions", _listing("checkout.session")),
    (r"GET /v1/checkout/sessions/(\w+)", _read),
    (r"POST /v1/checkout/sessions/(\w+)/expire", _expire),
    (r"GET /v1/payment_intents/(\w+)", _read),
    (r"GET /v1/charges/(\w+)", _read),
    (r"POST /v1/refunds", _refund),
    (r"GET /v1/refunds", _listing("refund")),
    (r"GET /v1/refunds/(\w+)", _read),
    (r"GET /v1/disputes", _listing("dispute")),
    (r"GET /v1/disputes/(\w+)", _read),
    (r"GET /v1/events", _listing("event")),
    (r"POST /v1/coupons", _coupon),
    (r"GET /v1/balance", _balance),
]


def pay(stripe: StripeDouble, session: Obj, status: str = "succeeded") -> Obj:
    """The shopper pays on the session's page: at once, or in a way whose money takes days ("processing").
    Gives the event checkout.session.completed."""
    intent = stripe.keep(objects.payment_intent(session, stripe.params[session["id"]], status))
    session.update(status="complete", payment_intent=intent["id"], url=None)
    if status == "succeeded":
        _money_comes(stripe, session, intent)
    return stripe.event("checkout.session.completed", session)


def _money_comes(stripe: StripeDouble, session: Obj, intent: Obj) -> None:
    charge = stripe.keep(objects.charge(intent))
    intent.update(status="succeeded", latest_charge=charge["id"], amount_received=intent["amount"])
    session.update(payment_status="paid")
    stripe.event("charge.succeeded", charge)
    stripe.event("payment_intent.succeeded", intent)


def money_comes(stripe: StripeDouble, session: Obj) -> Obj:
    """A delayed payment arrives; gives its event."""
    _money_comes(stripe, session, stripe.find(session["payment_intent"]))
    return stripe.event("checkout.session.async_payment_succeeded", session)


def money_fails(stripe: StripeDouble, session: Obj) -> Obj:
    """A delayed payment fails; gives its event."""
    error = {"type": "card_error", "code": "insufficient_funds", "message": "The account has no funds."}
    intent = stripe.find(session["payment_intent"])
    intent.update(status="requires_payment_method", last_payment_error=error)
    stripe.event("payment_intent.payment_failed", intent)
    return stripe.event("checkout.session.async_payment_failed", session)


def learn(stripe: StripeDouble, event: Obj) -> None:
    """Have what an event tells be so at Stripe."""
    obj = event["data"]["object"]
    known = stripe.things.get(obj["id"], {})
    if known and obj["object"] == "checkout.session":
        told = ("status", "payment_status", "payment_intent", "amount_total")
        known.update({name: obj[name] for name in told})
        if obj["payment_intent"]:
            status = "succeeded" if obj["payment_status"] == "paid" else "processing"
            if event["type"] == "checkout.session.async_payment_failed":
                status = "requires_payment_method"
            intent = objects.payment_intent(known, stripe.params[known["id"]], status)
            stripe.keep(intent | {"id": obj["payment_intent"]})
        return
    stripe.keep(obj)


def expire(stripe: StripeDouble, session: Obj) -> Obj:
    """The page runs out; gives its event."""
    _expire(stripe, {}, session["id"])
    return stripe.events[-1]
