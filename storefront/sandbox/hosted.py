"""The payment page, without JavaScript: what a shopper sees (docs.stripe.com/payments/checkout)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storefront.sandbox import basket, clock, control, delayed, payments, sessions
from storefront.sandbox.asgi import Answer, Request
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.cards import CARDS, CardMistake, read_card
from storefront.sandbox.errors import ApiError
from storefront.sandbox.payments import Shopper
from storefront.sandbox.render import page, see_other

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox


async def show(sandbox: Sandbox, request: Request, session_id: str) -> Answer:
    """The page of an open session; a finished one says so and leads back to the shop."""
    view = await _look(sandbox, session_id)
    return _page(200, view, {}, {}) if view else _unknown()


async def pay(sandbox: Sandbox, request: Request, session_id: str) -> Answer:
    """A way to pay was chosen. Pressing twice pays once: the second press goes where the first one went."""
    try:
        form = request.form()
    except ValueError:
        return page(400, "message.html", title="Bad request", text="This form could not be read.")
    view = await _look(sandbox, session_id)
    if view is None:
        return _unknown()
    session = view["session"]
    if session["status"] != "open":
        return _after(session) if session["status"] == "complete" else _page(410, view, {}, {})
    try:
        verb = _chosen(session, form, view["now"])
    except CardMistake as mistake:
        return _page(422, view, form, {mistake.field: str(mistake)})
    try:
        paid = await sandbox.store.write(lambda books: _carry_out(books, session_id, form, verb))
    except ApiError as error:
        again = await _look(sandbox, session_id)
        if again is not None and again["session"]["status"] == "complete":
            return _after(again["session"])
        return _page(422, again or view, form, {"payment": str(error)})
    return see_other(f"{request.path}/authenticate") if _waits(paid) else _after(paid["session"])


async def ask(sandbox: Sandbox, request: Request, session_id: str) -> Answer:
    """The bank's 3-D Secure page."""
    view = await _look(sandbox, session_id)
    if view is None:
        return _unknown()
    if not _waits(view):
        return see_other(f"/sandbox/pay/{session_id}")
    return page(200, "authenticate.html", forms_to=_ways_back(view["session"]), **view)


async def answer(sandbox: Sandbox, request: Request, session_id: str) -> Answer:
    """The shopper approves or fails the authentication."""
    view = await _look(sandbox, session_id)
    if view is None:
        return _unknown()
    if not _waits(view):
        return _after(view["session"])
    approve = b"approve" in request.body
    try:
        paid = await sandbox.store.write(lambda books: payments.authenticate(books, session_id, approve))
    except ApiError:
        return see_other(f"/sandbox/pay/{session_id}")
    return _after(paid)


def _chosen(session: Obj, form: dict[str, str], now: int) -> Callable[[Books, Shopper], Obj]:
    session_id = session["id"]
    if not session["customer_email"] and not re.fullmatch(
        r"[^@\s]+@[^@\s]+\.[^@\s]+", form.get("email", "").strip()
    ):
        raise CardMistake("email", "Enter an email address, like name@example.com.")
    match form.get("method"):
        case "free":
            return lambda books, shopper: payments.complete_free(books, session_id, shopper)
        case "bank" | "bank_fails":
            fails = form["method"] == "bank_fails"
            return lambda books, shopper: delayed.pay_by_bank(books, session_id, shopper, fails=fails)
    number = form.get("test_card", "")
    card = CARDS.get(number) or read_card(
        form.get("number", ""), form.get("expiry", ""), form.get("cvc", ""), now
    )
    return lambda books, shopper: payments.pay_by_card(books, session_id, card, shopper)


def _carry_out(
    books: Books, session_id: str, form: dict[str, str], verb: Callable[[Books, Shopper], Obj]
) -> Obj:
    session = books.need("checkout.session", session_id, "session")
    if form.get("shipping_rate") and session["status"] == "open":
        basket.choose_shipping(books, session, form["shipping_rate"])
        sessions.keep(books, session)
    email = session["customer_email"] or form["email"].strip()
    return control.payment(books, verb(books, Shopper(email, form.get("name", "").strip() or "Sam Shopper")))


async def _look(sandbox: Sandbox, session_id: str) -> Obj | None:
    if await sandbox.store.read(clock.is_due):
        await sandbox.store.write(clock.tick)
    return await sandbox.store.read(lambda books: _view(books, session_id))


def _view(books: Books, session_id: str) -> Obj | None:
    session = books.get("checkout.session", session_id)
    if session is None:
        return None
    rates = [
        books.need("shipping_rate", option["shipping_rate"], "") for option in session["shipping_options"]
    ]
    return {
        "session": session,
        "lines": books.private(session_id)["lines"],
        "rates": rates,
        "payment_intent": books.get("payment_intent", session["payment_intent"] or ""),
        "now": books.now,
    }


def _page(status: int, view: Obj, form: dict[str, str], errors: dict[str, str]) -> Answer:
    session, intent = view["session"], view["payment_intent"]
    if session["status"] != "open":
        return page(status, "finished.html", success_url=_success(session), **view)
    if intent and intent["last_payment_error"] and not errors:
        errors = {"payment": intent["last_payment_error"]["message"]}
    names: dict[str, Any] = view | {"cards": list(CARDS.values()), "form": form, "errors": errors}
    return page(status, "pay.html", forms_to=_ways_back(session), **names)


def _after(session: Obj) -> Answer:
    """Where a payment attempt leads: to the shop, or back to this page, which gives the reason."""
    done = session["status"] == "complete"
    return see_other(_success(session) if done else f"/sandbox/pay/{session['id']}")


def _success(session: Obj) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _waits(view: Obj) -> bool:
    return view["payment_intent"] is not None and view["payment_intent"]["status"] == "requires_action"


def _ways_back(session: Obj) -> tuple[str, ...]:
    return tuple(address for address in (session["success_url"], session["cancel_url"]) if address)


def _unknown() -> Answer:
    text = "There is no such payment. The link may be incomplete, or it belongs to another sandbox."
    return page(404, "message.html", title="Payment not found", text=text)
