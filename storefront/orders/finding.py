"""The pages on which somebody without a link asks for their order, by its number and e-mail address."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency

from storefront.language import gettext as _
from storefront.orders.find import CONFIRMATION, LINK, ask_for_link
from storefront.orders.forms import LookupForm
from storefront.orders.limits import try_to_look_up
from storefront.orders.room import OrdersRoom, show
from storefront.web.answers import SECRET, html, redirect
from storefront.web.fields import field_context, form_context
from storefront.web.forms import parse, read_form
from storefront.web.request import ShopRequest


class FindController(Controller):
    @get("/orders/lookup")
    async def form(self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]) -> Response[Any]:
        return _form(request, orders_room, {}, {})

    @post("/orders/lookup", status_code=200)
    async def link(self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]) -> Response[Any]:
        return await _ask(request, orders_room, LINK)

    @post("/orders/lookup/confirmation", status_code=200)
    async def confirmation(
        self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        return await _ask(request, orders_room, CONFIRMATION)

    @get("/orders/lookup/sent")
    async def sent(self, request: ShopRequest, orders_room: NamedDependency[OrdersRoom]) -> Response[Any]:
        """The same page whatever was asked for."""
        return show(request, orders_room, "orders/lookup-sent.html", _("Check your mail"))


async def _ask(request: ShopRequest, room: OrdersRoom, wanted: str) -> Response[Any]:
    """The same answer after the same work for every order, address and miss."""
    typed = await read_form(request)
    form, wrong = parse(LookupForm, typed)
    if form is None:
        return _form(request, room, typed, wrong)
    await try_to_look_up(room.limits, request, form.number, form.email.lower())
    async with room.database.writes() as session:
        ask_for_link(session, form.number, form.email, wanted)
    return redirect(request, "/orders/lookup/sent")


def _form(
    request: ShopRequest, room: OrdersRoom, typed: dict[str, str], wrong: dict[str, str]
) -> Response[Any]:
    fields = [number_field(typed, wrong), email_field(typed, wrong)]
    again = {"label": _("Send the confirmation again"), "action": "/orders/lookup/confirmation"}
    form = form_context("/orders/lookup", _("Send me the link"), fields, more=[again])
    status, title = 422 if wrong else 200, _("Find your order")
    if request.wants_fragment:
        whole_title = f"{_('Error:') + ' ' if wrong else ''}{title} – {room.settings.shop_name}"
        content = room.templates.render("accounts/_form.html", form=form, title=whole_title)
        return html(content, status, headers=SECRET)
    return show(request, room, "orders/lookup.html", title, status, error=bool(wrong), form=form)


def number_field(typed: dict[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    """The order's number, as our messages have it."""
    return field_context(
        "number",
        _("Order number"),
        value=typed.get("number", ""),
        error=wrong.get("number", ""),
        hint=_("You find it in our messages; it looks like SF-7Q4K2M."),
    )


def email_field(typed: dict[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    """The address of a shopper."""
    return field_context(
        "email",
        _("E-mail address"),
        value=typed.get("email", ""),
        error=wrong.get("email", ""),
        type="email",
        autocomplete="email",
        hint=_("The address that you gave when you ordered."),
    )
