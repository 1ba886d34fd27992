"""A mistake in a template, explained to whoever writes it: where it stands, what it may have meant, what there is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import TemplatesNotFound, UndefinedError
from jinja2.utils import missing

from storefront.settings import ROOT

AROUND = 4
UNKNOWN = re.compile(r"No (filter|test) named '([^']+)'")
# What Jinja gives to every template; nobody looks for those here.
JINJAS = frozenset({"range", "dict", "lipsum", "cycler", "joiner", "namespace", "context"})


@dataclass(frozen=True)
class Place:
    """A line of a template. `file` is as short as it can be and still be found."""

    file: str
    line: int
    path: Path

    def source(self) -> list[dict[str, Any]]:
        """The lines around it."""
        lines = self.path.read_text("utf-8", "replace").splitlines() if self.path.is_file() else []
        first = max(self.line - AROUND, 1)
        return [
            {"number": number, "text": text, "here": number == self.line}
            for number, text in enumerate(lines[first - 1 : self.line + AROUND], first)
        ]


@dataclass(frozen=True)
class Explained:
    """`text` is one sentence; `nearest` are names that look like the wrong one, `available` all that there are."""

    text: str
    place: Place | None
    way: list[Place] = field(default_factory=list)
    nearest: list[str] = field(default_factory=list)
    available: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """All of it in one line."""
        at = f"{self.place.file}:{self.place.line}: " if self.place else ""
        return f"{at}{self.text}{meant(self.nearest)}"


class Missing(StrictUndefined):
    """An undefined name that remembers whose it is, so that the names that there are can be listed."""

    __slots__ = ()

    def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = None) -> None:
        super().__init__(hint, obj, name, partial(MissingName, obj, name))  # type: ignore[arg-type] # makes one


class MissingName(UndefinedError):
    def __init__(self, owner: Any, name: Any, message: str | None = None) -> None:
        super().__init__(message)
        self.owner, self.name = owner, name


def explain(environment: Environment, error: BaseException) -> Explained | None:
    """What is wrong in which template; None when `error` did not come out of one."""
    frames = list(_template_frames(error))
    way = [_place(frame.f_code.co_filename, line) for frame, line in frames]
    if isinstance(error, TemplateSyntaxError):
        here = _place(error.filename or error.name or "", error.lineno)
        return _named(environment, error.message or "", here, way)
    if isinstance(error, TemplateNotFound):
        wanted = error.templates if isinstance(error, TemplatesNotFound) else [str(error.name)]
        names = environment.list_templates()
        nearest = close(str(wanted[0]), names)
        text = f"There is no template {' or '.join(map(str, wanted))}."
        return Explained(text, way[-1] if way else None, way[:-1], nearest)
    if not frames and not isinstance(error, TemplateError):
        return None
    place = way[-1] if way else None
    if isinstance(error, MissingName):
        return _missing(error, place, way[:-1], frames[-1][0] if frames else None)
    return _named(environment, f"{type(error).__name__}: {error}", place, way[:-1])


def _missing(error: MissingName, place: Place | None, way: list[Place], frame: FrameType | None) -> Explained:
    if error.owner is missing:
        known = frame.f_locals if frame else {}
        names = sorted(name for name in known if name not in JINJAS and not name.startswith("_"))
        text = f"{error.name!r} is not among the names that this template is given."
    else:
        names = sorted(map(str, _names_of(error.owner)))
        text = f"There is no {error.name!r} in what stands before the dot, which is a {type(error.owner).__name__}."
    return Explained(text, place, way, close(str(error.name), names), names)


def _names_of(owner: Any) -> Iterable[Any]:
    return owner if isinstance(owner, dict) else (name for name in dir(owner) if not name.startswith("_"))


def _named(environment: Environment, text: str, place: Place | None, way: list[Place]) -> Explained:
    """A message of Jinja's; with what is near to the filter or test that it does not know."""
    found = UNKNOWN.search(text)
    names: list[str] = []
    if found:
        names = sorted(environment.filters if found[1] == "filter" else environment.tests)
    return Explained(text, place, way, close(found[2], names) if found else [], names)


def _template_frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames that Jinja wrote anew to show the templates' own lines, from the page inwards."""
    trace = error.__traceback__
    while trace is not None:
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _place(filename: str, line: int) -> Place:
    path = Path(filename)
    short = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return Place(str(short), line, path)


def close(name: str, names: Iterable[str]) -> list[str]:
    """The names that look most like this one."""
    return get_close_matches(name, list(names), 3, 0.6)


def meant(nearest: list[str]) -> str:
    """What is said of them, as the end of a sentence."""
    return f" Did you mean {' or '.join(nearest)}?" if nearest else ""
