"""The gallery's states: what it lists, axe looks at, pictures are made of and `theme check` renders.

A state is one page, one sheet of a component in all its forms, or one message. Pages and messages are made by the
shop's own views and templates from what is in samples/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.settings import Settings
from storefront.web.templates import Templates
from storefront.workshop import pages, sheets
from storefront.workshop.samples import letters

MAIL = "mail"


@dataclass
class Stage:
    """What states are made with."""

    settings: Settings
    templates: Templates
    mailer: Mailer
    language: str = "en"


@dataclass(frozen=True)
class State:
    """`name` is its address, and up to the first "-" the group that it is listed in; `make` gives its HTML. For a
    message `letter` gives what is sent."""

    name: str
    title: str
    make: Callable[[Stage], str]
    letter: Callable[[Stage], Message] | None = None

    @property
    def group(self) -> str:
        return self.name.partition("-")[0]


def _page(name: str, title: str, make: Callable[[Templates, str], str]) -> State:
    return State(name, title, lambda stage: make(stage.templates, stage.settings.currency))


def _mail(name: str, title: str, write: Callable[..., Message], *about: Any, **more: Any) -> State:
    def letter(stage: Stage) -> Message:
        return write(stage.settings, *about, language=stage.language, **more)

    def html(stage: Stage) -> str:
        body = stage.mailer.compose(letter(stage)).get_body(("html",))
        assert body is not None
        return str(body.get_content())

    return State(f"{MAIL}-{name}", title, html, letter)


STATES: tuple[State, ...] = (
    *(_page(f"parts-{name}", title, make) for name, title, make in sheets.SHEETS),
    *(_page(name, title, make) for name, title, make in pages.PAGES),
    *(_mail(name, name, letters.about_order, name) for name in letters.ORDERS),
    _mail("order-paid-download", "order-paid: a download", letters.about_order, "order-paid", download=True),
    *(
        _mail(f"account-{name}", f"account-{name}", letters.about_account, f"account-{name}")
        for name in letters.ABOUT_ACCOUNTS
    ),
    *(
        _mail(f"account-notice-{what}", f"account-notice: {what}", letters.about_change, what)
        for what in letters.CHANGES
    ),
    *(
        _mail(name, name, letters.about_withdrawal, name)
        for name in ("withdrawal-received", "withdrawal-owner")
    ),
    _mail("owner-event", "owner-event", letters.about_event),
)
BY_NAME = {state.name: state for state in STATES}
