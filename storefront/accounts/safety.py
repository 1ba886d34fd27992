"""What keeps an account its owner's: the password, the address, the end. Each asks for the password once more."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency

from storefront.accounts import change, links, views
from storefront.accounts.answers import form_context, go, leave, show_form, why_not
from storefront.accounts.confirm import WRONG, knows_password, locked_asker, password_error, renew
from storefront.accounts.cookies import session_cookie
from storefront.accounts.forms import PASSWORDS, ChangeEmailForm, ChangePasswordForm
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.limits import try_to_send
from storefront.accounts.room import AccountsRoom
from storefront.cart import cookies as cart_cookies
from storefront.language import gettext as _
from storefront.web.events import note
from storefront.web.forms import parse, read_form
from storefront.web.request import ShopRequest


class SafetyController(Controller):
    guards = (signed_in,)

    @get("/account/password")
    async def password_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return _password(request, accounts_room)

    @post("/account/password", status_code=200)
    async def password(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """Every other sign-in ends, and this one goes on under a new cookie."""
        room, who = accounts_room, whoever(request)
        form, wrong = parse(ChangePasswordForm, await read_form(request, exact=PASSWORDS))
        if form is not None and (problem := why_not(room, form.new_password, who.email)):
            wrong = {"new_password": problem}
        if form is not None and not await knows_password(request, room, form.password):
            wrong = {"password": _(WRONG)} | wrong
        if form is None or wrong:
            return _password(request, room, 422, wrong)
        hashed = await room.hashing.hash(form.new_password)
        async with room.database.writes() as session:
            account = await locked_asker(session, request, room)
            base = room.base(request)
            cart = await change.change_password(
                session, room.settings, account, hashed, base, keep=who.session_id
            )
            token = await renew(session, request)
        cookies = [
            session_cookie(room.settings, token),
            cart_cookies.cart_cookie(room.settings, cart),
        ]
        note(request, "password changed")
        return go(request, "/account", "password-changed-here", cookies)

    @get("/account/email")
    async def email_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return _email(request, accounts_room)

    @post("/account/email", status_code=200)
    async def email(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """A link goes to the new address, and a word to the old one; nothing changes until the link is used."""
        room = accounts_room
        typed = await read_form(request, exact=PASSWORDS)
        form, wrong = parse(ChangeEmailForm, typed)
        if form is not None and not await knows_password(request, room, form.password):
            wrong = {"password": _(WRONG)}
        if form is None or wrong:
            return _email(request, room, 422, typed.get("email", ""), wrong)
        await try_to_send(room.limits, request, form.email)
        asked = links.Asked(form.email, room.base(request))
        async with room.database.writes() as session:
            account = await locked_asker(session, request, room)
            await links.ask_for_address(session, room.settings, asked, account)
            if account.email_key != form.email.lower():
                await links.tell(session, room.settings, account.email, "address-asked", asked.base)
        return go(request, "/account/check-mail")

    @post("/account/verify", status_code=200)
    async def verify(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """Send a link to the account's own address."""
        await read_form(request)
        room, who = accounts_room, whoever(request)
        await try_to_send(room.limits, request, who.email)
        async with room.database.writes() as session:
            account = await locked_asker(session, request, room)
            asked = links.Asked(account.email, room.base(request))
            await links.ask_for_address(session, room.settings, asked, account)
        return go(request, "/account/check-mail")

    @get("/account/delete")
    async def delete_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return _delete(request, accounts_room)

    @post("/account/delete", status_code=200)
    async def delete(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room = accounts_room
        error = await password_error(request, room)
        if error:
            return _delete(request, room, 422, error)
        try:
            async with room.database.writes() as session:
                account = await locked_asker(session, request, room, owners=True)
                await change.delete_account(session, room.settings, account, room.base(request))
        except change.LastOwner:
            message = _("You are the shop’s only owner. Make somebody else an owner first.")
            return _delete(request, room, 409, message=message)
        note(request, "account deleted")
        return leave(request, room, "/", "account-deleted")


def _password(
    request: ShopRequest, room: AccountsRoom, status: int = 200, wrong: dict[str, str] | None = None
) -> Response[Any]:
    wrong = wrong or {}
    fields = [
        views.password_field(wrong.get("password", ""), _("Your password now")),
        views.new_password_field(wrong.get("new_password", ""), _("New password")),
    ]
    form = form_context("/account/password", _("Change the password"), fields)
    form["username"] = whoever(request).email
    lead = _("Everywhere else you are signed out.")
    return show_form(request, room, _("Change your password"), form, status, lead=lead)


def _email(
    request: ShopRequest,
    room: AccountsRoom,
    status: int = 200,
    email: str = "",
    wrong: dict[str, str] | None = None,
) -> Response[Any]:
    wrong = wrong or {}
    fields = [
        views.email_field(email, wrong.get("email", ""), new=True, label=_("New e-mail address")),
        views.password_field(wrong.get("password", ""), _("Your password")),
    ]
    form = form_context("/account/email", _("Send a link there"), fields)
    lead = _(
        "It is %(email)s now, until you open the link that we send to the new one.",
        email=whoever(request).email,
    )
    return show_form(request, room, _("Change your e‑mail address"), form, status, lead=lead)


def _delete(
    request: ShopRequest, room: AccountsRoom, status: int = 200, error: str = "", message: str = ""
) -> Response[Any]:
    form = form_context(
        "/account/delete",
        _("Delete my account"),
        [views.password_field(error, _("Your password"))],
        message=message,
        dangerous=True,
    )
    lead = _(
        "Your addresses, your cart, your credits and what you can sign in with are deleted at once. Orders are kept "
        "as long as the law asks for it, and are no longer shown anywhere but under their own links."
    )
    return show_form(request, room, _("Delete your account"), form, status, lead=lead)
