"""Who is asking, and whether they may. What these find stands in the request's scope: its account id for every room
(ShopRequest.account_id), the whole of it for this one (whoever)."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from storefront.accounts import sessions
from storefront.accounts.cookies import safe_next, session_key
from storefront.accounts.models import RIGHTS
from storefront.accounts.sessions import SignedIn
from storefront.database import Busy, Database, now
from storefront.language import gettext as _
from storefront.settings import Settings
from storefront.web.errors import Refused, SendTo
from storefront.web.events import note

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Guard: TypeAlias = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

SIGN_IN = "/account/sign-in"
TWO_STEP = "/account/two-step"


async def who_is_asking(connection: Connection, handler: BaseRouteHandler) -> None:
    """For every route: those with the option `asks_who` learn who is signed in. Others cost nothing."""
    if handler.opt.get("asks_who"):
        await _find_out(connection)


async def signed_in(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Only for people who are signed in; others are sent to do so and come back."""
    if await _find_out(connection) is None:
        raise SendTo(f"{SIGN_IN}?next={quote(_where(connection), safe='/')}")


def staff(right: str) -> Guard:
    """Only for staff with this right, and owners. Others are sent to sign in, or get a 403 once they have. In
    production it takes a second factor too."""
    if right not in RIGHTS:
        raise ValueError(f"there is no right {right!r}")

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        await signed_in(connection, handler)
        who = whoever(connection)
        if not who.may(right):
            note(connection, "right missing", right=right)
            raise Refused(
                403, _("This is for the shop’s staff"), _("Your account does not have the right to see it.")
            )
        settings: Settings = connection.app.state.settings
        if settings.production and not (who.has_second_factor and who.second_factor):
            raise SendTo(TWO_STEP)

    return guard


def whoever(connection: Connection) -> SignedIn:
    """Who is signed in, behind the guards above."""
    found = connection.scope.get("signed_in")
    assert isinstance(found, SignedIn)
    return found


async def half_way(connection: Connection) -> SignedIn | None:
    """Who has given the password and owes the code of the second factor."""
    await _find_out(connection)
    found: SignedIn | None = connection.scope.get("half_way")  # type: ignore[assignment] # our own key
    return found


async def _find_out(connection: Connection) -> SignedIn | None:
    scope: Any = connection.scope
    if "signed_in" not in scope:
        scope["signed_in"] = scope["half_way"] = scope["account_id"] = None
        key = session_key(connection)
        if key is not None:
            database: Database = connection.app.state.database
            found = await sessions.find(database.glance, key)
            if found is not None:
                scope["half_way" if found.waiting else "signed_in"] = found
                if not found.waiting:
                    scope["account_id"] = found.account_id
                    await _write_seen(database, found)
    known: SignedIn | None = scope["signed_in"]
    return known


async def _write_seen(database: Database, found: SignedIn) -> None:
    if now() - found.seen_at < sessions.WRITE_SEEN_AFTER:
        return
    # Nobody waits for this: a page that only reads must not fail because others write.
    with contextlib.suppress(Busy):
        async with database.writes() as session:
            await sessions.seen(session, found.session_id)


def _where(connection: Connection) -> str:
    """The page to come back to: the one that was asked for, or for a form the one it stands on."""
    if connection.scope.get("method") == "GET":
        query = connection.url.query
        return safe_next(connection.url.path + (f"?{query}" if query else "")) or "/account"
    page = urlsplit(connection.headers.get("hx-current-url") or connection.headers.get("referer", ""))
    return safe_next(page.path) if page.netloc == connection.headers.get("host") else "/account"
