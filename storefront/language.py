"""The language in which a visitor is answered: translations by gettext, formats by Babel, addresses by prefix.

The default language has plain addresses, every other stands behind its code: /cart and /de/cart. What is being
answered is in a context variable, so that sentences need not be handed a language by everybody who says one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from gettext import c2py  # the plural rule of a catalogue as a function
from pathlib import Path

from babel.numbers import format_decimal

FOLDER = Path(__file__).parent / "locales"
WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)")
# Of an Accept-Language so many characters are read, and so many of them are kept.
MOST_WISH, MOST_WISHES = 200, 1_000


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


def gettext(text: str, /, **values: object) -> str:
    """`text` in the spoken language, its %(name)s filled with `values`."""
    found = translated(_spoken.get().code, text)
    return found % values if values else found


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """The form for `n`, its %(name)s filled with `values` and n as %(n)s."""
    language = _spoken.get()
    return plural(language.code, one, many, n) % {"n": number(n), **values}


def later(text: str) -> str:
    """`text` as it is: marks a sentence that stands in a table and is translated when it is said."""
    return text


def at(path: str) -> str:
    """Where a page of the shop is in the spoken language: `path` as it is without a prefix. Other sites' addresses
    and nothing stay what they are."""
    return _spoken.get().prefix + path if path.startswith("/") else path


def prefix_of(code: str) -> str:
    """What stands before the paths of a language: nothing for the default, and for one that is no longer spoken."""
    return LANGUAGES.get(code, ENGLISH).prefix


def without_prefix(path: str) -> tuple[Language, str]:
    """The language that a path names, and the path without it; a path of no language is the default's."""
    language = LANGUAGES.get(path[1:].partition("/")[0])
    if language is None or not language.prefix or not path.startswith("/"):
        return ENGLISH, path
    return language, path.removeprefix(language.prefix)


def other_wish(accept_language: str, code: str) -> Language | None:
    """The language that a browser asks for before the one that is spoken at `code`, by its Accept-Language (RFC 9110,
    12.5.4); None when that one is wished, or nothing that the shop speaks."""
    wished = _wished(accept_language[:MOST_WISH])
    return LANGUAGES[wished] if wished and wished != code else None


@lru_cache(maxsize=MOST_WISHES)
def _wished(accept_language: str) -> str:
    """The code of the language that is spoken and wished most; "" for none."""
    found, most = "", 0.0
    for one in accept_language.split(","):
        tag, _, weight = one.partition(";")
        code = tag.strip().lower().partition("-")[0]
        value = WEIGHT.fullmatch(weight.replace(" ", "")) if weight else None
        worth = float(value[1]) if value else float(not weight)
        if code in LANGUAGES and worth > most:
            found, most = code, worth
    return found


def number(n: int) -> str:
    """A count as people write it: 1,234 or 1.234."""
    return str(n) if -1000 < n < 1000 else str(format_decimal(n, locale=_spoken.get().locale))


def moment(at: datetime) -> str:
    """A moment as people write it, in UTC: 5 March 2026, 09:30 UTC."""
    return dated(at, gettext("d MMMM y, HH:mm 'UTC'"))


def day(at: datetime) -> str:
    """A day as people write it: 5 March 2026."""
    return dated(at, gettext("d MMMM y"))


def clock(at: datetime) -> str:
    """A time of the day, in UTC: 09:30 UTC."""
    return dated(at, gettext("HH:mm 'UTC'"))


def territory(code: str) -> str:
    """A country's name, by its code of two letters."""
    return territories(_spoken.get().locale).get(code, code)


@cache
def territories(locale: str) -> Mapping[str, str]:
    """The names of all countries, and of other territories, by their codes."""
    from babel.core import Locale

    return dict(Locale.parse(locale).territories)


def dated(at: datetime, pattern: str) -> str:
    """A moment by a pattern of Unicode's (https://unicode.org/reports/tr35/tr35-dates.html), in the spoken language."""
    # Few pages tell a time, and no start should wait for all the time zones.
    from babel.dates import format_datetime

    return str(format_datetime(at, pattern, locale=_spoken.get().locale))


def translated(code: str, text: str) -> str:
    """What is said for the English `text`; without a translation the English."""
    return _book(code).single.get(text, text)


def plural(code: str, one: str, many: str, n: int) -> str:
    """The form for `n` in the language's own rule."""
    book = _book(code)
    said = book.plural.get(one)
    if said is None:
        return one if n == 1 else many
    return said[book.form(n)]


@dataclass(frozen=True, slots=True)
class Book:
    """What is translated, by the English, and which of the plural's forms goes with a number."""

    single: dict[str, str]
    plural: dict[str, tuple[str, ...]]
    form: Callable[[int], int]


@cache
def _book(code: str) -> Book:
    path = FOLDER / code / "LC_MESSAGES" / "shop.po"
    single: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    if not path.exists():
        return Book(single, plurals, lambda n: int(n != 1))
    # The default language has no translations, and its start should not wait for what reads them.
    from babel.messages.plurals import get_plural
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        for message in read_po(file, locale=code, abort_invalid=True):
            if message.fuzzy or not message.id:
                continue
            if isinstance(message.id, str):
                if message.string:
                    single[message.id] = str(message.string)
            elif isinstance(message.string, tuple | list) and all(message.string):
                plurals[message.id[0]] = tuple(message.string)
    return Book(single, plurals, c2py(get_plural(code).plural_expr))
