"""What goes wrong, as answers: a page with a way on, or for htmx a notice. Never a trace."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from storefront.database import Busy, unreachable
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.answers import SECRET, html, known_count, redirect
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

log = structlog.get_logger()

Links: TypeAlias = list[dict[str, str]]
Explain: TypeAlias = Callable[[ShopRequest, Exception], Response[Any] | None]


def ways_on() -> Links:
    return [{"label": _("See all products"), "url": "/products"}, {"label": _("Your cart"), "url": "/cart"}]


SENTENCES = {
    400: (later("The shop could not read that"), later("Please go back and try again.")),
    403: (
        later("This came from another site"),
        later("For your safety the shop did nothing. Open the page here and try again."),
    ),
    404: (later("We could not find that page"), later("It may have moved, or the link is incomplete.")),
    405: (later("That cannot be done here"), later("Please go back and use the page's own buttons.")),
    408: (later("That took too long to arrive"), later("Please send it again.")),
    413: (later("That was too much at once"), later("Please send less.")),
    415: (later("This form arrived in a way that the shop does not read"), later("Please send it again.")),
    422: (later("Something in that was not right"), later("Please go back and check what you entered.")),
    429: (later("That was very often in a short time"), later("Please wait a moment and try again.")),
    431: (later("Your browser sent too much with that"), later("Clear this site's cookies and try again.")),
    500: (
        later("Something went wrong on our side"),
        later("Nothing was lost. Please try again in a moment."),
    ),
    503: (later("The shop is very busy"), later("Nothing was lost. Please try again in a moment.")),
}


@dataclass
class Refused(Exception):
    """An answer other than success, with the words that a person reads. Raising it rolls back."""

    status: int
    title: str = ""
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    links: Links = field(default_factory=ways_on)


@dataclass
class SendTo(Exception):
    """Only another page of the shop can help: a redirect that suits the asker. Raising it rolls back."""

    url: str


def not_found() -> Refused:
    """Unknown, or somebody else's: nobody can tell which."""
    return Refused(404)


def answer_error(request: ShopRequest, error: Exception) -> Response[Any]:
    """The one handler for every exception that leaves a handler."""
    if isinstance(error, SendTo):
        return redirect(request, error.url)
    templates: Templates = request.app.state.templates
    refused = as_refused(error)
    error_id = ""
    if refused.status >= 500 and not isinstance(error, Refused):
        error_id = str(request.scope.get("request_id", ""))
        log.error("unhandled", error_id=error_id, kind=type(error).__name__, exc_info=error)
        explained = _explained(request, error)
        if explained is not None:
            return explained
    title, text = SENTENCES.get(refused.status, SENTENCES[400 if refused.status < 500 else 500])
    title, text = refused.title or _(title), refused.text or _(text)
    if request.wants_fragment and refused.status < 500:
        content = templates.render("errors/notice.html", text=f"{title}. {text}", kind="error")
        headers = {"hx-retarget": "#notice", "hx-reswap": "innerHTML"}
    else:
        content = templates.page(
            "errors/error.html",
            title=title,
            # Not request.url, which cannot be made of every Host that the probes answer.
            path=request.scope["path"],
            noindex=True,
            count=known_count(request),
            error={
                "status": refused.status,
                "title": title,
                "text": text,
                "error_id": error_id,
                "links": refused.links,
            },
        )
        headers = {}
    return html(content, refused.status, headers={**SECRET, **headers, **refused.headers})


def _explained(request: ShopRequest, error: Exception) -> Response[Any] | None:
    """In development: the workshop's page about a mistake in a template."""
    explain: Explain | None = request.app.state.get("explain")
    return explain(request, error) if explain else None


def as_refused(error: Exception) -> Refused:
    """Any exception as the answer it deserves; what we do not know is our own bug, a 500."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Busy):
        return Refused(503, headers={"retry-after": "2"})
    if isinstance(error, HTTPException):
        # Litestar says 404 for a path parameter that does not fit its type, 405, 413 for a body too large.
        headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in {"allow", "connection"}}
        return Refused(error.status_code if error.status_code in SENTENCES else 400, headers=headers)
    if unreachable(error):
        title, text = SENTENCES[500]
        return Refused(503, _(title), _(text), headers={"retry-after": "2"})
    return Refused(500)
