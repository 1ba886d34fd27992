"""The cart's opaque cookie and the readable number beside it."""

import hashlib
import re
import secrets
from collections.abc import Callable

from litestar.datastructures import Cookie

from storefront.settings import Settings
from storefront.web.answers import COUNT_COOKIE
from storefront.web.request import ShopRequest

KEEP_CART = 60 * 24 * 3600
KEEP_COUNT = 30 * 60
TOLD = re.compile(rb"(?:^|; )%s=([0-9]{1,4})(?=;|$)" % COUNT_COOKIE.encode())


def cart_cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this very host; browsers want https for it."""
    return "__Host-cart" if settings.base_url.startswith("https://") else "cart"


def cart_key(request: ShopRequest) -> str | None:
    """What the cart's row is found by: the hash of the cookie, so that a leaked database opens no cart."""
    token = request.cookies.get(cart_cookie_name(request.app.state.settings))
    return hashed(token) if token and len(token) <= 64 else None


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def cart_cookie(settings: Settings, token: str) -> Cookie:
    return Cookie(
        cart_cookie_name(settings),
        value=token,
        max_age=KEEP_CART,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.base_url.startswith("https://"),
    )


def forget_cart(settings: Settings) -> Cookie:
    """Take the cart's cookie away; the cart stays where it is."""
    secure = settings.base_url.startswith("https://")
    name = cart_cookie_name(settings)
    return Cookie(name, value="", max_age=0, path="/", httponly=True, samesite="lax", secure=secure)


def count_cookie(request: ShopRequest, count: int) -> Cookie:
    """The badge's number for scripts and for pages that read no cart."""
    secure = request.app.state.settings.base_url.startswith("https://")
    return Cookie(COUNT_COOKIE, value=str(count), max_age=KEEP_COUNT, path="/", samesite="lax", secure=secure)


def forget_count(request: ShopRequest) -> Cookie:
    """Take the number away, since it is about to change elsewhere."""
    secure = request.app.state.settings.base_url.startswith("https://")
    return Cookie(COUNT_COOKIE, value="", max_age=0, path="/", samesite="lax", secure=secure)


def told_count(settings: Settings) -> Callable[[bytes], int | None]:
    """What tells the badge's number from a Cookie header: 0 without a cart, None where only the database knows."""
    cart = re.compile(rb"(?:^|; )%s=[^;]{1,64}(?:;|$)" % cart_cookie_name(settings).encode())

    def tell(cookies: bytes) -> int | None:
        if not cart.search(cookies):
            return 0
        told = TOLD.findall(cookies)
        return int(told[0]) if len(told) == 1 else None

    return tell
