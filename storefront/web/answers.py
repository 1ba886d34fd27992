"""Answers that several controllers give: HTML, a redirect that suits the asker, a notice for the next page."""

from collections.abc import Iterable
from urllib.parse import quote, unquote

from litestar import MediaType
from litestar.datastructures import Cookie

from storefront.language import at
from storefront.web.reply import Reply
from storefront.web.request import ShopRequest

HTML = MediaType.HTML.value
VARY = "Cookie, HX-Request, HX-Request-Type"
PRIVATE = {"cache-control": "no-store", "vary": VARY}
SECRET = {**PRIVATE, "referrer-policy": "same-origin", "x-robots-tag": "noindex"}

NOTICE_COOKIE = "notice"
COUNT_COOKIE = "cart_n"


def html(
    content: str | bytes,
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    cookies: Iterable[Cookie] = (),
) -> Reply:
    """An HTML answer that nobody keeps, unless `headers` say otherwise."""
    return Reply(
        content,
        status_code=status,
        media_type=HTML,
        headers={**PRIVATE, **(headers or {})},
        cookies=list(cookies),
    )


def redirect(request: ShopRequest, to: str, *, cookies: Iterable[Cookie] = ()) -> Reply:
    """303 See Other for a plain form; for htmx, which would put the next page into this one, HX-Redirect. A path of the
    shop, which has no prefix here, leads to the page in the spoken language."""
    to = at(to)
    status, name = (200, "hx-redirect") if request.htmx else (303, "location")
    return Reply(
        "", status_code=status, media_type=HTML, headers={**PRIVATE, name: to}, cookies=list(cookies)
    )


def leave_notice(request: ShopRequest, code: str, *values: int | str) -> Cookie:
    """Have the next page say the sentence behind `code` once."""
    return _notice(request, quote("~".join([code, *map(str, values)])), 60)


def left_notice(request: ShopRequest) -> tuple[str, list[str]] | None:
    """The notice that an earlier answer left, as its code and values; nothing is believed but its form."""
    text = request.cookies.get(NOTICE_COOKIE)
    if not text or len(text) > 200:
        return None
    code, *values = unquote(text).split("~")
    return code, values


def no_notice(request: ShopRequest) -> Cookie:
    """Take the notice away, since it has been said."""
    return _notice(request, "", 0)


def _notice(request: ShopRequest, value: str, seconds: int) -> Cookie:
    secure = request.app.state.settings.base_url.startswith("https://")
    return Cookie(
        NOTICE_COOKIE, value=value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure
    )


def known_count(request: ShopRequest) -> int | None:
    """The badge's number in its readable cookie; None when there is none or somebody made it up."""
    text = request.cookies.get(COUNT_COOKIE, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
