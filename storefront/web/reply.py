"""The shop's response: what Litestar's does without what the shop never uses, since every page pays for it."""

import re
from collections.abc import Sequence
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from litestar.response.base import ASGIResponse

from storefront.web.edge import Receive, Scope, Send

# RFC 6265, section 4.1.1: what a cookie's value may hold without quotes.
PLAIN_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
NO_BODY = frozenset({204, 304})


class Ready(ASGIResponse):
    """An answer as it goes out: status, headers, body."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code, self.sent, self.body = status, headers, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.sent})
        await send({"type": "http.response.body", "body": self.body})


class Reply(Response[str | bytes]):
    """HTML (or another `media_type`) that is text or bytes already."""

    def to_asgi_response(self, app: Any, request: Any, **_of_handler: Any) -> ASGIResponse:
        content = self.content.encode() if isinstance(self.content, str) else self.content
        return ready(self.status_code or 200, self.headers, content, str(self.media_type), self.cookies)


def ready(
    status: int, headers: dict[str, str], body: bytes, media_type: str, cookies: Sequence[Cookie] = ()
) -> Ready:
    """The answer with its content type and length and its cookies."""
    sent = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if status not in NO_BODY:
        sent.append((b"content-type", with_charset(media_type)))
        sent.append((b"content-length", b"%d" % len(body)))
    sent += [set_cookie(cookie) for cookie in cookies]
    return Ready(status, sent, body)


def with_charset(media_type: str) -> bytes:
    is_text = media_type.startswith("text/") or media_type == "application/xml"
    return f"{media_type}; charset=utf-8".encode() if is_text else media_type.encode()


def set_cookie(cookie: Cookie) -> tuple[bytes, bytes]:
    """The header of one cookie. http.cookies, which Litestar asks, takes as long as reading a cart."""
    value = cookie.value or ""
    if not PLAIN_VALUE.fullmatch(value) or cookie.domain or cookie.expires is not None:
        return cookie.to_encoded_header()
    text = f"{cookie.key}={value}"
    if cookie.max_age is not None:
        text += f"; Max-Age={cookie.max_age}"
    text += f"; Path={cookie.path}; SameSite={cookie.samesite}"
    if cookie.httponly:
        text += "; HttpOnly"
    if cookie.secure:
        text += "; Secure"
    return b"set-cookie", text.encode("latin-1")
