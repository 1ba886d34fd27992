"""What goes by mail: registering, a forgotten password, an address confirmed. Each begins with an address, is answered
the same for all of them, and goes on by the link that was sent there."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.accounts import change, links, signin, views
from storefront.accounts.answers import (
    browser_of,
    enter,
    form_context,
    go,
    leave,
    show_form,
    show_page,
    why_not,
    with_next,
)
from storefront.accounts.confirm import locked_asker
from storefront.accounts.cookies import safe_next
from storefront.accounts.forms import PASSWORDS, EmailForm, NewPasswordForm
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.limits import let_try_again, try_to_send
from storefront.accounts.models import MailedLink
from storefront.accounts.room import AccountsRoom
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.errors import Refused
from storefront.web.events import note
from storefront.web.forms import parse, read_form
from storefront.web.request import ASKS_WHO, ShopRequest

OVER = later("It has been used already, or it is too old.")


class MailedController(Controller):
    opt = ASKS_WHO

    @get("/account/register")
    async def register_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        to = safe_next(request.query_params.get("next", ""))
        if request.account_id is not None:
            return go(request, to or "/account")
        return _register(request, accounts_room, to)

    @post("/account/register", status_code=200)
    async def register(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        typed = await read_form(request)
        form, wrong = parse(EmailForm, typed)
        to = safe_next(typed.get("next", ""))
        if form is None:
            return _register(request, accounts_room, to, 422, typed.get("email", ""), wrong["email"])
        await _send(request, accounts_room, links.ask_to_register, form.email, to)
        return go(request, "/account/check-mail")

    @get("/account/register/{token:str}")
    async def choose_form(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        link = await _look_at(accounts_room, links.REGISTER, token)
        return _choose(request, accounts_room, link, token)

    @post("/account/register/{token:str}", status_code=200)
    async def choose(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room = accounts_room
        link = await _look_at(room, links.REGISTER, token)
        password, error = await _read_new_password(request, room, link.email)
        if error:
            return _choose(request, room, link, token, 422, error)
        hashed = await room.hashing.hash(password)
        try:
            async with room.database.writes() as session:
                account, to = await change.finish_registration(session, token, hashed)
        except change.LinkOver:
            raise _link_over(links.REGISTER) from None
        except change.Taken:
            return go(request, "/account/sign-in", "account-exists")
        entered = await signin.let_in(room, account, browser_of(request))
        return enter(request, room, entered, to, "registered")

    @get("/account/reset")
    async def reset_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return _reset(request, accounts_room)

    @post("/account/reset", status_code=200)
    async def reset(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        typed = await read_form(request)
        form, wrong = parse(EmailForm, typed)
        if form is None:
            return _reset(request, accounts_room, 422, typed.get("email", ""), wrong["email"])
        await _send(request, accounts_room, links.ask_to_reset, form.email)
        return go(request, "/account/check-mail")

    @get("/account/check-mail")
    async def check_mail(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """The same page whoever asked for whatever."""
        return show_page(request, accounts_room, "accounts/check-mail.html", _("Check your mail"))

    @get("/account/reset/{token:str}")
    async def new_password_form(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        link = await _look_at(accounts_room, links.RESET, token)
        return _new_password(request, accounts_room, link, token)

    @post("/account/reset/{token:str}", status_code=200)
    async def new_password(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room = accounts_room
        link = await _look_at(room, links.RESET, token)
        password, error = await _read_new_password(request, room, link.email)
        if error:
            return _new_password(request, room, link, token, 422, error)
        hashed = await room.hashing.hash(password)
        try:
            async with room.database.writes() as session:
                await change.reset_password(session, room.settings, token, hashed, room.base(request))
        except change.LinkOver:
            raise _link_over(links.RESET) from None
        await let_try_again(room.limits, request, link.email.lower())
        note(request, "password reset", account=link.account_id)
        return leave(request, room, "/account/sign-in", "password-changed")

    @get("/account/address/{token:str}")
    async def confirm_form(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        link = await _look_at_own(request, accounts_room, token)
        form = form_context(f"/account/address/{token}", _("Yes, this is my address"), [])
        lead = _("%(email)s becomes the e-mail address of your account.", email=link.email)
        return show_form(request, accounts_room, _("Confirm your e-mail address"), form, lead=lead)

    @post("/account/address/{token:str}", status_code=200)
    async def confirm(
        self, request: ShopRequest, token: FromPath[str], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        await read_form(request)
        room = accounts_room
        await _look_at_own(request, room, token)
        try:
            async with room.database.writes() as session:
                account = await locked_asker(session, request, room)
                await change.confirm_address(session, room.settings, account, token, room.base(request))
        except (change.LinkOver, change.Taken):
            raise _link_over(links.ADDRESS) from None
        note(request, "address confirmed")
        return go(request, "/account", "address-confirmed")


def _link_over(purpose: str) -> Refused:
    """404: a link that cannot be used (any more), with the way to another."""
    again = {
        links.REGISTER: {"label": _("Create an account"), "url": "/account/register"},
        links.RESET: {"label": _("Ask for a new link"), "url": "/account/reset"},
        links.ADDRESS: {"label": _("Your account"), "url": "/account"},
    }
    return Refused(404, _("This link does not work any more"), _(OVER), links=[again[purpose]])


async def _read_new_password(request: ShopRequest, room: AccountsRoom, email: str) -> tuple[str, str]:
    """The password that a form chooses, and the sentence for what is wrong with it."""
    form, wrong = parse(NewPasswordForm, await read_form(request, exact=PASSWORDS))
    if form is None:
        return "", wrong["new_password"]
    return form.new_password, why_not(room, form.new_password, email)


async def _send(request: ShopRequest, room: AccountsRoom, ask: Any, email: str, to: str = "") -> None:
    await try_to_send(room.limits, request, email)
    async with room.database.writes() as session:
        await ask(session, room.settings, links.Asked(email, room.base(request), to))


async def _look_at(room: AccountsRoom, purpose: str, token: str) -> MailedLink:
    async with room.database.reads() as session:
        link = await links.look_at(session, purpose, token) if len(token) <= 64 else None
    if link is None:
        raise _link_over(purpose)
    return link


async def _look_at_own(request: ShopRequest, room: AccountsRoom, token: str) -> MailedLink:
    """The link to an address, for the account that asked for it and nobody else: it may have been sent to a stranger,
    whose orders the asker could claim after the stranger's click."""
    link = await _look_at(room, links.ADDRESS, token)
    await signed_in(request, request.route_handler)
    if link.account_id != whoever(request).account_id:
        text = _("Sign out, open the link once more, and sign in with the account that asked for it.")
        ways = [{"label": _("Your account"), "url": "/account"}]
        raise Refused(404, _("This link is not for your account"), text, links=ways)
    return link


