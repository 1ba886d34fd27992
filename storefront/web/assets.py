"""Files under static/: published under names with their content's hash, compressed once, kept for ever by browsers.

Published files lie in var/static, so that a page which was rendered before a release still finds its files.
"""

import gzip
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from servestatic import ServeStaticASGI

from storefront.settings import Settings
from storefront.web.theme import THEME_STYLES, folders

PREFIX = "/static/"
# What browsers fetch before a link is followed: https://html.spec.whatwg.org/multipage/speculative-loading.html
RULES = "links.speculationrules"
TYPES = {".speculationrules": "application/speculationrules+json"}
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt", ".json"})
CSS_URL = re.compile(rb"""url\(\s*["']?(?!data:|https?:|/|#)([^"')]+)["']?\s*\)""")

JS_COMMENT = re.compile(rb"^[ \t]*//.*\n", re.MULTILINE)


class _Known(NamedTuple):
    look: int
    source: tuple[Path, int]
    url: str


class Assets:
    """Where templates learn the address of a static file, and the ASGI wrapper that serves them."""

    def __init__(self, settings: Settings) -> None:
        self.folders = folders(settings.theme, "static")
        self.published = settings.var_dir / "static"
        self._urls: dict[str, _Known] = {}
        self._look = 0
        self._server: ServeStaticASGI | None = None

    def url(self, path: str) -> str:
        """The lasting address of `path` below static/. Raises LookupError when there is no such file."""
        known = self._urls.get(path)
        if known is not None and known.look == self._look:
            return known.url
        file = self._find(path)
        if file is None:
            raise LookupError(f"static/{path} does not exist")
        source = (file, file.stat().st_mtime_ns)
        # A style sheet changes also with the pictures that it names.
        same = known is not None and known.source == source and file.suffix != ".css"
        url = known.url if known is not None and same else self._publish(file, path)
        self._urls[path] = _Known(self._look, source, url)
        return url

    def styles(self) -> dict[str, str]:
        """The style sheets of a page and their addresses: the tokens, the shop's, and the theme's own if it has one."""
        own = [THEME_STYLES] if len(self.folders) > 1 and self._find(THEME_STYLES) else []
        return {path: self.url(path) for path in ("css/tokens.css", "css/shop.css", *own)}

    def _find(self, path: str) -> Path | None:
        return next((folder / path for folder in self.folders if (folder / path).is_file()), None)

    def look_again(self) -> None:
        """Some file was saved: addresses that are asked for from now on are looked at again."""
        self._look += 1

    def wrap(self, app: Any) -> ServeStaticASGI:
        """`app` with everything that was published served in front of it."""
        for folder in reversed(self.folders):
            for source in sorted(folder.rglob("*")):
                if source.is_file():
                    self.url(source.relative_to(folder).as_posix())
        self._server = ServeStaticASGI(
            app, allow_all_origins=False, immutable_file_test=lambda _path, _url: True, mimetypes=TYPES
        )
        self._server.add_files(self.published, PREFIX)
        return self._server

    def _publish(self, source: Path, path: str) -> str:
        content = source.read_bytes()
        if source.suffix == ".css":
            # A picture that a style sheet names beside itself gets its lasting address too.
            content = CSS_URL.sub(
                lambda m: b"url(" + self._beside(path, m[1].decode()).encode() + b")", content
            )
        elif path.startswith("js/"):
            # Comments are for those who read the file here: whole lines of them are not sent.
            content = JS_COMMENT.sub(b"", content)
        digest = hashlib.sha256(content).hexdigest()[:12]
        name = str(Path(path).with_suffix(f".{digest}{source.suffix}"))
        target = self.published / name
        if not target.exists():
            if source.suffix in COMPRESSED:
                write_file(target.with_name(target.name + ".gz"), gzip.compress(content, 9, mtime=0))
            write_file(target, content)
        if self._server is not None and PREFIX + name not in self._server.files:
            self._server.add_file_to_dictionary(PREFIX + name, str(target))
        return PREFIX + name

    def _beside(self, path: str, relative: str) -> str:
        try:
            return self.url(os.path.normpath(Path(path).parent / relative))
        except LookupError:
            return relative


def write_file(target: Path, content: bytes) -> None:
    """Put a file whose name tells its content where other processes may read or write it meanwhile."""
    # Several processes publish at once: each writes its own file and renames it over the same content.
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, target)
