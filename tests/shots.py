"""Pictures of every page in every state, for people to look at: `python -m tests.shots [NAME…]` into var/shots/. With
`gallery` also of everything in the workshop's gallery."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser

from storefront.settings import ROOT
from tests.browser.chromium import DESKTOP, PHONE, TABLET, NoChromium, chromium, window
from tests.browser.gallery import GALLERY
from tests.browser.orders import prepared_orders
from tests.browser.scene import Scene
from tests.browser.states import ALONE, STATES, WIDE_ONLY
from tests.shop import Running, running_shop

FOLDER = ROOT / "var" / "shots"
# Pictures below the fold wait until somebody scrolls there.
EVERY_PICTURE = """() => Promise.all([...document.images].map((picture) => {
  picture.loading = "eager";
  return picture.decode().catch(() => null);
}))"""


async def shoot(browser: Browser, shop: Running, orders: dict[str, str], name: str, width: int) -> None:
    """One state at one width, light and dark, into two files."""
    context = await window(browser, shop.url, width, reduced_motion="reduce")
    page = await context.new_page()
    try:
        await (STATES | GALLERY)[name](Scene(page, shop, orders))
        await page.evaluate(EVERY_PICTURE)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            # Not the whole page where it lies under a dialog: a dialog is as high as the window.
            await page.screenshot(
                path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=name not in WIDE_ONLY
            )
    finally:
        await context.close()


async def shoot_all(shop: Running, names: list[str]) -> None:
    orders = await prepared_orders(shop)
    async with chromium() as browser:
        for name in names:
            widths = [width for width in (PHONE, TABLET, DESKTOP) if width > PHONE or name not in WIDE_ONLY]
            shots = [shoot(browser, shop, orders, name, width) for width in widths]
            if name in ALONE:
                for shot in shots:
                    await shot
            else:
                await asyncio.gather(*shots)
            print(name)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    asked = sys.argv[1:] or list(STATES)
    names = [name for one in asked for name in (GALLERY if one == "gallery" else [one])]
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite+aiosqlite:///{folder}/shop.db"
        with running_shop(Path(folder), database) as shop:
            try:
                asyncio.run(shoot_all(shop, names))
            except NoChromium:
                sys.exit("There is no Chromium here: apt-get install chromium fonts-liberation")
    print(f"in {FOLDER}")


if __name__ == "__main__":
    main()
