"""Copying the shop's own files into a theme, and what has changed in them since.

Beside each copy the theme keeps the original that it came from, in `.originals/`: only so can be shown what changed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from storefront.settings import ROOT

KINDS = ("templates", "static")
ORIGINALS = ".originals"
# How a remark is written in a file of this kind, as its first line; a picture carries none.
REMARKS = {".html": "{{# {} #}}", ".txt": "{{# {} #}}", ".css": "/* {} */", ".js": "// {}"}


class NotEjected(Exception):
    """The file was left as it is. The message says why."""


@dataclass(frozen=True)
class Change:
    """A file of a theme whose original is not what it was. `lines` are a unified diff of the original then and now;
    empty for a picture, and where nobody knows what it was."""

    path: str
    text: str
    lines: tuple[str, ...] = ()


def eject(theme: Path, wanted: str) -> str:
    """Copy `wanted` ("cart/_line.html", "css/tokens.css", with or without its folder) into `theme`; gives its path
    there. Raises LookupError when the shop has no such file, NotEjected when the theme has one already."""
    path = find(wanted)
    target = theme / path
    if target.exists():
        raise NotEjected(f"{path} is in the theme already")
    content = (ROOT / path).read_bytes()
    remark = REMARKS.get(target.suffix, "").format(f"From the shop's own {path}, version {version(content)}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes((f"{remark}\n" if remark else "").encode() + content)
    keep(theme, path)
    return path


def keep(theme: Path, path: str) -> None:
    """From now on the theme's file counts as made from today's original."""
    kept = theme / ORIGINALS / path
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes((ROOT / path).read_bytes())


def find(wanted: str) -> str:
    """The path of one of the shop's own files, from the folder of its kind on. Raises LookupError."""
    tries = [wanted, *(f"{kind}/{wanted}" for kind in KINDS)]
    for path in tries:
        file = (ROOT / path).resolve()
        if file.is_file() and any(file.is_relative_to(ROOT / kind) for kind in KINDS):
            return file.relative_to(ROOT).as_posix()
    raise LookupError(f"the shop has no template and no static file {wanted}")


def version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def changes(theme: Path) -> Iterator[Change]:
    """Each file that lies over one of the shop's own whose original changed, or of which nobody knows the original."""
    for path in overridden(theme):
        now, kept = ROOT / path, theme / ORIGINALS / path
        if not now.is_file():
            yield Change(path, "the shop no longer has this file")
        elif not kept.is_file():
            yield Change(path, "it was not ejected, so what changes in the original is not known")
        elif kept.read_bytes() != now.read_bytes():
            yield Change(path, "the original has changed", tuple(_difference(kept, now, path)))


def overridden(theme: Path) -> list[str]:
    """The files that lie over the shop's own, and those that were ejected from it."""
    files = {
        file.relative_to(theme).as_posix()
        for kind in KINDS
        for file in (theme / kind).rglob("*")
        if file.is_file()
    }
    return sorted(path for path in files if (ROOT / path).is_file() or (theme / ORIGINALS / path).is_file())


def _difference(then: Path, now: Path, path: str) -> Iterator[str]:
    try:
        old, new = then.read_text("utf-8"), now.read_text("utf-8")
    except UnicodeDecodeError:
        return
    yield from unified_diff(
        old.splitlines(), new.splitlines(), f"{path} when it was ejected", f"{path} now", lineterm=""
    )
