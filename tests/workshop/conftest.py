"""A theme folder of a test's own, and a shop that wears it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from tests.web.inside import quick_settings, shop_inside

Wearing: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Theme:
    """A folder with templates/ and static/ in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for kind in ("templates", "static"):
            (folder / kind).mkdir(parents=True)

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


@pytest.fixture
def theme(tmp_path: Path) -> Theme:
    return Theme(tmp_path / "theme")


@pytest.fixture
def wearing(theme: Theme, sqlite_template: Path, tmp_path: Path) -> Wearing:
    """`async with wearing(NAME="value") as client`: the shop with the theme."""

    @asynccontextmanager
    async def opened(**settings: str) -> AsyncIterator[httpx.AsyncClient]:
        values = {"THEME": str(theme.folder)} | settings
        async with shop_inside(quick_settings(sqlite_template, tmp_path, **values)) as client:
            yield client

    return opened
