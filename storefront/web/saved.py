"""What lies in the folders of templates and static files, as two numbers that change when something is saved."""

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Saved(NamedTuple):
    """`styles` changes with what stands in style sheets, `pages` with everything else."""

    pages: int = 0
    styles: int = 0

    @property
    def stamp(self) -> int:
        return self.pages << 32 | self.styles


def look(folders: Iterable[Path]) -> Saved:
    """The folders as they are now. A file that comes, goes or is replaced by an older one counts as saved."""
    pages = styles = 0
    for folder in folders:
        for path, state in _files(str(folder)):
            if path.endswith(".css"):
                styles = zlib.crc32(f"{path} {state}".encode(), styles)
                state = ""
            pages = zlib.crc32(f"{path} {state}".encode(), pages)
    return Saved(pages, styles)


def _files(folder: str) -> Iterator[tuple[str, str]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                with suppress(FileNotFoundError):
                    found = entry.stat()
                    yield entry.path, f"{found.st_mtime_ns} {found.st_size}"
