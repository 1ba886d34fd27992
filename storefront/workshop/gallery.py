"""The gallery: /_gallery lists every state, shows the chosen one at a width, light or dark, in any language. Each state
is a page at an address of its own, frozen: nothing in it asks the shop for anything."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.language import LANGUAGES, speaking
from storefront.outbox.mailer import Mailer
from storefront.web.answers import html
from storefront.web.errors import not_found
from storefront.web.request import ShopRequest
from storefront.workshop.room import NOT_KEPT, WorkshopRoom, file

if TYPE_CHECKING:
    # The samples are read when somebody first looks at them: a start need not wait for that.
    from storefront.workshop.states import Stage, State

WIDTHS = {"": "full", "360": "360", "768": "768", "1280": "1280"}
SCHEMES = {"": "as the system", "light": "light", "dark": "dark"}
# Of the shop's scripts none runs here: an order's page would ask for an order that nobody placed.
SCRIPT = re.compile(r'<script(?! type="application/ld\+json")[^>]*>.*?</script>\s*', re.S)
DARK_MEDIA = re.compile(r"\(prefers-color-scheme: dark\)")
FRAMED = {"x-frame-options": "SAMEORIGIN"}
POLICY = (
    "default-src 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; frame-src 'self'; style-src 'self'"
)


@dataclass(frozen=True)
class Asked:
    """How a state is to be shown."""

    width: str
    scheme: str
    language: str

    @classmethod
    def of(cls, request: ShopRequest) -> "Asked":
        def known(name: str, among: Any, usual: str = "") -> str:
            given = request.query_params.get(name, "")
            return given if given in among else usual

        return cls(known("width", WIDTHS), known("scheme", SCHEMES), known("language", LANGUAGES, "en"))

    def query(self, **more: str) -> str:
        values = {"width": self.width, "scheme": self.scheme, "language": self.language} | more
        said = {
            name: value for name, value in values.items() if value and (name, value) != ("language", "en")
        }
        return f"?{urlencode(said)}" if said else ""


class GalleryController(Controller):
    @get("/_gallery")
    async def index(
        self, request: ShopRequest, workshop_room: NamedDependency[WorkshopRoom]
    ) -> Response[Any]:
        """The list, and the state that `state` names in a frame."""
        from storefront.workshop.states import BY_NAME

        asked = Asked.of(request)
        state = BY_NAME.get(request.query_params.get("state", ""))
        answer = workshop_room.page(
            "gallery.html",
            state=state,
            groups=_groups(),
            asked=asked,
            choices={
                "width": WIDTHS,
                "scheme": SCHEMES,
                "language": {one.code: one.name for one in LANGUAGES.values()},
            },
        )
        answer.headers["content-security-policy"] = POLICY
        return answer

    @get("/_gallery/{name:str}")
    async def state(
        self, request: ShopRequest, name: FromPath[str], workshop_room: NamedDependency[WorkshopRoom]
    ) -> Response[Any]:
        """One state; of a message its HTML."""
        state, asked = _state(name), Asked.of(request)
        content = _rendered(workshop_room, state, asked)
        policy = POLICY
        if state.letter:
            # Mail programs know style attributes, and the dark scheme only as a question.
            policy = policy.replace("style-src 'self'", "style-src 'unsafe-inline'")
            answers = {"light": "not all", "dark": "all"}
            content = DARK_MEDIA.sub(answers.get(asked.scheme, "(prefers-color-scheme: dark)"), content)
        else:
            content = _frozen(content, workshop_room.templates.live_script(), asked.scheme)
        return html(content, headers=NOT_KEPT | FRAMED | {"content-security-policy": policy})

    @get("/_gallery/{name:str}/text")
    async def text(
        self, request: ShopRequest, name: FromPath[str], workshop_room: NamedDependency[WorkshopRoom]
    ) -> Response[Any]:
        """A message's subject and plain text."""
        state, asked = _state(name), Asked.of(request)
        if state.letter is None:
            raise not_found()
        with speaking(asked.language):
            stage = _stage(workshop_room, asked)
            mail = stage.mailer.compose(state.letter(stage))
        body = mail.get_body(("plain",))
        content = f"Subject: {mail['Subject']}\n\n{body.get_content() if body else ''}"
        policy = {"content-security-policy": POLICY}
        return Response(content, media_type="text/plain", headers=NOT_KEPT | FRAMED | policy)

    @get(["/_workshop/light.css", "/_workshop/dark.css"])
    async def scheme(self, request: ShopRequest) -> Response[bytes]:
        return file(request.url.path.rpartition("/")[2], "text/css; charset=utf-8")


def _state(name: str) -> "State":
    from storefront.workshop.states import BY_NAME

    state = BY_NAME.get(name)
    if state is None:
        raise not_found()
    return state


def _stage(room: WorkshopRoom, asked: Asked) -> "Stage":
    from storefront.workshop.states import Stage

    return Stage(room.settings, room.templates, Mailer(room.settings, room.templates), asked.language)


def _rendered(room: WorkshopRoom, state: "State", asked: Asked) -> str:
    room.templates.stamp()
    with speaking(asked.language):
        return state.make(_stage(room, asked))


def _frozen(content: str, live_script: str, scheme: str) -> str:
    """The page without the shop's scripts, leading out of the frame, and as light or dark as was asked for."""
    head = '<base target="_top">\n'
    if live_script:
        head += f'<script type="module" src="{live_script}"></script>\n'
    if scheme:
        head += f'<link rel="stylesheet" href="/_workshop/{scheme}.css">\n'
    return SCRIPT.sub("", content).replace("</head>", f"{head}</head>", 1)


def _groups() -> "dict[str, list[State]]":
    from storefront.workshop.states import STATES

    found: dict[str, list[State]] = {}
    for state in STATES:
        found.setdefault(state.group, []).append(state)
    return found