def _register(
    request: ShopRequest,
    room: AccountsRoom,
    to: str,
    status: int = 200,
    email: str = "",
    error: str = "",
) -> Response[Any]:
    form = form_context(
        "/account/register", _("Go on"), [views.email_field(email, error, new=True)], hidden={"next": to}
    )
    lead = _("We send you a link with which you choose a password. Your cart is kept.")
    ways = [{"label": _("I have an account"), "url": with_next("/account/sign-in", to)}]
    return show_form(request, room, _("Create an account"), form, status, lead=lead, links=ways)


def _reset(
    request: ShopRequest, room: AccountsRoom, status: int = 200, email: str = "", error: str = ""
) -> Response[Any]:
    form = form_context("/account/reset", _("Send me a link"), [views.email_field(email, error)])
    lead = _("We send you a link with which you choose a new one.")
    return show_form(request, room, _("Forgot your password?"), form, status, lead=lead)


def _choose(
    request: ShopRequest, room: AccountsRoom, link: MailedLink, token: str, status: int = 200, error: str = ""
) -> Response[Any]:
    form = form_context(
        f"/account/register/{token}", _("Create the account"), [views.new_password_field(error)]
    )
    form["username"] = link.email
    lead = _("Choose a password for %(email)s.", email=link.email)
    return show_form(request, room, _("Create an account"), form, status, lead=lead)


def _new_password(
    request: ShopRequest, room: AccountsRoom, link: MailedLink, token: str, status: int = 200, error: str = ""
) -> Response[Any]:
    field = views.new_password_field(error, _("New password"))
    form = form_context(f"/account/reset/{token}", _("Change the password"), [field])
    form["username"] = link.email
    lead = _("You are signed out everywhere, and sign in with the new password.")
    return show_form(request, room, _("Choose a new password"), form, status, lead=lead)
