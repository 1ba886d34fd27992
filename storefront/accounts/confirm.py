"""The password asked for once more, before something that an account hangs on is changed."""

from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts import change, sessions
from storefront.accounts.forms import PASSWORDS, ConfirmForm
from storefront.accounts.guards import SIGN_IN, whoever
from storefront.accounts.limits import PASSWORD, forgive
from storefront.accounts.models import Account, AccountSession
from storefront.accounts.room import AccountsRoom
from storefront.accounts.signin import is_password_of
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.errors import SendTo
from storefront.web.events import note
from storefront.web.forms import parse, read_form
from storefront.web.request import ShopRequest

WRONG = later("That is not your password.")


async def knows_password(request: ShopRequest, room: AccountsRoom, password: str) -> bool:
    """Whether the asker knows the account's password. Raises Refused 429 after too many mistakes."""
    account_id = whoever(request).account_id
    counted = [(PASSWORD, str(account_id))]
    await room.limits.meet(request, *counted)
    if not await is_password_of(room, account_id, password):
        note(request, "password wrong")
        return False
    await forgive(room.limits, counted)
    return True


async def password_error(request: ShopRequest, room: AccountsRoom) -> str:
    """What is wrong with the password of a form that asks for nothing else."""
    form, wrong = parse(ConfirmForm, await read_form(request, exact=PASSWORDS))
    if form is None:
        return wrong["password"]
    return "" if await knows_password(request, room, form.password) else _(WRONG)


async def locked_asker(
    session: AsyncSession, request: ShopRequest, room: AccountsRoom, *, owners: bool = False
) -> Account:
    """The asker's account, locked (change.locked), while they are signed in: a new password and a second factor end
    every other sign-in, so that whoever gave the password before that is sent to sign in, and changes nothing."""
    who = whoever(request)
    try:
        account = await change.locked(session, room.settings, who.account_id, owners=owners)
    except NoResultFound:
        raise SendTo(SIGN_IN) from None
    if not await sessions.alive(session, AccountSession.id == who.session_id):
        raise SendTo(SIGN_IN)
    return account


async def renew(session: AsyncSession, request: ShopRequest, *, second_factor: bool | None = None) -> str:
    """The same sign-in under a new cookie: what the browser had before is worth nothing. One that has ended meanwhile
    is not begun anew."""
    who = whoever(request)
    if not await sessions.end(session, AccountSession.id == who.session_id):
        raise SendTo(SIGN_IN)
    device = sessions.device_words(request.headers.get("user-agent", ""))
    kept = who.second_factor if second_factor is None else second_factor
    return await sessions.begin(session, who.account_id, device, second_factor=kept)
