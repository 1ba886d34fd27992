"""Every page once, in files that are not too large."""

from xml.etree import ElementTree

from storefront.catalogue.sitemap import SITEMAPS, sitemap
from storefront.database import Database
from storefront.seed.demo import load_demo

BASE = "https://shop.example"


def addresses(text: str) -> tuple[str, list[str]]:
    """What kind of file it is, and the addresses in it."""
    root = ElementTree.fromstring(text)
    return root.tag.removeprefix(f"{{{SITEMAPS}}}"), [
        str(one.text) for one in root.iter(f"{{{SITEMAPS}}}loc")
    ]


async def test_many_products_are_in_several_files(database: Database) -> None:
    await load_demo(database, "USD")
    async with database.reads() as session:
        whole = await sitemap(session, BASE, "")
        assert whole is not None
        kind, all_of_them = addresses(whole)
        assert kind == "urlset"
        assert await sitemap(session, BASE, "1") == whole
        assert await sitemap(session, BASE, "2") is None

        index = await sitemap(session, BASE, "", in_one=7)
        assert index is not None
        kind, files = addresses(index)
        assert kind == "sitemapindex"
        assert files == [f"{BASE}/sitemap.xml?part={n}" for n in range(1, len(files) + 1)]
        found = []
        for file in files:
            part = await sitemap(session, BASE, file.rpartition("=")[2], in_one=7)
            assert part is not None
            kind, some = addresses(part)
            assert kind == "urlset"
            found += some
        assert len([one for one in some if "/products/" in one]) <= 7 * 2, "in two languages"
        for odd in ("0", "01", "-1", "x", "9", str(len(files) + 1)):
            assert await sitemap(session, BASE, odd, in_one=7) is None, odd
    assert sorted(found) == sorted(all_of_them)
    assert len(set(found)) == len(found)
