"""Pictures of products, each as WebP and JPEG in several widths: where they are, and the ASGI wrapper that serves them.

Files have names with their content's hash, such as `speckled-mug.3f2a9c1d2034-640.webp`. Those that were added lie in
MEDIA_DIR, those of the demo come with the shop. A file is looked for when somebody asks for it, so that one that
another process has just added is there at once.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from servestatic import ServeStaticASGI

from storefront.settings import ROOT, Settings
from storefront.web.edge import ASGI, Receive, Scope, Send

WIDTHS = (320, 640, 960, 1440)
PREFIX = "/static/pictures/"
OF_THE_DEMO = ROOT / "storefront" / "seed" / "pictures"
FILE = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\.[0-9a-f]{12}-[0-9]{3,4}\.(?:webp|jpg)")
MOST_KNOWN = 4096


class Sources(NamedTuple):
    """The addresses of a picture: `webp` and `jpeg` are for `srcset`, `src` is for browsers that know neither, `large`
    the biggest JPEG."""

    src: str
    large: str
    webp: str = ""
    jpeg: str = ""


class Shown(NamedTuple):
    """A picture as templates are given it: its Sources, its size in pixels, and what it shows."""

    src: str
    large: str
    webp: str
    jpeg: str
    width: int
    height: int
    alt: str


def widths_of(width: int) -> list[int]:
    """The widths in which a picture is kept whose biggest is `width` pixels wide."""
    return [*(one for one in WIDTHS if one < width), width]


class Pictures:
    """Where templates learn the addresses of a picture."""

    def __init__(self, settings: Settings) -> None:
        self.folders = (settings.media_dir, OF_THE_DEMO)
        self.sources = lru_cache(MOST_KNOWN)(self._sources)
        self.of_the_demo = {
            file.name.partition(".")[0]: file.stem[:-4] for file in OF_THE_DEMO.glob("*-320.webp")
        }

    def _sources(self, path: str, width: int) -> Sources:
        """Where the picture is that the database calls `path`. Raises LookupError when there is none."""
        name = self.of_the_demo.get(path, path)
        if self._file(f"{name}-{WIDTHS[0]}.webp") is None:
            raise LookupError(f"there is no picture {path}")
        widths = widths_of(width)
        middle = min(widths[-1], WIDTHS[1])
        return Sources(
            src=_address(name, middle, "jpg"),
            large=_address(name, widths[-1], "jpg"),
            webp=_srcset(name, widths, "webp"),
            jpeg=_srcset(name, widths, "jpg"),
        )

    def wrap(self, server: ServeStaticASGI) -> ASGI:
        """`server`, the wrapper of the published files, told of each picture when it is first asked for."""

        async def app(scope: Scope, receive: Receive, send: Send) -> Any:
            path = scope.get("path", "")
            if path.startswith(PREFIX) and path not in server.files:
                file = self._file(path.removeprefix(PREFIX))
                if file is not None:
                    server.add_file_to_dictionary(path, str(file))
            await server(scope, receive, send)

        return app

    def _file(self, name: str) -> Path | None:
        if FILE.fullmatch(name) is None:
            return None
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)


# Names hold nothing that HTML would read, so templates need not look through them again.
def _address(name: str, width: int, kind: str) -> Markup:
    return Markup(f"{PREFIX}{name}-{width}.{kind}")  # noqa: S704


def _srcset(name: str, widths: Sequence[int], kind: str) -> Markup:
    return Markup(", ".join(f"{PREFIX}{name}-{width}.{kind} {width}w" for width in widths))  # noqa: S704
