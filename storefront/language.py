"""The language in which a visitor is answered: translations by gettext, formats by Babel, addresses by prefix.

The default language has plain addresses, every other stands behind its code: /cart and /de/cart. What is being
answered is in a context variable, so that sentences need not be handed a language by everybody who says one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent / "locales"


@dataclass(frozen=True, slots=True)
class Language:
    """`code` stands in addresses and in `lang`, `name` is what its speakers call it, `locale` is Babel's."""

    code: str
    name: str
    locale: str
    direction: str = "ltr"
    prefix: str = ""


ENGLISH = Language("en", "English", "en_US")
LANGUAGES = {"en": ENGLISH, "de": Language("de", "Deutsch", "de_DE", prefix="/de")}

_spoken: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def spoken() -> Language:
    """The language of the answer that is being made."""
    return _spoken.get()


@contextmanager
def speaking(code: str) -> Iterator[Language]:
    """Answer in the language `code` inside; one that is not known counts as the default."""
    language = LANGUAGES.get(code, ENGLISH)
    token = _spoken.set(language)
    try:
        yield language
    finally:
        _spoken.reset(token)


def gettext(text: str, **values: object) -> str:
    """`text` in the spoken language, its %(name)s filled with `values`."""
    found = _messages(_spoken.get().code).get(text, text)
    return found % values if values else found


def ngettext(one: str, many: str, n: int, **values: object) -> str:
    """The form for `n`, its %(name)s filled with `values` and n as %(n)s."""
    code = _spoken.get().code
    found = _plurals(code).get(one, (one, many))[n != 1]
    return found % {"n": n, **values}


def at(path: str) -> str:
    """Where a page of the shop is in the spoken language: `path` as it is without a prefix."""
    return _spoken.get().prefix + path


@cache
def _messages(code: str) -> dict[str, str]:
    """What is translated, by the English; read when it is first needed."""
    return {one: said for one, said in _entries(code) if isinstance(one, str) and isinstance(said, str)}


@cache
def _plurals(code: str) -> dict[str, tuple[str, ...]]:
    return {
        one[0]: said for one, said in _entries(code) if isinstance(one, tuple) and isinstance(said, tuple)
    }


@cache
def _entries(code: str) -> list[tuple[object, object]]:
    path = FOLDER / code / "LC_MESSAGES" / "shop.po"
    if not path.exists():
        return []
    with path.open("rb") as file:
        return [
            (message.id, message.string)
            for message in read_po(file, locale=code, abort_invalid=True)
            if message.id and message.string and not message.fuzzy
        ]
