"""Answers that several controllers give: HTML, a redirect that suits the asker, a notice for the next page."""

from collections.abc import Iterable
from urllib.parse import quote, unquote

from litestar import MediaType
from litestar.datastructures import Cookie

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
    """303 See Other for a plain form; for htmx, which would put the next page into this one, HX-Redirect."""
    status, name = (200, "hx-redirect") if request.htmx else (303, "location")
    return Reply(
        "", status_code=status, media_type=HTML, headers={**PRIVATE, name: to}, cookies=list(cookies)
    )


def leave_notice(code: str, *values: int | str) -> Cookie:
    """Have the next page say the sentence behind `code` once."""
    text = "~".join([code, *map(str, values)])
    return Cookie(NOTICE_COOKIE, value=quote(text), max_age=60, path="/", httponly=True, samesite="lax")


def left_notice(request: ShopRequest) -> tuple[str, list[str]] | None:
    """The notice that an earlier answer left, as its code and values; nothing is believed but its form."""
    text = request.cookies.get(NOTICE_COOKIE)
    if not text or len(text) > 200:
        return None
    code, *values = unquote(text).split("~")
    return code, values


def no_notice() -> Cookie:
    """Take the notice away, since it has been said."""
    return Cookie(NOTICE_COOKIE, value="", max_age=0, path="/")


def known_count(request: ShopRequest) -> int | None:
    """The badge's number in its readable cookie; None when there is none or somebody made it up."""
    text = request.cookies.get(COUNT_COOKIE, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
