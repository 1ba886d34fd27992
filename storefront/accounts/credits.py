"""GET /account/credits: the balance, and every entry that led to it."""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from storefront.accounts.answers import show_page
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.room import AccountsRoom
from storefront.accounts.views import day
from storefront.credits.queries import A_PAGE, Entry, balance_of, entries_of
from storefront.web.request import ShopRequest


class AccountCreditsController(Controller):
    guards = (signed_in,)

    @get("/account/credits")
    async def credits(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        text = request.query_params.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        async with room.database.reads() as session:
            balance, owed = await balance_of(session, who.account_id)
            found = await entries_of(session, who.account_id, before=before)
        shown = found[:A_PAGE]
        context: dict[str, Any] = {
            "balance": f"{balance:,}",
            "owed": f"{owed:,}" if owed else "",
            "entries": entry_rows(shown),
            "older": f"/account/credits?before={shown[-1].id}" if len(found) > len(shown) else "",
        }
        return show_page(request, room, "accounts/credits.html", "Your credits", **context)


def entry_rows(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """What the page shows of each entry."""
    return [
        {
            "day": day(one.at),
            "reason": one.reason,
            "url": f"/orders/{one.order_token}" if one.order_token else "",
            "amount": f"{one.amount:+,}" if one.amount else "0",
            "balance": f"{one.balance:,}",
            "owing": f"{one.owing:+,} owed" if one.owing else "",
        }
        for one in entries
    ]
