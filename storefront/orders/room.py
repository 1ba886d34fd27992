"""What the order pages work with, and how they answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import Response

from storefront.database import Database
from storefront.orders.models import Order
from storefront.orders.queries import OrderView, order_view
from storefront.settings import Settings
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, known_count, no_notice
from storefront.web.errors import not_found
from storefront.web.limits import Limits, Rule, network_of
from storefront.web.public import Badge
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

# Links that lead to no order, of one network in a minute: whoever has that many is guessing.
GUESSES = Rule("order-guesses", 300, 60)


@dataclass(frozen=True)
class OrdersRoom:
    """What the order pages work with. What is above this room the app hands in: `look_again` asks Stripe about an
    order whose payment is open, now and then; `offer` gives a link {text, url} to an account, if one is to be offered.
    """

    settings: Settings
    database: Database
    templates: Templates
    badge: Badge
    look_again: Callable[[OrderView], Awaitable[bool]]
    offer: Callable[[ShopRequest, Order], dict[str, str] | None]
    limits: Limits

    def base(self, request: ShopRequest) -> str:
        """The shop's address for links in messages."""
        return self.settings.base_url or request.origin


async def view_behind(request: ShopRequest, room: OrdersRoom, token: str) -> OrderView:
    """The order behind a link. Raises Refused 404, and 429 for whoever guesses."""
    async with room.database.reads() as session:
        view = await order_view(session, Order.token == token)
    if view is None:
        await room.limits.meet(request, (GUESSES, network_of(request)))
        raise not_found()
    return view


def show(
    request: ShopRequest,
    room: OrdersRoom,
    template: str,
    title: str,
    status: int = 200,
    *,
    error: bool = False,
    **context: Any,
) -> Response[Any]:
    """A whole page that nobody keeps, with the notice that an earlier answer left for it."""
    content = room.templates.page(
        template,
        title=title,
        path=request.url.path,
        noindex=True,
        error=error,
        count=known_count(request),
        notice=room.templates.notice(request),
        **context,
    )
    said = [no_notice(request)] if NOTICE_COOKIE in request.cookies else []
    return html(content, status, headers=SECRET, cookies=said)
