"""What belongs to no room: the owner's pages, robots.txt, and the probes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateNotFound
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.language import LANGUAGES, later
from storefront.language import gettext as _
from storefront.settings import Settings
from storefront.web.answers import PRIVATE
from storefront.web.errors import not_found
from storefront.web.public import PublicPages
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

PAGES = {
    "imprint": later("Imprint"),
    "terms": later("Terms"),
    "privacy": later("Privacy"),
    "returns": later("Returns"),
    "contact": later("Contact"),
}
NOT_FOR_ROBOTS = (
    "/cart",
    "/checkout",
    "/orders/",
    "/withdraw",
    "/search",
    "/api/",
    "/webhooks/",
    "/account",
    "/admin",
    "/sandbox/",
)

Check = Callable[[], Awaitable[dict[str, Any]]]


@dataclass
class SiteRoom:
    """`ready` gives what /readyz shows; its "ok" decides between 200 and 503."""

    settings: Settings
    templates: Templates
    public: PublicPages
    ready: Check


class SiteController(Controller):
    @get("/pages/{slug:str}")
    async def page(
        self, request: ShopRequest, slug: FromPath[str], site_room: NamedDependency[SiteRoom]
    ) -> Response[Any]:
        room = site_room
        base = room.settings.base_url or request.origin
        if slug not in PAGES:
            raise not_found()

        async def build() -> str:
            try:
                title = _(PAGES[slug])
                return room.templates.page(
                    room.templates.in_language(f"pages/{slug}.html"),
                    title=title,
                    path=f"/pages/{slug}",
                    description=_("%(page)s of %(shop)s.", page=title, shop=room.settings.shop_name),
                    canonical=f"{base}/pages/{slug}",
                    holes=True,
                )
            except TemplateNotFound:
                raise not_found() from None

        return await room.public.answer(request, ("page", base, slug), build)

    @get("/robots.txt", media_type="text/plain")
    async def robots(self, request: ShopRequest, site_room: NamedDependency[SiteRoom]) -> Response[str]:
        base = site_room.settings.base_url or request.origin
        paths = [one.prefix + path for one in LANGUAGES.values() for path in NOT_FOR_ROBOTS]
        rules = "\n".join(f"Disallow: {path}" for path in paths)
        text = f"User-agent: *\n{rules}\n\nSitemap: {base}/sitemap.xml\n"
        return Response(text, media_type="text/plain", headers={"cache-control": "public, max-age=3600"})

    @get("/healthz")
    async def alive(self) -> Response[dict[str, str]]:
        """The process answers."""
        return Response({"status": "ok"}, headers=dict(PRIVATE))

    @get("/readyz")
    async def ready(self, site_room: NamedDependency[SiteRoom]) -> Response[dict[str, Any]]:
        """The database answers and stands at the newest migration."""
        details = await site_room.ready()
        return Response(details, status_code=200 if details["ok"] else 503, headers=dict(PRIVATE))
