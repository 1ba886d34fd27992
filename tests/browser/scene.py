"""An open page and what stands behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from playwright.async_api import Page

from tests.browser.chromium import TABLET
from tests.shop import Running


@dataclass(frozen=True)
class Scene:
    """An open page, the shop behind it, and the paths of orders by their state."""

    page: Page
    shop: Running
    orders: dict[str, str]

    @property
    def wide(self) -> bool:
        size = self.page.viewport_size
        return size is not None and size["width"] >= TABLET


Reach: TypeAlias = Callable[[Scene], Awaitable[None]]


def at(path: str) -> Reach:
    async def reach(scene: Scene) -> None:
        await scene.page.goto(path)

    return reach
