"""The same-origin guard: no other site may make a shopper's browser change anything here.

Fetch Metadata first (https://www.w3.org/TR/fetch-metadata/), then Origin (RFC 6454), then Referer. A client that sends
none of them is no browser, and carries no shopper's cookies that another site could use.
"""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from storefront.settings import Settings
from storefront.web.errors import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def same_origin(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuses with 403 a write that another origin caused. Handlers with opt `any_origin` are exempt.

    A coroutine, since Litestar runs plain functions that are guards in a thread.
    """
    if connection.scope.get("method", "GET") in SAFE or handler.opt.get("any_origin"):
        return
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Refused(403)
        return
    origin = connection.headers.get("origin")
    if origin is None:
        referer = connection.headers.get("referer")
        if referer is None:
            return
        # Not by urlsplit, which raises for some of what anybody may send.
        origin = "/".join(referer.split("/", 3)[:3])
    settings: Settings = connection.app.state.settings
    expected = settings.base_url or f"{connection.scope['scheme']}://{connection.headers.get('host', '')}"
    parts = urlsplit(expected)
    if origin.lower() != f"{parts.scheme}://{parts.netloc}".lower():
        raise Refused(403)
