"""The pages on which a contract is withdrawn from: a form, a second look with the button that counts, what was
received. From an order's page everything is known but the name; without a link the form asks for it, and says nothing
of whether an order fits."""

import re
import secrets
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import select

from storefront.language import gettext as _
from storefront.orders.change import BETWEEN_REASONS
from storefront.orders.finding import email_field, number_field
from storefront.orders.forms import NameForm, WithdrawalForm
from storefront.orders.limits import try_to_withdraw
from storefront.orders.models import OrderLine, Withdrawal
from storefront.orders.queries import OrderView
from storefront.orders.room import OrdersRoom, show, view_behind
from storefront.orders.withdraw import Declared, declare, may_withdraw, when
from storefront.orders.words import masked
from storefront.web.answers import redirect
from storefront.web.errors import Refused, not_found
from storefront.web.fields import field_context, form_context
from storefront.web.forms import parse, read_form
from storefront.web.request import ShopRequest

KEY = re.compile(r"[\w-]{32}", re.ASCII)
Typed = dict[str, str]


class WithdrawController(Controller):
    @get("/withdraw")
    async def form(self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]) -> Response[Any]:
        _offered(orders_room)
        return _form(request, orders_room, {}, {}, None)

    @post("/withdraw", status_code=200)
    async def send(self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]) -> Response[Any]:
        _offered(orders_room)
        return await _take(request, orders_room, None)

    @get("/withdraw/{key:str}")
    async def received(
        self, request: ShopRequest, key: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        """What was received and when, for whoever sent it."""
        async with orders_room.database.reads() as session:
            row = await session.scalar(select(Withdrawal).where(Withdrawal.key == key))
        if row is None:
            raise not_found()
        facts = [
            (_("Received"), when(row.received_at)),
            *_facts(row.name, row.number, masked(row.email), row.things),
        ]
        title = _("We have received your withdrawal")
        return show(request, orders_room, "orders/withdrawn.html", title, facts=facts)

    @get("/orders/{token:str}/withdraw")
    async def form_of_order(
        self, request: ShopRequest, token: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        view = await _open_view(request, orders_room, token)
        return _form(request, orders_room, {"name": view.order.name}, {}, view)

    @post("/orders/{token:str}/withdraw", status_code=200)
    async def send_for_order(
        self, request: ShopRequest, token: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        return await _take(request, orders_room, await _open_view(request, orders_room, token))


def _offered(room: OrdersRoom) -> None:
    if not room.settings.withdrawal_days:
        raise not_found()


async def _open_view(request: ShopRequest, room: OrdersRoom, token: str) -> OrderView:
    """The order behind the link, if it can be withdrawn from. Raises Refused, with the way that is always open."""
    view = await view_behind(request, room, token)
    _offered(room)
    if not may_withdraw(view, room.settings.withdrawal_days):
        ways = [
            {"label": _("Back to the order"), "url": f"/orders/{token}"},
            {"label": _("Declare it all the same"), "url": "/withdraw"},
        ]
        text = _("It is not paid, its money went back already, or the time for it is over.")
        raise Refused(409, _("This order is not withdrawn from here"), text, links=ways)
    return view


async def _take(request: ShopRequest, room: OrdersRoom, view: OrderView | None) -> Response[Any]:
    typed = await read_form(request)
    form, wrong = parse(WithdrawalForm if view is None else NameForm, typed)
    chosen = _chosen(view, typed) if view is not None else []
    if view is not None and not chosen:
        wrong["things"] = _("Choose at least one thing.")
    if form is None or wrong or "edit" in typed:
        return _form(request, room, typed, wrong, view)
    key = typed.get("confirm", "")
    declared = _declared(key, form, view, chosen)
    if not KEY.fullmatch(key):
        return _check(request, room, declared, view, typed)
    await try_to_withdraw(room.limits, request, declared.email)
    async with room.database.writes() as session:
        await declare(session, room.settings, declared, room.base(request))
    return redirect(request, f"/withdraw/{key}")


def _declared(key: str, form: NameForm, view: OrderView | None, chosen: list[OrderLine]) -> Declared:
    if isinstance(form, WithdrawalForm):
        return Declared(key, form.name, form.number, form.email)
    assert view is not None
    everything = len(chosen) == len(view.lines)
    things = "" if everything else "; ".join(_thing(line) for line in chosen)
    order = view.order
    return Declared(key, form.name, order.number, order.email, things.replace(BETWEEN_REASONS, ", "))


def _thing(line: OrderLine) -> str:
    title = f"{line.title}, {line.variant_title}" if line.variant_title else line.title
    return f"{line.quantity} × {title}"


def _chosen(view: OrderView, typed: Typed) -> list[OrderLine]:
    return [line for line in view.lines if typed.get(f"line_{line.id}")]


def _check(
    request: ShopRequest, room: OrdersRoom, declared: Declared, view: OrderView | None, typed: Typed
) -> Response[Any]:
    """Everything once more, and the button that counts."""
    sent_to = declared.email if view is None else masked(declared.email)
    keep = {name: typed[name] for name in typed if name in {"name", "number", "email"} or name[:5] == "line_"}
    return show(
        request,
        room,
        "orders/withdraw-check.html",
        _("Withdraw from this contract?"),
        action=_action(view),
        facts=_facts(declared.name, declared.number, sent_to, declared.things),
        keep=keep,
        key=secrets.token_urlsafe(24),
    )


def _facts(name: str, number: str, email: str, things: str) -> list[tuple[str, str]]:
    return [
        (_("Name"), name),
        (_("Order"), number),
        (_("Withdrawn from"), things or _("everything in it")),
        (_("We confirm it to"), email),
    ]


def _form(
    request: ShopRequest, room: OrdersRoom, typed: Typed, wrong: dict[str, str], view: OrderView | None
) -> Response[Any]:
    name = field_context(
        "name",
        _("Your name"),
        value=typed.get("name", ""),
        error=wrong.get("name", ""),
        autocomplete="name",
    )
    fields = [name] if view is not None else [name, number_field(typed, wrong), email_field(typed, wrong)]
    form = form_context(_action(view), _("Go on"), fields)
    first = not (wrong or "edit" in typed)
    things = [
        {
            "name": f"line_{line.id}",
            "label": _thing(line),
            "checked": first or bool(typed.get(f"line_{line.id}")),
        }
        for line in (view.lines if view is not None else [])
    ]
    if "things" in wrong:
        form["errors"].append({"href": f"#{things[0]['name']}", "text": wrong["things"]})
    return show(
        request,
        room,
        "orders/withdraw.html",
        _("Withdraw from contract"),
        422 if wrong else 200,
        error=bool(wrong),
        form=form,
        things=things,
        things_error=wrong.get("things", ""),
        number=view.order.number if view is not None else "",
        email_masked=masked(view.order.email) if view is not None else "",
    )


def _action(view: OrderView | None) -> str:
    return "/withdraw" if view is None else f"/orders/{view.order.token}/withdraw"
