"""Errors, and the owner's own pages."""

from storefront.language import gettext as _
from storefront.web.errors import SENTENCES, ways_on
from storefront.web.templates import Templates
from storefront.workshop.pages.kinds import Make, Pages


def failure(status: int) -> Make:
    def make(templates: Templates, currency: str) -> str:
        title, text = map(_, SENTENCES[status])
        error = {"status": status, "title": title, "text": text, "links": ways_on()}
        error["error_id"] = "4f2a9c01d3e85b76" if status == 500 else ""
        return templates.page("errors/error.html", title=title, path="", error=error)

    return make


def owners(slug: str) -> Make:
    return lambda templates, _: templates.page(
        f"pages/{slug}.html", title=slug.title(), path=f"/pages/{slug}"
    )


PAGES: Pages = (
    *((f"error-{status}", f"Error {status}", failure(status)) for status in (403, 404, 429, 500, 503)),
    *(
        (f"page-{slug}", slug.title(), owners(slug))
        for slug in ("contact", "imprint", "privacy", "returns", "terms")
    ),
)
