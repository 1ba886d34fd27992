"""Checking the shop's own templates, or a theme over them."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import TemplateSyntaxError, nodes

from storefront.language import speaking
from storefront.outbox.mailer import Mailer
from storefront.settings import ROOT, Settings
from storefront.web.assets import Assets
from storefront.web.templates import Templates
from storefront.workshop.check import kept, markup, names
from storefront.workshop.check.given import Given, given
from storefront.workshop.check.problem import Problem
from storefront.workshop.explain import Missing, close, explain, meant
from storefront.workshop.states import STATES, Stage

DECLARE = "Say at the top which names it is given: {# given: … #}."
ENDINGS = {".html", ".txt"}


def check(settings: Settings, *, render: bool = True) -> list[Problem]:
    """Every mistake in the theme of `settings`, or without one in the shop's own templates. With `render` each state of
    the gallery is made too, which finds keys that are not there."""
    checked = _Checked(settings)
    if unread := sorted(checked.unreadable()):
        return unread
    found = {problem for file in checked.files for problem in checked.problems(file)}
    found |= set(checked.styles())
    if render and not found:
        found |= set(checked.rendered())
    return sorted(found)


@dataclass
class _Checked:
    settings: Settings

    @cached_property
    def folder(self) -> Path:
        return Path(self.settings.theme) if self.settings.theme else ROOT

    @cached_property
    def templates(self) -> Templates:
        made = Templates(self.settings, Assets(self.settings))
        made.environment.undefined = Missing
        return made

    @cached_property
    def files(self) -> list[Path]:
        below = self.folder / "templates"
        return sorted(file for file in below.rglob("*") if file.suffix in ENDINGS and file.is_file())

    @cached_property
    def known(self) -> list[str]:
        return self.templates.environment.list_templates()

    @cached_property
    def statics(self) -> list[str]:
        found = (
            file.relative_to(folder).as_posix()
            for kind in self.templates.static_folders
            for folder, file in ((kind, one) for one in kind.rglob("*"))
            if file.is_file()
        )
        return sorted(found)

    @cached_property
    def sheets(self) -> list[Path]:
        return sorted((self.folder / "static").rglob("*.css"))

    def unreadable(self) -> Iterator[Problem]:
        """What nobody can go on from, the shop least of all."""
        for file in (*self.files, *self.sheets):
            try:
                file.read_text("utf-8")
            except UnicodeDecodeError as error:
                line = error.object[: error.start].count(b"\n") + 1
                shown = file.relative_to(self.folder).as_posix()
                yield Problem(shown, line, "This is not UTF-8.", "Save the file in that encoding.")

    def problems(self, file: Path) -> Iterator[Problem]:
        name = file.relative_to(self.folder / "templates").as_posix()
        shown = file.relative_to(self.folder).as_posix()
        source = file.read_text("utf-8")
        for line, text, help in markup.in_markup(source, mail=name.startswith("emails/")):
            yield Problem(shown, line, text, help)
        try:
            tree = self.templates.environment.parse(source, name, str(file))
        except TemplateSyntaxError as error:
            yield Problem(shown, error.lineno, error.message or "It cannot be read.")
            return
        for line, text in self._asks(name, source, tree):
            yield Problem(shown, line, text)

    def _asks(self, name: str, source: str, tree: nodes.Template) -> Iterator[tuple[int, str]]:
        environment = self.templates.environment
        for line, tag, wanted, _ in names.templates_asked_for(tree):
            if not any(one in self.known for one in wanted):
                yield line, f"{tag}: there is no template {wanted[0]}.{meant(close(wanted[0], self.known))}"
        yield from names.unknown_words(tree, environment)
        yield from names.unknown_calls(tree, self.templates.asset, self.statics)
        declared = given(source)
        allowed = self._allowed(name)
        if declared is None:
            declared = allowed or Given(frozenset(), frozenset())
            if allowed is None and not self._blocks_only(tree):
                yield 1, DECLARE
        elif allowed is not None:
            more = sorted(declared.names - allowed.names - set(environment.globals))
            if more:
                yield 1, f"The shop does not give {', '.join(more)} to {name}; it gives {_listed(allowed)}."
        yield from names.undeclared(tree, declared, environment.globals)
        have = declared.names | set(environment.globals)
        yield from names.lacking(tree, have, self._needs)
        yield from kept.not_kept_by(tree, have, environment, self._needs)

    def _allowed(self, name: str) -> Given | None:
        """What the shop's own template of that name is given, where a theme's lies over it."""
        own = ROOT / "templates" / name
        return given(own.read_text("utf-8")) if self.settings.theme and own.is_file() else None

    def _blocks_only(self, tree: nodes.Template) -> bool:
        return not any(
            node.name not in self.templates.environment.globals for node in tree.find_all(nodes.Name)
        )

    @cached_property
    def _needs(self) -> dict[str, Given | None]:
        environment = self.templates.environment
        assert environment.loader is not None
        return {name: given(environment.loader.get_source(environment, name)[0]) for name in self.known}

    def styles(self) -> Iterator[Problem]:
        for file in self.sheets:
            shown, content = file.relative_to(self.folder).as_posix(), file.read_text("utf-8")
            for line, text, help in markup.in_styles(content):
                yield Problem(shown, line, text, help)
            place = file.relative_to(self.folder / "static").parent
            for line, wanted in markup.files_of_styles(content):
                path = posixpath.normpath((place / wanted).as_posix())
                if path not in self.statics:
                    yield Problem(shown, line, f"There is no file {path}.{meant(close(path, self.statics))}")

    def rendered(self) -> Iterator[Problem]:
        """What only shows when pages are made from sample data; a mistake once, in however many states it shows."""
        seen: dict[tuple[str, int, str], list[str]] = {}
        stage = Stage(self.settings, self.templates, Mailer(self.settings, self.templates))
        for state in STATES:
            try:
                with speaking(stage.language):
                    state.make(stage)
            except Exception as error:
                found = explain(self.templates.environment, error)
                if found is None or found.place is None:
                    yield Problem(
                        "gallery", 0, f"{state.name} cannot be made: {type(error).__name__}: {error}."
                    )
                    continue
                path = found.place.path
                inside = path.is_relative_to(self.folder)
                shown = path.relative_to(self.folder).as_posix() if inside else found.place.file
                said = f"{found.text}{meant(found.nearest)}"
                seen.setdefault((shown, found.place.line, said), []).append(state.name)
        for (shown, line, said), (first, *others) in seen.items():
            more = f" and {len(others)} more" if others else ""
            yield Problem(shown, line, said, f"(Seen in /_gallery/{first}{more}.)")


def _listed(some: Given) -> str:
    return ", ".join(sorted(some.names)) or "nothing"
