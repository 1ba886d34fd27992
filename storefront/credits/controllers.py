"""GET /pricing: the credit packages, the same for everybody."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from storefront.credits.queries import packages
from storefront.database import Database
from storefront.language import gettext as _
from storefront.settings import Settings
from storefront.web.public import PublicPages
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates


@dataclass(frozen=True)
class CreditsRoom:
    settings: Settings
    database: Database
    templates: Templates
    public: PublicPages


class CreditsController(Controller):
    @get("/pricing")
    async def pricing(
        self, request: ShopRequest, credits_room: NamedDependency[CreditsRoom]
    ) -> Response[Any]:
        room = credits_room
        base = room.settings.base_url or request.origin

        async def build() -> str:
            return room.templates.page(
                "credits/pricing.html",
                title=_("Credits"),
                path="/pricing",
                description=_("Credit packages of %(shop)s.", shop=room.settings.shop_name),
                canonical=f"{base}/pricing",
                holes=True,
                packages=await packages(room.database.glance, room.settings.currency),
            )

        return await room.public.answer(request, ("pricing", base), build)
