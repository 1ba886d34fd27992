"""The demo's drawings made into its pictures: `python -m tests.draw [NAME…]`, after a drawing was changed.

Chromium draws them, since no package of the shop reads SVG; what comes out is committed beside the drawings.
"""

import asyncio
import io
import sys

from PIL import Image
from playwright.async_api import Page

from storefront.catalogue.photo import keep
from storefront.settings import ROOT
from storefront.web.pictures import OF_THE_DEMO, WIDTHS
from tests.browser.chromium import NoChromium, chromium

DRAWINGS = ROOT / "storefront" / "seed" / "drawings"
DRAWN = 800


async def draw(page: Page, name: str) -> None:
    """Put one drawing in the place of its picture."""
    await page.goto((DRAWINGS / f"{name}.svg").as_uri())
    shot = Image.open(io.BytesIO(await page.screenshot(type="png"))).convert("RGB")
    before = {file for file in OF_THE_DEMO.glob(f"{name}.*")}
    kept = keep(shot, name, OF_THE_DEMO)
    for file in before - set(OF_THE_DEMO.glob(f"{kept.path}-*")):
        file.unlink()


async def draw_all(names: list[str]) -> None:
    async with chromium() as browser:
        size = {"width": DRAWN, "height": DRAWN}
        page = await browser.new_page(viewport=size, device_scale_factor=WIDTHS[-1] / DRAWN)  # type: ignore[arg-type]
        for name in names:
            await draw(page, name)
            print(name)


if __name__ == "__main__":
    try:
        asyncio.run(draw_all(sys.argv[1:] or sorted(file.stem for file in DRAWINGS.glob("*.svg"))))
    except NoChromium:
        sys.exit("There is no Chromium here: apt-get install chromium fonts-liberation")
