"""The order page, for whoever has its link."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.database import now
from storefront.language import gettext as _
from storefront.orders.find import confirm_again
from storefront.orders.limits import try_to_confirm_again
from storefront.orders.models import PAID
from storefront.orders.room import OrdersRoom, view_behind
from storefront.orders.views import order_context
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, leave_notice, no_notice, redirect
from storefront.web.forms import read_form
from storefront.web.request import ASKS_WHO, ShopRequest


class OrderController(Controller):
    opt = ASKS_WHO

    @get("/orders/{token:str}")
    async def page(
        self, request: ShopRequest, token: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        room = orders_room
        view = await view_behind(request, room, token)
        if await room.look_again(view):
            view = await view_behind(request, room, token)
        context = order_context(room.templates, view, room.settings.withdrawal_days)
        context["offer"] = room.offer(request, view.order)
        count, cookie = await room.badge(request)
        set_cookies: list[Cookie] = [cookie] if cookie else []
        if request.wants_fragment:
            content = room.templates.render("orders/_status.html", order=context)
            return html(content, headers=SECRET, cookies=set_cookies)
        if NOTICE_COOKIE in request.cookies:
            set_cookies.append(no_notice(request))
        content = room.templates.page(
            "orders/order.html",
            title=_("Order %(number)s", number=view.order.number),
            path="",
            noindex=True,
            count=count,
            notice=room.templates.notice(request),
            order=context,
        )
        return html(content, headers=SECRET, cookies=set_cookies)

    @post("/orders/{token:str}/confirmation", status_code=200)
    async def confirm_again(
        self, request: ShopRequest, token: FromPath[str], orders_room: NamedDependency[OrdersRoom]
    ) -> Response[Any]:
        """The confirmation of a paid order once more, to the order's own address and no other."""
        await read_form(request)
        room = orders_room
        view = await view_behind(request, room, token)
        if view.order.state != PAID:
            return redirect(request, f"/orders/{token}")
        await try_to_confirm_again(room.limits, request, view.order.id)
        async with room.database.writes() as session:
            # Two presses of one moment are one message.
            await confirm_again(session, room.settings, view, f"again:{int(now().timestamp()) // 60}")
        return redirect(request, f"/orders/{token}", cookies=[leave_notice(request, "confirmed-again")])
