"""Answering with a public page: its body from the cache or made now, its holes filled, 304 where it is known."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

from litestar import MediaType
from litestar.datastructures import Cookie

from storefront.language import speaking, spoken
from storefront.web.answers import NOTICE_COOKIE, VARY, no_notice
from storefront.web.assets import RULES
from storefront.web.edge import Scope
from storefront.web.pages import Body, PageCache
from storefront.web.reply import Reply
from storefront.web.request import ShopRequest
from storefront.web.speech import wish
from storefront.web.templates import Templates

Key: TypeAlias = tuple[object, ...]
Build: TypeAlias = Callable[[], Awaitable[str]]
Badge: TypeAlias = Callable[[ShopRequest], Awaitable[tuple[int, Cookie | None]]]
Version: TypeAlias = Callable[[], Awaitable[int]]

MOST_TARGETS = 10_000
# Of an Accept-Encoding so many characters are read, and so many of them are kept.
MOST_ACCEPT, MOST_ACCEPTED = 100, 1_000
NO_WEIGHT = re.compile(r"q=0(\.0*)?")
# An offer of another language is for one browser. Whoever gets a page without it from a shared cache lacks a link that
# stands in the footer too, so Accept-Language need not split that cache.
KEPT_BY_BROWSERS, KEPT_BY_ALL = "private, no-cache", "public, max-age=0, s-maxage=60"


class Target(NamedTuple):
    """What an address leads to: the page's key (with the language, without the version) and where it is kept, its
    type, and the route for the log."""

    key: Key
    cache: PageCache
    media_type: str
    route: str


async def _empty_badge(_request: ShopRequest) -> tuple[int, Cookie | None]:
    return 0, None


async def _first_version() -> int:
    return 0


@dataclass
class PublicPages:
    """What public pages are made with. `badge` and `version` are registered by the app, since carts and the
    catalogue are above this room. `targets` is what the window goes by."""

    templates: Templates
    cache: PageCache = field(default_factory=PageCache)
    searches: PageCache = field(default_factory=lambda: PageCache(most=500, most_bytes=12_000_000))
    badge: Badge = _empty_badge
    version: Version = _first_version
    targets: dict[Key, Target] = field(default_factory=dict)
    _making: dict[Key, asyncio.Task[Body]] = field(default_factory=dict)

    async def answer(
        self,
        request: ShopRequest,
        key: Key,
        build: Build,
        media_type: str = MediaType.HTML.value,
        *,
        cache: PageCache | None = None,
        push: str = "",
    ) -> Reply:
        """The page that `build` makes, kept under `key`: everything that it depends on but the catalogue and the
        language. Where it is not htmx that asks, the key must follow from scheme, host, path and query alone. `push` is
        the address that a browser shows from then on where a fragment was asked for."""
        cache = self.cache if cache is None else cache
        key = (spoken().code, *key)
        full_key = (await self.version(), self.templates.stamp(), *key)
        body = cache.get(full_key) or await self._make(full_key, build, cache)
        if not request.htmx:
            self._remember(request, Target(key, cache, media_type, request.scope["path_template"]))
        values, cookies = await self._values(request, body)
        headers = request.headers
        status, sent, content = respond(
            body,
            values,
            personal="cookie" in headers,
            accepts=headers.get("accept-encoding", ""),
            known=headers.get("if-none-match", ""),
            rules=self.rules(),
        )
        if push and request.wants_fragment:
            sent["hx-push-url"] = push
        return Reply(content, status_code=status, headers=sent, media_type=media_type, cookies=cookies)

    async def _make(self, key: Key, build: Build, cache: PageCache) -> Body:
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.ensure_future(self._body(build))
            task.add_done_callback(lambda _: self._making.pop(key, None))
        body = await asyncio.shield(task)
        cache.put(key, body)
        return body

    async def _body(self, build: Build) -> Body:
        return Body.of(await build())

    def _remember(self, request: ShopRequest, target: Target) -> None:
        if len(self.targets) >= MOST_TARGETS:
            self.targets.clear()
        self.targets[address(request.scope, request.headers.get("host", "").encode("latin-1"))] = target  # type: ignore[arg-type]

    async def _values(self, request: ShopRequest, body: Body) -> tuple[dict[str, bytes], list[Cookie]]:
        if not body.holes:
            return {}, []
        offer = self._offer(request)
        if "cookie" not in request.headers:
            return self.values(body, 0, offer=offer), []
        count, cookie = await self.badge(request)
        notice = self.templates.notice(request)
        cookies = [cookie] if cookie else []
        if NOTICE_COOKIE in request.cookies:
            cookies.append(no_notice(request))
        shown = self.templates.render("components/notice.html", notice=notice).encode() if notice else b""
        return self.values(body, count, shown, offer), cookies

    def _offer(self, request: ShopRequest) -> bytes:
        """A link to the same page in the language that the browser would rather have."""
        scope = request.scope
        wished = wish(dict(scope["headers"]), spoken().code)
        if wished is None:
            return b""
        query = scope["query_string"].decode("latin-1")
        url = wished.prefix + quote(scope["path"]) + (f"?{query}" if query else "")
        with speaking(wished.code):
            return self.templates.render("components/offer.html", url=url).encode()

    def rules(self) -> str:
        """Which links of public pages a browser may fetch before they are followed: products' alone."""
        return self.templates.asset(RULES)

    def values(self, body: Body, count: int, notice: bytes = b"", offer: bytes = b"") -> dict[str, bytes]:
        """What goes into the holes of `body` for a visitor with `count` pieces in the cart."""
        if not body.holes:
            return {}
        return {"badge": self.templates.badge(count).encode(), "notice": notice, "offer": offer}


def address(scope: Scope, host: bytes) -> Key:
    """All of a request for a public page that decides which page it is, unless htmx asks."""
    return scope["scheme"], host, scope["raw_path"], scope["query_string"]


def respond(
    body: Body, values: dict[str, bytes], *, personal: bool, accepts: str, known: str, rules: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content. `personal` says whether the visitor sent cookies, `accepts` is Accept-Encoding,
    `known` If-None-Match, `rules` where a page's Speculation-Rules are."""
    gzip = takes_gzip(accepts[:MOST_ACCEPT])
    holes = hashlib.blake2b(b"\0".join(values.values()), digest_size=6).hexdigest() if values else ""
    etag = f'"{body.tag}{holes}{"-gz" if gzip else ""}"'
    headers = {
        "vary": f"{VARY}, Accept-Encoding",
        "cache-control": KEPT_BY_BROWSERS if personal or values.get("offer") else KEPT_BY_ALL,
        "etag": etag,
    }
    if rules and body.holes:
        headers["speculation-rules"] = f'"{rules}"'
    if values.get("notice"):
        # Said once: neither a cache nor Back may say it again.
        headers["cache-control"] = "no-store"
        del headers["etag"]
    elif known and _matches(known, etag):
        return 304, headers, b""
    if gzip:
        headers["content-encoding"] = "gzip"
    return 200, headers, body.fill_gzip(values) if gzip else body.fill(values)


@lru_cache(maxsize=MOST_ACCEPTED)
def takes_gzip(accepts: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110, 12.5.3)."""
    allowed = {}
    for one in accepts.lower().split(","):
        coding, _, weight = one.partition(";")
        allowed[coding.strip()] = not NO_WEIGHT.fullmatch(weight.replace(" ", ""))
    return allowed.get("gzip", allowed.get("x-gzip", allowed.get("*", False)))


def _matches(if_none_match: str, etag: str) -> bool:
    return any(part.strip().removeprefix("W/") in {etag, "*"} for part in if_none_match.split(","))
