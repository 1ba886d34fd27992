"""The Dashboard: everything that happened, and buttons for what a shop owner or a bank would do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from storefront.sandbox import control, disputes, faults, mail, requests
from storefront.sandbox.asgi import Answer, Request
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import ApiError
from storefront.sandbox.render import page, see_other

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox

SHOWN = 25


async def show(sandbox: Sandbox, *, status: int = 200, problem: str = "") -> Answer:
    """The latest payments, the catalogue, deliveries, faults and the clock."""
    names = await sandbox.store.read(_overview)
    return page(status, "dashboard.html", problem=problem, **names)


async def act(sandbox: Sandbox, request: Request, action: str) -> Answer:
    """One button: an action of the control API, or a fault that is ordered or cleared."""
    try:
        fields = {name: value for name, value in request.form().items() if value != ""}
    except ValueError:
        return await show(sandbox, status=400, problem="This form could not be read.")
    try:
        await sandbox.store.write(lambda books: _do(books, action, fields))
    except ApiError as error:
        return await show(sandbox, status=400, problem=str(error))
    return see_other("/sandbox/dashboard")


async def log(sandbox: Sandbox) -> Answer:
    """The latest API requests with what was sent and answered."""
    return page(200, "log.html", requests=await sandbox.store.read(requests.latest))


def deliveries(books: Books) -> list[Obj]:
    """The latest deliveries with every try."""
    return mail.log(books, 100)


def _do(books: Books, action: str, fields: dict[str, Any]) -> None:
    if action == "order_fault":
        faults.order(books, fields)
    elif action == "clear_faults":
        faults.clear(books)
    else:
        control.act(books, action, fields)


def _overview(books: Books) -> dict[str, Any]:
    return {
        "payments": [
            control.payment(books, session) for session in _latest(books, "checkout.session", SHOWN)
        ],
        "products": [
            (product, books.find("price", product=product["id"]))
            for product in _latest(books, "product", 100)
            if product["active"] or product["default_price"]
        ][:SHOWN],
        "deliveries": mail.log(books, SHOWN),
        "faults": faults.listing(books),
        "state": control.state(books),
        "reasons": disputes.REASONS,
        "kinds": faults.API_KINDS,
        "webhook_kinds": faults.WEBHOOK_KINDS,
    }


def _latest(books: Books, kind: str, limit: int) -> list[Obj]:
    rows = books.db.execute(
        "SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT ?", (kind, limit)
    )
    return [json.loads(body) for (body,) in rows]
