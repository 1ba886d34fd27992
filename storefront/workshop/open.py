"""Opening the workshop, which the app does in development."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response

from storefront.settings import Settings
from storefront.web.answers import html
from storefront.web.errors import Explain
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates
from storefront.workshop.explain import Missing, explain
from storefront.workshop.gallery import GalleryController
from storefront.workshop.live import LiveController
from storefront.workshop.room import NOT_KEPT, WorkshopRoom


@dataclass(frozen=True)
class Workshop:
    """What the app takes over: the room that handlers are given, the routes, and who explains a mistake."""

    room: WorkshopRoom
    controllers: Sequence[type[Controller]]
    explain: Explain


def open_workshop(settings: Settings, templates: Templates) -> Workshop:
    """From now on undefined names remember what they were looked for in."""
    templates.environment.undefined = Missing
    room = WorkshopRoom(settings, templates)

    def explained(request: ShopRequest, error: Exception) -> Response[Any] | None:
        found = explain(templates.environment, error)
        if found is None:
            return None
        if request.wants_fragment:
            text = room.own.get_template("notice.html").render(found=found)
            return html(text, 500, headers=NOT_KEPT | {"hx-retarget": "#notice", "hx-reswap": "innerHTML"})
        return room.page("explain.html", 500, found=found)

    return Workshop(room, (LiveController, GalleryController), explained)
