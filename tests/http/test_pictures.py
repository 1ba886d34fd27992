"""Pictures as browsers get them: added while the shop runs, under names that last, and nothing else from there."""

import re
from dataclasses import replace
from pathlib import Path

import httpx
from PIL import Image

from tests.conftest import Shops
from tests.shop import NO_TLS, Running, eventually

TOO_LONG = ", in at most 200 characters\n"


async def test_an_added_picture_is_there_at_once_and_for_ever(shop: Running, tmp_path: Path) -> None:
    thing = await shop.new_thing()
    for colour in ("teal", "orange"):
        Image.new("RGB", (700, 500), colour).save(tmp_path / f"{colour}.png")
    file = str(tmp_path / "teal.png")
    for count in (1, 1):
        said = await shop.command("pictures", "add", thing.sku, file, "--alt", " Two mugs\non <shelves> ")
        assert said == (0, f"{thing.sku} has {count} picture\n"), "once more adds it once"
    said = await shop.command(
        "pictures", "add", thing.slug, str(tmp_path / "orange.png"), "--alt", "A peach", "--first"
    )
    assert said == (0, f"{thing.slug} has 2 pictures\n")

    async with httpx.AsyncClient(base_url=shop.url, trust_env=False, verify=NO_TLS) as client:

        async def shown() -> str | None:
            page = (await client.get(f"/products/{thing.slug}")).text
            return page if page.count('class="gallery-picture"') == 2 else None

        page = await eventually(shown)
        assert page.index('alt="A peach"') < page.index('alt="Two mugs on &lt;shelves&gt;"')
        assert 'width="700" height="500"' in page
        [large] = re.findall(r'og:image" content="([^"]+)"', page)
        assert re.fullmatch(rf"{shop.url}/static/pictures/{thing.slug}\.[0-9a-f]{{12}}-700\.jpg", large)
        widths = {}
        for path, width in re.findall(r"(/static/pictures/\S+) (\d+)w", page):
            answer = await client.get(path)
            assert answer.headers["cache-control"].endswith("immutable"), path
            assert answer.headers["content-type"] in {"image/webp", "image/jpeg"}
            tag = answer.headers["etag"]
            assert (await client.get(path, headers={"if-none-match": tag})).status_code == 304
            part = await client.get(path, headers={"range": "bytes=0-9"})
            assert (part.status_code, part.content) == (206, answer.content[:10])
            widths[width] = path
        assert sorted(map(int, widths)) == [320, 640, 700]
        name = widths["320"].rpartition("/")[2]
        for path in (
            "../shop.db",
            "%2e%2e/shop.db",
            f"../media/{name}",
            name.replace("320", "321"),
            "",
            f"{name}.gz",
        ):
            answer = await client.get(f"/static/pictures/{path}")
            assert answer.status_code == 404, path


async def test_what_is_no_picture_is_refused_in_one_line(shops: Shops, tmp_path: Path) -> None:
    shop = shops("sqlite")
    thing = await shop.new_thing()
    (tmp_path / "a.jpg").write_text("<script>alert(1)</script>")
    Image.new("RGB", (400, 400)).save(tmp_path / "b.jpg")
    wrong = [
        ([thing.slug, "a.jpg", "--alt", "A"], "storefront: a.jpg: it is no whole JPEG, PNG or WebP file\n"),
        (["nothing", "b.jpg", "--alt", "A"], "storefront: there is no product and no SKU nothing\n"),
        ([thing.slug, "b.jpg", "--alt", " "], "storefront: --alt: say what the picture shows" + TOO_LONG),
    ]  # fmt: skip
    for (name, file, *more), said in wrong:
        assert await shop.command("pictures", "add", name, str(tmp_path / file), *more) == (1, said)
    nowhere = tmp_path / "a.jpg" / "media"
    there = replace(shop, environment=shop.environment | {"MEDIA_DIR": str(nowhere)})
    code, line = await there.command("pictures", "add", thing.slug, str(tmp_path / "b.jpg"), "--alt", "A")
    assert (code, line.count("\n")) == (1, 1)
    assert line.startswith(f"storefront: MEDIA_DIR: {nowhere} cannot be made or written to")
