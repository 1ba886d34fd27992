"""What search engines and people who look for the small print find."""

import json
from xml.etree import ElementTree

from tests.shop import Shopper

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SMALL_PRINT = ["imprint", "terms", "privacy", "returns", "contact"]


async def test_the_small_print_is_linked_from_every_footer(shopper: Shopper) -> None:
    for path in ["/", "/products", "/products/lavender-soap", "/cart", "/nothing", "/search?q=x"]:
        [footer] = (await shopper.get(path)).root.all("footer")
        for slug in SMALL_PRINT:
            assert footer.all("a", href=f"/pages/{slug}"), path
    for slug in SMALL_PRINT:
        page = await shopper.get(f"/pages/{slug}")
        assert page.status == 200
        assert len(page.element("main").text) > 200


async def test_the_sitemap_lists_what_is_there_and_robots_are_told(shopper: Shopper) -> None:
    sitemap = await shopper.get("/sitemap.xml")
    assert sitemap.headers["content-type"] == "application/xml; charset=utf-8"
    addresses = [
        str(one.text) for one in ElementTree.fromstring(sitemap.response.content).iter(f"{SITEMAP}loc")
    ]
    products = [one for one in addresses if "/products/" in one]
    assert len(products) >= 24
    assert not [one for one in addresses if "indigo-cushion-cover" in one], "a draft"
    for address in products[:3]:
        assert (await shopper.get(address)).status == 200
    assert (await shopper.get("/sitemap.xml?part=1")).status == 200
    assert (await shopper.get("/sitemap.xml?part=99")).status == 404
    robots = (await shopper.get("/robots.txt")).text
    for path in ("/cart", "/checkout", "/orders/"):
        assert f"Disallow: {path}" in robots
    assert f"Sitemap: {shopper.origin}/sitemap.xml" in robots


async def test_a_product_page_tells_machines_price_and_stock(shopper: Shopper) -> None:
    page = await shopper.get("/products/linen-apron")
    [script] = page.root.all("script", type="application/ld+json")
    data = json.loads("".join(part for part in script.parts if isinstance(part, str)))
    assert data["@type"] == "Product"
    assert data["url"] == page.root.all("link", rel="canonical")[0].attrs["href"]
    offers = {one["sku"]: one for one in data["offers"]}
    assert offers["APRON-LIN-NAT"]["price"] == "58.00"
    assert offers["APRON-LIN-NAT"]["priceCurrency"] == "USD"
    assert offers["APRON-LIN-NAT"]["availability"].endswith("InStock")
    assert offers["APRON-LIN-RUST"]["availability"].endswith("OutOfStock")
    for picture in page.root.all("img"):
        assert picture.attrs["width"]
        assert picture.attrs["height"]
        assert "alt" in picture.attrs
    assert page.root.all("img")[0].attrs["alt"]


async def test_titles_and_headings_name_the_page(shopper: Shopper) -> None:
    titles = set()
    for path in [
        "/",
        "/products",
        "/collections",
        "/collections/ceramics",
        "/products/speckled-mug",
        "/cart",
    ]:
        page = await shopper.get(path)
        titles.add(page.root.all("title")[0].text)
        assert len(page.root.all("h1")) == 1, path
        assert page.root.all("html")[0].attrs["lang"] == "en"
        ids = [node.attrs["id"] for node in page.root if "id" in node.attrs]
        assert len(ids) == len(set(ids)), path
    assert len(titles) == 6
