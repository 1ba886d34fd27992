"""GET /account/credits: the balance, and every entry that led to it."""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from storefront.accounts.answers import show_page
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.room import AccountsRoom
from storefront.credits.follow import REASONS
from storefront.credits.queries import A_PAGE, Entry, balance_of, entries_of
from storefront.language import day, number
from storefront.language import gettext as _
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
            "balance": number(balance),
            "owed": number(owed) if owed else "",
            "entries": entry_rows(shown),
            "older": f"/account/credits?before={shown[-1].id}" if len(found) > len(shown) else "",
        }
        return show_page(request, room, "accounts/credits.html", _("Your credits"), **context)


def entry_rows(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """What the page shows of each entry."""
    return [
        {
            "day": day(one.at),
            "reason": _reason(one),
            "url": f"/orders/{one.order_token}" if one.order_token else "",
            "amount": _signed(one.amount) if one.amount else "0",
            "balance": number(one.balance),
            "owing": _("%(n)s owed", n=_signed(one.owing)) if one.owing else "",
        }
        for one in entries
    ]


def _reason(entry: Entry) -> str:
    """The shop's own reasons in the spoken language; what the owner wrote stays as it is."""
    for text in REASONS:
        if entry.order_number and entry.reason == text % {"number": entry.order_number}:
            return _(text, number=entry.order_number)
    return entry.reason


def _signed(n: int) -> str:
    return ("+" if n > 0 else "") + number(n)
