"""The account's own pages: what there is, its orders, where it is signed in, its data."""

import json
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.accounts import book, change, mine, sessions, views
from storefront.accounts.answers import go, leave, show_page
from storefront.accounts.confirm import locked_asker
from storefront.accounts.export import everything
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.room import AccountsRoom
from storefront.accounts.second import recovery_codes_left
from storefront.cart import cookies as cart_cookies
from storefront.credits.queries import balance_of
from storefront.language import gettext as _
from storefront.language import number
from storefront.web.answers import SECRET
from storefront.web.errors import not_found
from storefront.web.events import note
from storefront.web.forms import read_form
from storefront.web.request import ShopRequest

MOST_ID = 2**31 - 1


class AccountController(Controller):
    guards = (signed_in,)

    @get("/account")
    async def overview(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        async with room.database.reads() as session:
            orders = await mine.orders_of(session, who.account_id)
            account = {
                "email": who.email,
                "verified": who.verified,
                "orders": views.order_rows(orders[:3]),
                "claimable": await mine.claimable(session, who.account_id),
                "addresses": await book.count(session, who.account_id),
                "credits": number((await balance_of(session, who.account_id))[0]),
                "sessions": len(await sessions.living(session, who.account_id)),
                "second_factor": who.has_second_factor,
                "recovery_codes": await recovery_codes_left(session, who.account_id),
                "staff": who.may("orders"),
            }
        return show_page(request, room, "accounts/overview.html", _("Your account"), account=account)

    @get("/account/orders")
    async def orders(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        async with room.database.reads() as session:
            found = await mine.orders_of(session, who.account_id, _number(request.query_params.get("before")))
            claimable = await mine.claimable(session, who.account_id)
        shown = found[: mine.A_PAGE]
        older = f"/account/orders?before={shown[-1].id}" if len(found) > len(shown) else ""
        context: dict[str, Any] = {"orders": views.order_rows(shown), "older": older, "claimable": claimable}
        return show_page(request, room, "accounts/orders.html", _("Your orders"), **context)

    @post("/account/orders/claim", status_code=200)
    async def claim(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        await read_form(request)
        async with accounts_room.database.writes() as session:
            claimed = await mine.claim(session, whoever(request).account_id)
        return go(request, "/account/orders", "orders-claimed" if claimed else "")

    @get("/account/sessions")
    async def sign_ins(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        async with room.database.reads() as session:
            rows = views.session_rows(await sessions.living(session, who.account_id), who.session_id)
        return show_page(request, room, "accounts/sessions.html", _("Where you are signed in"), sessions=rows)

    @post("/account/sessions/{session_id:int}/end", status_code=200)
    async def end_one(
        self,
        request: ShopRequest,
        session_id: FromPath[int],
        accounts_room: NamedDependency[AccountsRoom],
    ) -> Response[Any]:
        """End one sign-in. The cart's cookie changes, so that the browser in question is shut out of the cart too."""
        await read_form(request)
        room, who = accounts_room, whoever(request)
        if not 0 < session_id <= MOST_ID:
            raise not_found()
        try:
            async with room.database.writes() as session:
                account = await locked_asker(session, request, room)
                token = await change.sign_out_everywhere(session, room.settings, account, only=session_id)
        except LookupError:
            raise not_found() from None
        if session_id == who.session_id:
            return leave(request, room, "/", "signed-out")
        note(request, "one sign-in ended")
        cart = cart_cookies.cart_cookie(room.settings, token)
        return go(request, "/account/sessions", "session-ended", [cart])

    @post("/account/sessions/end", status_code=200)
    async def end_all(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        await read_form(request)
        room = accounts_room
        async with room.database.writes() as session:
            account = await change.locked(session, room.settings, whoever(request).account_id)
            await change.sign_out_everywhere(session, room.settings, account)
        note(request, "every sign-in ended")
        return leave(request, room, "/", "signed-out-everywhere")

    @get("/account/export")
    async def export(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room = accounts_room
        async with room.database.reads() as session:
            found = await everything(session, room.settings, whoever(request).account_id)
        content = json.dumps(found, indent=2, ensure_ascii=False)
        headers = {**SECRET, "content-disposition": 'attachment; filename="account.json"'}
        return Response(content, media_type="application/json", headers=headers)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
