"""The cookie of a sign-in, and where the shop may go on after one."""

import hashlib
import re
import secrets

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from storefront.language import without_prefix
from storefront.settings import Settings

KEEP = 60 * 24 * 3600
# Printable ASCII without a backslash, which browsers read as a slash; a second slash would begin another host.
INSIDE = re.compile(r"/(?!/)[!-\[\]-~]*")
LONGEST_NEXT = 300


def session_cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this very host; browsers want https for it."""
    return "__Host-session" if settings.base_url.startswith("https://") else "session"


def session_key(connection: ASGIConnection) -> str | None:  # type: ignore[type-arg]
    """What the row of the sign-in is found by: the hash of the cookie, so that a leaked database signs nobody in."""
    token = connection.cookies.get(session_cookie_name(connection.app.state.settings))
    return hashed(token) if token and len(token) <= 64 else None


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def session_cookie(settings: Settings, token: str) -> Cookie:
    return Cookie(
        session_cookie_name(settings),
        value=token,
        max_age=KEEP if token else 0,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.base_url.startswith("https://"),
    )


def no_session(settings: Settings) -> Cookie:
    """Take the cookie away."""
    return session_cookie(settings, "")


def safe_next(text: str) -> str:
    """`text` as a place within this shop, without a language's prefix, or nothing: no other host, whatever browsers
    make of it."""
    if len(text) > LONGEST_NEXT or not INSIDE.fullmatch(text):
        return ""
    path = without_prefix(text)[1] or "/"
    return path if INSIDE.fullmatch(path) else ""
