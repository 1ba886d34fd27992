"""What the Dashboard's buttons and the control API do, by name (POST /sandbox/control/{action})."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from storefront.sandbox import catalogue, clock, delayed, disputes, mail, payments, refunds, sessions
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.cards import CARDS, DECLINED_BY
from storefront.sandbox.errors import refuse
from storefront.sandbox.payments import Shopper

Fields: TypeAlias = dict[str, Any]


def act(books: Books, action: str, fields: Fields) -> Obj:
    """Carries one action out and gives the objects that it touched, each by its kind's name."""
    verb = ACTIONS.get(action)
    if verb is None:
        raise refuse(f"Unknown action {action!r}: one of {', '.join(sorted(ACTIONS))}.", status=404)
    return verb(books, fields)


def payment(books: Books, session: Obj) -> Obj:
    """A session with everything that hangs on it."""
    intent = books.get("payment_intent", session["payment_intent"] or "")
    charge = books.get("charge", (intent or {}).get("latest_charge") or "")
    return {
        "session": session,
        "payment_intent": intent,
        "charge": charge,
        "refunds": books.find("refund", charge=charge["id"]) if charge else [],
        "disputes": books.find("dispute", charge=charge["id"]) if charge else [],
    }


def state(books: Books) -> Obj:
    """The clock, and how many deliveries are in each state."""
    counted = dict(books.db.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state").fetchall())
    waiting = {
        name: counted.get(name, 0)
        for name in ("waiting", "sending", "delivered", "held", "dropped", "failed")
    }
    return {"now": books.now, "offset": books.offset, "deliveries": waiting}


def _pay(books: Books, fields: Fields) -> Obj:
    number = str(fields.get("card") or "4242424242424242").replace(" ", "")
    if number not in CARDS:
        raise refuse(f"card is one of {', '.join(CARDS)}.", param="card")
    session_id = _text(fields, "session")
    return payment(books, payments.pay_by_card(books, session_id, CARDS[number], _shopper(books, fields)))


def _decline(books: Books, fields: Fields) -> Obj:
    reason = fields.get("reason") or "generic_decline"
    if reason not in DECLINED_BY:
        raise refuse(f"reason is one of {', '.join(map(str, DECLINED_BY))}.", param="reason")
    return _pay(books, fields | {"card": DECLINED_BY[reason]})


def _authenticate(books: Books, fields: Fields) -> Obj:
    approve = _flag(fields, "approve", default=True)
    return payment(books, payments.authenticate(books, _text(fields, "session"), approve))


def _pay_delayed(books: Books, fields: Fields) -> Obj:
    session_id, fails = _text(fields, "session"), _flag(fields, "fails")
    return payment(books, delayed.pay_by_bank(books, session_id, _shopper(books, fields), fails=fails))


def _settle(books: Books, fields: Fields) -> Obj:
    return payment(books, delayed.settle(books, _intent(books, fields)))


def _fail(books: Books, fields: Fields) -> Obj:
    return payment(books, delayed.fail(books, _intent(books, fields)))


def _expire(books: Books, fields: Fields) -> Obj:
    return payment(books, sessions.expire(books, _text(fields, "session")))


def _refund(books: Books, fields: Fields) -> Obj:
    charge = _charge(books, fields)
    params: Fields = {"charge": charge["id"]}
    params |= {name: fields[name] for name in ("reason", "metadata") if fields.get(name)}
    if fields.get("amount") not in (None, ""):
        params["amount"] = _whole(fields, "amount")
    status = fields.get("status") or None
    if status not in (None, "succeeded", "pending", "requires_action", "fails"):
        raise refuse(
            "status is succeeded, pending, requires_action or fails (succeeds first, fails later).",
            param="status",
        )
    return _with_payment(books, refund=refunds.create(books, params, status=status))


def _settle_refund(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, refund=refunds.succeed(books, _text(fields, "refund")))


def _fail_refund(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, refund=refunds.fail(books, _text(fields, "refund")))


def _cancel_refund(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, refund=refunds.cancel(books, _text(fields, "refund")))


def _dispute(books: Books, fields: Fields) -> Obj:
    amount = None if fields.get("amount") in (None, "") else _whole(fields, "amount")
    reason, inquiry = str(fields.get("reason") or "fraudulent"), _flag(fields, "inquiry")
    charge = _charge(books, fields)
    return _with_payment(
        books, dispute=disputes.open_dispute(books, charge["id"], amount, reason, inquiry=inquiry)
    )


def _answer_dispute(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, dispute=disputes.answer(books, _text(fields, "dispute")))


def _win_dispute(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, dispute=disputes.win(books, _text(fields, "dispute")))


def _lose_dispute(books: Books, fields: Fields) -> Obj:
    return _with_payment(books, dispute=disputes.lose(books, _text(fields, "dispute")))


def _product(books: Books, fields: Fields) -> Obj:
    price = {"currency": _text(fields, "currency"), "unit_amount": _whole(fields, "unit_amount")}
    params = {"name": _text(fields, "name"), "default_price_data": price}
    params |= {name: fields[name] for name in ("description", "metadata") if fields.get(name)}
    product = catalogue.create_product(books, params)
    return {"product": product, "price": books.get("price", product["default_price"])}


def _change_product(books: Books, fields: Fields) -> Obj:
    changes: Fields = {name: fields[name] for name in ("name", "description", "metadata") if fields.get(name)}
    if fields.get("active") not in (None, ""):
        changes["active"] = _flag(fields, "active")
    return {"product": catalogue.update_product(books, _text(fields, "product"), changes)}


def _price(books: Books, fields: Fields) -> Obj:
    params = {name: _text(fields, name) for name in ("product", "currency")}
    price = catalogue.create_price(books, params | {"unit_amount": _whole(fields, "unit_amount")})
    return {"price": price}


def _change_price(books: Books, fields: Fields) -> Obj:
    changes = {"active": _flag(fields, "active")}
    return {"price": catalogue.update_price(books, _text(fields, "price"), changes)}


def _clock(books: Books, fields: Fields) -> Obj:
    try:
        seconds = float(fields.get("seconds", ""))
    except (TypeError, ValueError):
        seconds = 0.0
    clock.advance(books, seconds)
    return state(books)


def _resend(books: Books, fields: Fields) -> Obj:
    mail.resend(books, _text(fields, "event"))
    return state(books)


def _release(books: Books, fields: Fields) -> Obj:
    return {"released": mail.release(books)} | state(books)


def _state(books: Books, fields: Fields) -> Obj:
    return state(books)


ACTIONS: dict[str, Callable[[Books, Fields], Obj]] = {
    "pay": _pay,
    "decline": _decline,
    "authenticate": _authenticate,
    "pay_delayed": _pay_delayed,
    "settle": _settle,
    "fail": _fail,
    "expire": _expire,
    "refund": _refund,
    "settle_refund": _settle_refund,
    "fail_refund": _fail_refund,
    "cancel_refund": _cancel_refund,
    "dispute": _dispute,
    "answer_dispute": _answer_dispute,
    "win_dispute": _win_dispute,
    "lose_dispute": _lose_dispute,
    "product": _product,
    "change_product": _change_product,
    "price": _price,
    "change_price": _change_price,
    "clock": _clock,
    "resend": _resend,
    "release": _release,
    "state": _state,
}


def _with_payment(books: Books, **touched: Obj) -> Obj:
    intent_id = next(iter(touched.values()))["payment_intent"]
    return payment(books, payments.session_of(books, intent_id)) | touched


def _intent(books: Books, fields: Fields) -> str:
    if fields.get("payment_intent"):
        return _text(fields, "payment_intent")
    session = books.need("checkout.session", _text(fields, "session"), "session")
    if session["payment_intent"] is None:
        raise refuse("Nobody has tried to pay this session yet.", param="session")
    return str(session["payment_intent"])


def _charge(books: Books, fields: Fields) -> Obj:
    if fields.get("charge"):
        return books.need("charge", _text(fields, "charge"), "charge")
    intent = books.need("payment_intent", _intent(books, fields), "payment_intent")
    return books.need("charge", intent["latest_charge"] or "", "payment_intent")


def _shopper(books: Books, fields: Fields) -> Shopper:
    session = books.need("checkout.session", _text(fields, "session"), "session")
    email = session["customer_email"] or fields.get("email") or "shopper@example.com"
    return Shopper(str(email), str(fields.get("name") or "Sam Shopper"))


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise refuse(f"Missing {name}.", param=name)
    return value.strip()


def _whole(fields: Fields, name: str) -> int:
    try:
        return int(str(fields.get(name)))
    except ValueError:
        raise refuse(f"{name} is a whole number of the currency's smallest unit.", param=name) from None


def _flag(fields: Fields, name: str, *, default: bool = False) -> bool:
    value = fields.get(name, default)
    return value is True or str(value).lower() in ("true", "on", "1", "yes")
