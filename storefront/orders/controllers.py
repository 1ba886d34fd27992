"""The order page, for whoever has its link."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.database import Database
from storefront.orders.models import Order
from storefront.orders.queries import OrderView, order_view
from storefront.orders.views import order_context
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, no_notice
from storefront.web.errors import not_found
from storefront.web.limits import Limits, Rule, network_of
from storefront.web.public import Badge
from storefront.web.request import ASKS_WHO, ShopRequest
from storefront.web.templates import Templates

# Links that lead to no order, of one network in a minute: whoever has that many is guessing.
GUESSES = Rule("order-guesses", 300, 60)


@dataclass(frozen=True)
class OrdersRoom:
    """What the order page works with. What is above this room the app hands in: `look_again` asks Stripe about an
    order whose payment is open, now and then; `offer` gives a link {text, url} to an account, if one is to be offered.
    """

    database: Database
    templates: Templates
    badge: Badge
    look_again: Callable[[OrderView], Awaitable[bool]]
    offer: Callable[[ShopRequest, Order], dict[str, str] | None]
    limits: Limits


class OrderController(Controller):
    opt = ASKS_WHO

    @get("/orders/{token:str}")
    async def page(
        self, request: ShopRequest, token: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        room = orders_room
        view = await _view(request, room, token)
        if await room.look_again(view):
            view = await _view(request, room, token)
        context = order_context(room.templates, view) | {"offer": room.offer(request, view.order)}
        count, cookie = await room.badge(request)
        set_cookies: list[Cookie] = [cookie] if cookie else []
        if request.wants_fragment:
            content = room.templates.render("orders/_status.html", order=context)
            return html(content, headers=SECRET, cookies=set_cookies)
        if NOTICE_COOKIE in request.cookies:
            set_cookies.append(no_notice(request))
        content = room.templates.page(
            "orders/order.html",
            title=f"Order {view.order.number}",
            path="",
            noindex=True,
            count=count,
            notice=room.templates.notice(request),
            order=context,
        )
        return html(content, headers=SECRET, cookies=set_cookies)


async def _view(request: ShopRequest, room: OrdersRoom, token: str) -> OrderView:
    async with room.database.reads() as session:
        view = await order_view(session, Order.token == token)
    if view is None:
        await room.limits.meet(request, (GUESSES, network_of(request)))
        raise not_found()
    return view
