"""What the workshop works with, and the few pages of its own. They are no part of the shop's look, and work also
while its templates do not."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.response import Response

from storefront.settings import Settings
from storefront.web.answers import html
from storefront.web.templates import Templates

HERE = Path(__file__).parent
NOT_KEPT = {"cache-control": "no-store", "x-robots-tag": "noindex"}


@dataclass
class WorkshopRoom:
    settings: Settings
    templates: Templates

    @cached_property
    def own(self) -> Environment:
        found = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.globals["live_script"] = self.templates.live_script
        return found

    def page(self, template: str, status: int = 200, **names: Any) -> Response[Any]:
        """A page of the workshop's own."""
        return html(self.own.get_template(template).render(names), status, headers=dict(NOT_KEPT))


def file(name: str, media_type: str) -> Response[bytes]:
    """A file of the workshop's own."""
    return Response((HERE / "static" / name).read_bytes(), media_type=media_type, headers=dict(NOT_KEPT))
