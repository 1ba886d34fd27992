"""What this room answers: a page of the account, a form with what went wrong, another page with a notice."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.datastructures import Cookie

from storefront.accounts import sessions
from storefront.accounts.common import too_common
from storefront.accounts.cookies import no_session, safe_next, session_cookie, session_key
from storefront.accounts.guards import whoever
from storefront.accounts.room import AccountsRoom
from storefront.accounts.signin import Browser, Entered
from storefront.cart import cookies as cart_cookies
from storefront.language import gettext as _
from storefront.orders.models import AWAITING, PAID, Order
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, known_count, leave_notice, no_notice, redirect
from storefront.web.errors import SendTo
from storefront.web.events import note
from storefront.web.fields import form_context as form_context
from storefront.web.request import ShopRequest

Link = dict[str, str]


def show_form(
    request: ShopRequest,
    room: AccountsRoom,
    title: str,
    form: dict[str, Any],
    status: int = 200,
    *,
    lead: str = "",
    links: Sequence[Link] = (),
) -> Response[Any]:
    """A page that is one form; to htmx the form alone."""
    wrong = bool(form["errors"] or form["message"])
    if request.wants_fragment:
        whole_title = f"{_('Error:') + ' ' if wrong else ''}{title} – {room.settings.shop_name}"
        content = room.templates.render("accounts/_form.html", form=form, title=whole_title)
        return html(content, status, headers=SECRET)
    context = {"form": form, "lead": lead, "links": list(links)}
    return show_page(request, room, "accounts/form.html", title, status, error=wrong, **context)


def show_page(
    request: ShopRequest,
    room: AccountsRoom,
    template: str,
    title: str,
    status: int = 200,
    *,
    error: bool = False,
    **context: Any,
) -> Response[Any]:
    """A whole page, with the notice that an earlier answer left for it."""
    to = safe_next(request.query_params.get("next", ""))
    content = room.templates.page(
        template,
        title=title,
        path=request.url.path,
        here=with_next(request.url.path, to),
        noindex=True,
        error=error,
        count=known_count(request),
        notice=room.templates.notice(request),
        signed_in=request.account_id is not None,
        **context,
    )
    said = [no_notice(request)] if NOTICE_COOKIE in request.cookies else []
    return html(content, status, headers=SECRET, cookies=said)


def go(request: ShopRequest, to: str, notice: str = "", cookies: Iterable[Cookie] = ()) -> Response[Any]:
    """On to another page, which says `notice` (a code of web.templates)."""
    return redirect(request, to, cookies=[*cookies, *([leave_notice(request, notice)] if notice else [])])


def why_not(room: AccountsRoom, password: str, email: str) -> str:
    """The sentence for a password that would be guessed first; nothing for others."""
    if too_common(password, email, room.settings.shop_name):
        return _(
            "Choose a password that is harder to guess, such as a few words that do not belong together."
        )
    return ""


def with_next(path: str, to: str) -> str:
    """`path`, from which the shop goes on to `to`."""
    return f"{path}?next={quote(to, safe='/')}" if to else path


def offer_account(request: ShopRequest, order: Order) -> dict[str, str] | None:
    """The link {text, url} on the page of an order that nobody's account has yet, once it is paid or about to be."""
    if order.account_id is not None or order.state not in {PAID, AWAITING}:
        return None
    if request.account_id is None:
        text = _("Create an account to find your orders in one place")
        return {"text": text, "url": with_next("/account/register", f"/orders/{order.token}")}
    who = whoever(request)
    if who.verified and who.email.lower() == order.email_key:
        return {"text": _("Add this order to your account"), "url": "/account/orders"}
    return None


def browser_of(request: ShopRequest) -> Browser:
    """What the asking browser brings along."""
    device = sessions.device_words(request.headers.get("user-agent", ""))
    return Browser(session_key(request), cart_cookies.cart_key(request), device)


def enter(
    request: ShopRequest, room: AccountsRoom, entered: Entered | None, to: str, notice: str = ""
) -> Response[Any]:
    """Signed in: on to where the person was going, with the cookies, and what happened to the cart."""
    if entered is None:
        raise SendTo("/account/sign-in")
    note(request, "signed in", account=entered.account_id, second_factor=int(entered.second_factor))
    brought = entered.brought
    if brought.joined.both:
        notice = "carts-joined-short" if brought.joined.short else "carts-joined"
    set_cookies = [
        session_cookie(room.settings, entered.token),
        cart_cookies.cart_cookie(room.settings, brought.token),
        cart_cookies.count_cookie(request, brought.count),
    ]
    return go(request, to or "/account", notice, set_cookies)


def leave(request: ShopRequest, room: AccountsRoom, to: str, notice: str) -> Response[Any]:
    """Signed out: nothing of the account stays in the browser, its cart neither."""
    gone = [
        no_session(room.settings),
        cart_cookies.forget_cart(room.settings),
        cart_cookies.forget_count(request),
    ]
    return go(request, to, notice, gone)
