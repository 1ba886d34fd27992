"""What staff see first: the orders that somebody must look at, and the newest."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from storefront.accounts.guards import staff
from storefront.database import Database
from storefront.language import gettext as _
from storefront.money import format_money
from storefront.orders.models import Order, Withdrawal
from storefront.orders.queries import find_orders
from storefront.orders.withdraw import newest_withdrawals
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, known_count, no_notice
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

MOST = 50


@dataclass(frozen=True)
class BackofficeRoom:
    """What the handlers of this room work with; put together by the app."""

    database: Database
    templates: Templates


class BackofficeController(Controller):
    @get("/admin", guards=[staff("orders")])
    async def orders(
        self, request: ShopRequest, backoffice_room: NamedDependency[BackofficeRoom]
    ) -> Response[Any]:
        room = backoffice_room
        async with room.database.reads() as session:
            waiting = await find_orders(session, attention=True, most=MOST)
            newest = await find_orders(session, most=MOST)
            withdrawn = await newest_withdrawals(session, MOST)
        content = room.templates.page(
            "backoffice/orders.html",
            title=_("Orders"),
            path="/admin",
            noindex=True,
            count=known_count(request),
            notice=room.templates.notice(request),
            waiting=[_row(order) for order in waiting],
            newest=[_row(order) for order in newest],
            withdrawals=[_withdrawal(row, order) for row, order in withdrawn],
        )
        said = [no_notice(request)] if NOTICE_COOKIE in request.cookies else []
        return html(content, headers=SECRET, cookies=said)


def _withdrawal(row: Withdrawal, order: Order | None) -> dict[str, str]:
    return {
        "number": row.number,
        "url": f"/orders/{order.token}" if order is not None else "",
        "received": row.received_at.strftime("%Y-%m-%d %H:%M"),
        "things": row.things,
        "name": row.name,
        "email": row.email,
    }


def _row(order: Order) -> dict[str, str]:
    return {
        "number": order.number,
        "url": f"/orders/{order.token}",
        "placed": order.placed_at.strftime("%Y-%m-%d %H:%M"),
        "state": order.state if order.called_off_at is None else f"{order.state}, then cancelled",
        "total": format_money(order.total, order.currency),
        "name": order.name,
        "attention": order.attention,
    }
