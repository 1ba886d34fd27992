"""The ways in and out: sign-in, the second step, sign-out."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency

from storefront.accounts import sessions, signin, views
from storefront.accounts.answers import browser_of, enter, form_context, go, leave, show_form, with_next
from storefront.accounts.cookies import safe_next, session_cookie, session_key
from storefront.accounts.forms import PASSWORDS, CodeForm, SignInForm
from storefront.accounts.guards import half_way
from storefront.accounts.limits import CODE, forgive, helped_by_reset, try_to_sign_in, why_wait
from storefront.accounts.models import AccountSession
from storefront.accounts.room import AccountsRoom
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.errors import SendTo
from storefront.web.events import note
from storefront.web.forms import parse, read_form
from storefront.web.limits import TooOften, network_of
from storefront.web.request import ASKS_WHO, ShopRequest

WRONG = later("The e-mail address or the password is not right.")


class EntryController(Controller):
    opt = ASKS_WHO

    @get("/account/sign-in")
    async def sign_in_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        to = safe_next(request.query_params.get("next", ""))
        if request.account_id is not None:
            return go(request, to or "/account")
        return _sign_in(request, accounts_room, to)

    @post("/account/sign-in", status_code=200)
    async def sign_in(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room = accounts_room
        typed = await read_form(request, exact=PASSWORDS)
        to, email = safe_next(typed.get("next", "")), typed.get("email", "")
        form, wrong = parse(SignInForm, typed)
        if form is None:
            return _sign_in(request, room, to, 422, email=email, wrong=wrong)
        try:
            counted = await try_to_sign_in(room.limits, request, form.email.lower())
        except TooOften as refusal:
            return _too_often(request, room, to, email, refusal)
        account = await signin.check_password(room, form.email, form.password)
        if account is None:
            note(request, "password wrong", network=network_of(request))
            return _sign_in(request, room, to, 422, email=email, message=_(WRONG))
        await forgive(room.limits, counted)
        if account.totp_secret is not None:
            token = await signin.wait_for_code(room, account, browser_of(request))
            if token is None:
                raise SendTo("/account/sign-in")
            return go(request, _code_page(to), cookies=[session_cookie(room.settings, token)])
        return enter(request, room, await signin.let_in(room, account, browser_of(request)), to)

    @get("/account/sign-in/code")
    async def code_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        to = safe_next(request.query_params.get("next", ""))
        if await half_way(request) is None:
            raise SendTo(to or "/account")
        return _code(request, accounts_room, to)

    @post("/account/sign-in/code", status_code=200)
    async def code(self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]) -> Response[Any]:
        room = accounts_room
        typed = await read_form(request)
        to = safe_next(typed.get("next", ""))
        who = await half_way(request)
        if who is None:
            raise SendTo("/account/sign-in")
        form, wrong = parse(CodeForm, typed)
        if form is None:
            return _code(request, room, to, 422, wrong["code"])
        counted = [(CODE, str(who.account_id))]
        await room.limits.meet(request, *counted)
        try:
            entered = await signin.let_in_by_code(room, who.account_id, browser_of(request), form.code)
        except signin.WrongCode:
            note(request, "code wrong", account=who.account_id, network=network_of(request))
            return _code(request, room, to, 422, _("That is not the code of this moment."))
        await forgive(room.limits, counted)
        return enter(request, room, entered, to)

    @post("/account/sign-out", status_code=200)
    async def sign_out(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        await read_form(request)
        key = session_key(request)
        if key is not None:
            async with accounts_room.database.writes() as session:
                await sessions.end(session, AccountSession.token_hash == key)
            note(request, "signed out")
        return leave(request, accounts_room, "/", "signed-out")


def _code_page(to: str) -> str:
    return with_next("/account/sign-in/code", to)


def _sign_in(
    request: ShopRequest,
    room: AccountsRoom,
    to: str,
    status: int = 200,
    *,
    email: str = "",
    wrong: dict[str, str] | None = None,
    message: str = "",
    way_out: dict[str, str] | None = None,
) -> Response[Any]:
    wrong = wrong or {}
    fields = [
        views.email_field(email, wrong.get("email", "")),
        views.password_field(wrong.get("password", "")),
    ]
    form = form_context(
        "/account/sign-in", _("Sign in"), fields, hidden={"next": to}, message=message, way_out=way_out
    )
    ways = [
        {"label": _("Forgot your password?"), "url": "/account/reset"},
        {"label": _("Create an account"), "url": with_next("/account/register", to)},
    ]
    return show_form(request, room, _("Sign in"), form, status, links=ways)


def _too_often(
    request: ShopRequest, room: AccountsRoom, to: str, email: str, refusal: TooOften
) -> Response[Any]:
    """429 in the form itself, so that what it said of an earlier try does not stand beside it: the password that was
    refused now may be the right one."""
    reset = {"label": _("Set a new password"), "url": "/account/reset"}
    way_out = reset if helped_by_reset(refusal) else None
    answer = _sign_in(request, room, to, 429, email=email, message=why_wait(refusal), way_out=way_out)
    answer.headers.update(refusal.headers)
    return answer


def _code(
    request: ShopRequest, room: AccountsRoom, to: str, status: int = 200, error: str = ""
) -> Response[Any]:
    hint = _("Six digits from your authenticator app, or one of your recovery codes.")
    form = form_context(
        "/account/sign-in/code", _("Go on"), [views.code_field(error, hint)], hidden={"next": to}
    )
    return show_form(request, room, _("Second step"), form, status)
