"""Live reload: an open page asks twice a second whether something was saved. Asking again and again costs little, needs
no connection for each tab, and leaves nothing open that would hold up the server's end."""

from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from storefront.web.edge import LIVE
from storefront.workshop.room import NOT_KEPT, WorkshopRoom, file

# Seconds: with the pause between two questions, a page is new within one.
LOOK_EVERY = 0.1


class LiveController(Controller):
    @get(LIVE)
    async def saved(self, workshop_room: NamedDependency[WorkshopRoom]) -> Response[dict[str, Any]]:
        """`page`: a number that changes when anything but a style was saved; `styles`: where each one is by now."""
        templates = workshop_room.templates
        saved = templates.saved(LOOK_EVERY)
        return Response({"page": saved.pages, "styles": templates.styles()}, headers=dict(NOT_KEPT))

    @get(f"{LIVE}.js")
    async def script(self) -> Response[bytes]:
        return file("live.js", "text/javascript; charset=utf-8")

    @get("/_workshop/workshop.css")
    async def looks(self) -> Response[bytes]:
        return file("workshop.css", "text/css; charset=utf-8")
