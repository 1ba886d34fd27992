"""The pages on which the second factor is set up, renewed and turned off."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency

from storefront.accounts import links, second, sessions, views
from storefront.accounts.answers import form_context, go, show_form, show_page
from storefront.accounts.confirm import locked_asker, password_error, renew
from storefront.accounts.cookies import session_cookie
from storefront.accounts.forms import CodeForm
from storefront.accounts.guards import TWO_STEP, signed_in, whoever
from storefront.accounts.limits import CODE, forgive
from storefront.accounts.models import Account, AccountSession
from storefront.accounts.room import AccountsRoom
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.answers import SECRET, html
from storefront.web.errors import SendTo
from storefront.web.events import note
from storefront.web.forms import parse, read_form
from storefront.web.request import ShopRequest

LEAD = later(
    "With a second step, signing in takes your password and a code from an app on your telephone. "
    "Enter your password to set it up."
)


class TwoStepController(Controller):
    guards = (signed_in,)

    @get("/account/two-step")
    async def two_step(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return await _two_step(request, accounts_room)

    @post("/account/two-step", status_code=200)
    async def begin_two_step(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        if who.has_second_factor:
            raise SendTo(TWO_STEP)
        error = await password_error(request, room)
        if error:
            return await _two_step(request, room, 422, error)
        async with room.database.writes() as session:
            if (await locked_asker(session, request, room)).totp_secret is not None:
                raise SendTo(TWO_STEP)
            await second.begin_setup(session, who.account_id, who.session_id)
        return go(request, "/account/two-step/set-up")

    @get("/account/two-step/set-up")
    async def set_up_form(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        return await _set_up(request, accounts_room)

    @post("/account/two-step/set-up", status_code=200)
    async def set_up(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        form, wrong = parse(CodeForm, await read_form(request))
        if form is None:
            return await _set_up(request, room, 422, wrong["code"])
        counted = [(CODE, str(who.account_id))]
        await room.limits.meet(request, *counted)
        async with room.database.writes() as session:
            account = await locked_asker(session, request, room)
            if second.pending(account, who.session_id) is None:
                raise SendTo(TWO_STEP)
            codes = await second.finish_setup(session, account, who.session_id, form.code)
            if codes is not None:
                mine = AccountSession.account_id == who.account_id
                await sessions.end(session, mine & (AccountSession.id != who.session_id))
                await links.tell(session, room.settings, account.email, "second-on", room.base(request))
                token = await renew(session, request, second_factor=True)
        if codes is None:
            return await _set_up(request, room, 422, _("That is not the code of this moment."))
        await forgive(room.limits, counted)
        note(request, "second factor on")
        return _codes(request, room, codes, token)

    @post("/account/two-step/codes", status_code=200)
    async def new_codes(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        room, who = accounts_room, whoever(request)
        error = await password_error(request, room)
        if error or not who.has_second_factor:
            return await _two_step(request, room, 422, error)
        async with room.database.writes() as session:
            if (await locked_asker(session, request, room)).totp_secret is None:
                raise SendTo(TWO_STEP)
            codes = await second.new_recovery_codes(session, who.account_id)
            await links.tell(session, room.settings, who.email, "codes", room.base(request))
        note(request, "new recovery codes")
        return _codes(request, room, codes)

    @post("/account/two-step/off", status_code=200)
    async def off(self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]) -> Response[Any]:
        room = accounts_room
        error = await password_error(request, room)
        if error:
            return await _two_step(request, room, 422, error)
        async with room.database.writes() as session:
            account = await locked_asker(session, request, room)
            if account.totp_secret is None:
                raise SendTo(TWO_STEP)
            await second.turn_off(session, account)
            await links.tell(session, room.settings, account.email, "second-off", room.base(request))
            token = await renew(session, request, second_factor=False)
        note(request, "second factor off")
        return go(request, "/account/two-step", "second-off", [session_cookie(room.settings, token)])


async def _two_step(
    request: ShopRequest, room: AccountsRoom, status: int = 200, error: str = ""
) -> Response[Any]:
    who = whoever(request)
    field = views.password_field(error, _("Your password"))
    if not who.has_second_factor:
        form = form_context("/account/two-step", _("Set it up"), [field])
        return show_form(request, room, _("A second step"), form, status, lead=_(LEAD))
    async with room.database.reads() as session:
        left = await second.recovery_codes_left(session, who.account_id)
    off = {"label": _("Turn the second step off"), "action": "/account/two-step/off"}
    form = form_context("/account/two-step/codes", _("Make new recovery codes"), [field], more=[off])
    lead = _("The second step is on. %(left)s of your recovery codes are left.", left=left)
    return show_form(request, room, _("A second step"), form, status, lead=lead)


async def _set_up(
    request: ShopRequest, room: AccountsRoom, status: int = 200, error: str = ""
) -> Response[Any]:
    who = whoever(request)
    async with room.database.reads() as session:
        secret = second.pending(await session.get_one(Account, who.account_id), who.session_id)
    if secret is None:
        raise SendTo(TWO_STEP)
    field = views.code_field(error, _("The six digits that the app shows."))
    form = form_context("/account/two-step/set-up", _("Turn it on"), [field])
    title = _("Set up the second step")
    if request.wants_fragment:
        return show_form(request, room, title, form, status)
    setup = {
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        "url": second.setup_address(secret, who.email, room.settings.shop_name),
    }
    context = {"form": form, "setup": setup}
    return show_page(request, room, "accounts/set-up.html", title, status, error=bool(error), **context)


def _codes(request: ShopRequest, room: AccountsRoom, codes: list[str], token: str = "") -> Response[Any]:
    """The recovery codes, shown this once."""
    cookies = [session_cookie(room.settings, token)] if token else []
    title = _("Your recovery codes")
    if request.wants_fragment:
        names = {"page": {"path": request.url.path, "heading": title}, "signed_in": True, "codes": codes}
        whole_title = f"{title} – {room.settings.shop_name}"
        content = room.templates.render("accounts/_codes.html", title=whole_title, **names)
        # In place of all that the page held, such as the key in clear, and of how many codes were left.
        instead = {"hx-retarget": ".account-page", "hx-reswap": "outerHTML"}
        return html(content, headers={**SECRET, **instead}, cookies=cookies)
    answer = show_page(request, room, "accounts/codes.html", title, codes=codes)
    answer.cookies.extend(cookies)
    return answer
