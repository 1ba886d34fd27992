"""The shop window: a page that is kept, for a visitor of whom nothing must be looked up, goes out from here, and the
request never enters the shop. It is the same answer (`public.respond`); everybody else walks in."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from jinja2 import TemplateError

from storefront.web.answers import NOTICE_COOKIE
from storefront.web.edge import ASGI, Receive, Scope, Send
from storefront.web.public import PublicPages, address, respond
from storefront.web.reply import Ready, ready
from storefront.web.speech import wish

NOTICE = f"{NOTICE_COOKIE}=".encode()


@dataclass
class Window:
    """In front of `app`. `version` and `badge` tell the catalogue's version and the number that a Cookie header
    gives for the badge, or None when only a look into the database would tell."""

    app: ASGI
    public: PublicPages
    version: Callable[[], int | None]
    badge: Callable[[bytes], int | None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        # A mistake in the badge's template is the shop's to answer.
        with suppress(TemplateError):
            answer = self._at_once(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (answer or self.app)(scope, receive, send)

    def _at_once(self, scope: Scope) -> Ready | None:
        headers = dict(scope["headers"])
        target = self.public.targets.get(address(scope, headers.get(b"host", b"")))
        version = self.version()
        if (
            target is None
            or version is None
            or b"hx-request" in headers
            or len(headers) < len(scope["headers"])
        ):
            return None
        body = target.cache.get((version, self.public.templates.stamp(), *target.key))
        cookies = headers.get(b"cookie", b"")
        count = self.badge(cookies) if cookies else 0
        if body is None or count is None or NOTICE in cookies or wish(headers, str(target.key[0])):
            return None
        scope["path_template"] = target.route
        status, sent, content = respond(
            body,
            self.public.values(body, count),
            personal=b"cookie" in headers,
            accepts=headers.get(b"accept-encoding", b"").decode("latin-1"),
            known=headers.get(b"if-none-match", b"").decode("latin-1"),
            rules=self.public.rules(),
        )
        return ready(status, sent, content, target.media_type)
