"""The language of an answer, by its address: /de/cart is /cart in German. Inside, paths have no prefix; what writes a
link, a redirect or a form's action puts it back (`language.at`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from storefront import language
from storefront.language import LANGUAGES, Language, spoken
from storefront.web.edge import ASGI, Receive, Scope, Send

# What is no page for people has one address only.
ONE_ADDRESS = (
    "/static/",
    "/sandbox/",
    "/webhooks/",
    "/api/",
    "/healthz",
    "/readyz",
    "/robots.txt",
    "/sitemap.xml",
)

INSIDE = (b"same-origin", b"same-site")


@dataclass
class Speech:
    """In front of `app`. A path that begins with a language's code loses it, and the answer is in that language."""

    app: ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        found, path = language.without_prefix(scope["path"])
        if not path:
            await _home(scope, send)
            return
        if not path.startswith(ONE_ADDRESS):
            scope["path"] = path
        with language.speaking(found.code):
            await self.app(scope, receive, send)


async def _home(scope: Scope, send: Send) -> None:
    """/de is meant for /de/."""
    query = scope["query_string"]
    to = scope["path"].encode() + b"/" + (b"?" + query if query else b"")
    headers = [(b"location", to), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def wish(headers: Mapping[bytes, bytes], code: str) -> Language | None:
    """The language to be offered to whoever comes from elsewhere to a page in the language `code`. Inside the shop
    nobody is asked again."""
    accepts = headers.get(b"accept-language")
    if not accepts or headers.get(b"sec-fetch-site") in INSIDE:
        return None
    return language.other_wish(accepts.decode("latin-1"), code)


def in_languages(path: str, base: str = "") -> list[dict[str, str | bool]]:
    """Where the page at `path` is in each language, the default first; `base` is an origin to put before."""
    here, path = spoken(), "/" + path.lstrip("/")
    return [
        {"code": one.code, "name": one.name, "url": f"{base}{one.prefix}{path}", "current": one is here}
        for one in LANGUAGES.values()
    ]
