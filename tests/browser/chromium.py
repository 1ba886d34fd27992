"""Chromium as it is found on this machine, and its windows."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The same engine without the windows around it: half the work for each page, but it keeps no page for Back.
SHELL = "chromium-headless-shell"
FLAGS = [
    "--process-per-site",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# As somebody sets it in the browser: what is measured in rem grows, and so do the widths that styles ask for.
LARGE_LETTERS = "--blink-settings=defaultFontSize=32"
PHONE, TABLET, DESKTOP = 360, 768, 1280
HEIGHTS = {320: 640, PHONE: 740, TABLET: 1024, DESKTOP: 800}


def executable(playwright: Playwright, *, whole: bool) -> str:
    """Where Chromium is: CHROMIUM, the system's, or Playwright's own; empty when there is none."""
    names = NAMES if whole else (SHELL, *NAMES)
    given = os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), "")
    own = playwright.chromium.executable_path
    return given or (own if Path(own).is_file() else "")


class NoChromium(Exception):
    """There is no Chromium on this machine."""


@asynccontextmanager
async def chromium(*flags: str, whole: bool = True) -> AsyncIterator[Browser]:
    """A running Chromium; a `whole` one keeps left pages for Back, as people's browsers do. Raises NoChromium."""
    async with async_playwright() as playwright:
        path = executable(playwright, whole=whole)
        if not path:
            raise NoChromium
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*FLAGS, *flags], ignore_default_args=["--disable-back-forward-cache"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def window(
    browser: Browser, url: str, width: int, *, mobile: bool = True, **options: Any
) -> BrowserContext:
    """A clean browser of this width at a shop's origin; narrow ones are phones, unless `mobile` is false.
    `options` are Playwright's."""
    phone = mobile and width < TABLET
    context = await browser.new_context(
        base_url=url,
        viewport={"width": width, "height": HEIGHTS[width]},
        is_mobile=phone,
        has_touch=phone,
        **options,
    )
    context.set_default_timeout(10_000)
    return context
