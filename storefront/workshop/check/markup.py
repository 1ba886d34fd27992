"""What stands in the markup itself: what the Content-Security-Policy forbids, and pictures without a size or words."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

# Jinja's tags and comments leave their lines, an expression leaves a letter that no template holds.
CODE = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.S)
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.S)
STAND_IN = "\ue000"
ELSEWHERE = re.compile(r"\s*(?:https?:)?//", re.I)
CSS_ELSEWHERE = re.compile(r"""(?:@import\s+(?:url\()?|url\()\s*["']?(?:https?:)?//""", re.I)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.S)
CSS_FILE = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^"'\s)]*))\s*\)""", re.I)
NO_FILE = re.compile(r"\w+:|//|/|#|%23|\?|$", re.I)
LOADED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "source": "srcset",
    "video": "src",
    "audio": "src",
    "iframe": "src",
}
BRING_ALONG = 'Put the file into static/ and write {{ asset("…") }}: the shop loads nothing from other sites.'


def in_markup(source: str, *, mail: bool) -> Iterator[tuple[int, str, str]]:
    """Line, mistake, and what helps. Messages (`mail`) may be styled as mail programs need it."""
    reader = _Reader(mail)
    reader.feed(_plain(source))
    reader.close()
    yield from reader.found


def in_styles(source: str) -> Iterator[tuple[int, str, str]]:
    """The same of a style sheet."""
    for number, line in enumerate(source.splitlines(), 1):
        if CSS_ELSEWHERE.search(line):
            yield (
                number,
                "A style sheet loads something from another site.",
                "Put the file into static/ beside it.",
            )


def files_of_styles(source: str) -> Iterator[tuple[int, str]]:
    """The files that a style sheet names beside itself, by line; what its comments say is none."""
    for number, line in enumerate(CSS_COMMENT.sub(_lines, source).splitlines(), 1):
        for wanted in map("".join, CSS_FILE.findall(line)):
            if not NO_FILE.match(wanted.strip()):
                yield number, wanted.partition("#")[0].partition("?")[0].strip()


def _lines(code: re.Match[str]) -> str:
    return "\n" * code[0].count("\n")


def _plain(source: str) -> str:
    """The markup without Jinja, each line where it was."""
    return EXPRESSION.sub(lambda code: STAND_IN + _lines(code), CODE.sub(_lines, source))


class _Reader(HTMLParser):
    def __init__(self, mail: bool) -> None:
        super().__init__()
        self.mail = mail
        self.found: list[tuple[int, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            self._look_at(tag, name, value)
        if tag == "img" and STAND_IN not in given:
            self._picture(given)
        if tag == "style" and not self.mail:
            self._say(
                "<style> is forbidden by the Content-Security-Policy.", "Write it into static/css/theme.css."
            )
        if tag == "script" and "src" not in given and given.get("type") != "application/ld+json":
            self._say(
                "A script in the page is forbidden by the Content-Security-Policy.",
                'Put it into static/js and load it with src="{{ asset("js/…") }}".',
            )

    handle_startendtag = handle_starttag

    def _look_at(self, tag: str, name: str, value: str) -> None:
        if name == "style" and not self.mail:
            self._say(
                "style= is forbidden by the Content-Security-Policy.",
                "Give it a class, and write the style into static/css/theme.css.",
            )
        elif name.startswith("hx-on"):
            self._say(
                f"{name}= needs eval, which the Content-Security-Policy forbids.",
                "Listen in a script of static/js.",
            )
        elif name.startswith("on") and name.isalpha():
            self._say(
                f"{name}= is forbidden by the Content-Security-Policy.", "Listen in a script of static/js."
            )
        elif name == "hx-trigger" and "[" in value:
            self._say(
                "A filter in hx-trigger needs eval, which the Content-Security-Policy forbids.",
                "Listen in a script of static/js.",
            )
        elif value.strip().lower().startswith(("javascript:", "js:")):
            self._say(
                f"{name}= holds a script, which the Content-Security-Policy forbids.",
                "Listen in a script of static/js.",
            )
        elif LOADED.get(tag) == name and ELSEWHERE.match(value) and not self.mail:
            self._say(f"<{tag}> loads {value.strip()} from another site.", BRING_ALONG)

    def _picture(self, given: dict[str, str]) -> None:
        missing = [name for name in ("width", "height", "alt") if name not in given]
        if missing:
            self._say(
                f"A picture without {' and '.join(missing)}.",
                "The size keeps the page from jumping; alt says what it shows, and is empty for decoration.",
            )

    def _say(self, text: str, help: str) -> None:
        self.found.append((self.getpos()[0], text, help))
