"""Public pages: the same for everybody but for their holes, kept by caches as far as that goes."""

import gzip

import httpx
import pytest
from sqlalchemy import text, update

from storefront.catalogue.models import Variant
from tests.shop import HTMX, Running, Shopper, eventually
from tests.web.page import Answer

PUBLIC = [
    "/",
    "/products",
    "/products?collection=ceramics",
    "/products/lavender-soap",
    "/collections",
    "/pages/terms",
]


async def plain(shopper: Shopper, path: str, **headers: str) -> Answer:
    return await shopper.get(path, **{"accept-encoding": "identity", **headers})


async def test_a_stranger_and_a_regular_see_the_same_page_but_for_the_badge(
    shop: Running, shopper: Shopper
) -> None:
    for path in PUBLIC:
        strangers = await plain(shopper, path)
        assert strangers.headers["cache-control"].startswith("public"), path
        assert "s-maxage=60" in strangers.headers["cache-control"]
        assert "set-cookie" not in strangers.headers
        regulars = await plain(shopper, path, cookie="cart_n=3; cart=unknown")
        assert regulars.headers["cache-control"] == "private, no-cache", path
        assert regulars.element("cart-badge").attrs["data-count"] == "3"
        assert regulars.element("main").text == strangers.element("main").text
        assert regulars.headers["etag"] != strangers.headers["etag"]
        for answer in (strangers, regulars):
            for name in ("Cookie", "HX-Request", "HX-Request-Type", "Accept-Encoding"):
                assert name in answer.headers["vary"], path


@pytest.mark.parametrize(
    ("accepts", "gzipped"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity, gzip; q=0.000", False),
        ("x-notgzip", False),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("", False),
    ],
)
async def test_gzip_comes_only_where_it_is_taken(shopper: Shopper, accepts: str, gzipped: bool) -> None:
    for path in PUBLIC:
        answer = await shopper.get(path, **{"accept-encoding": accepts})
        assert ("content-encoding" in answer.headers) == gzipped, path


async def test_gzip_gives_the_very_same_bytes(shopper: Shopper) -> None:
    for path in [*PUBLIC, "/sitemap.xml"]:
        for cookie in ("", "cart_n=12; cart=x"):
            headers = {"cookie": cookie} if cookie else {}
            identity = await plain(shopper, path, **headers)
            request = shopper.client.build_request(
                "GET", path, headers={"accept-encoding": "gzip", **headers}
            )
            response = await shopper.client.send(request, stream=True)
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
            await response.aclose()
            assert response.headers["content-encoding"] == "gzip", path
            assert len(raw) == int(response.headers["content-length"])
            assert gzip.decompress(raw) == identity.response.content, path
            assert response.headers["etag"] != identity.headers["etag"], "a strong tag names the encoding"


async def test_what_is_known_is_not_sent_again(shopper: Shopper) -> None:
    for path in PUBLIC:
        first = await plain(shopper, path)
        tag = first.headers["etag"]
        assert tag.startswith('"'), "strong"
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await plain(shopper, path, **{"if-none-match": known})
            assert (again.status, again.response.content) == (304, b""), (path, known)
            assert again.headers["etag"] == tag
            assert again.headers["vary"] == first.headers["vary"]
            assert again.headers["cache-control"] == first.headers["cache-control"]
        assert (await plain(shopper, path, **{"if-none-match": '"other"'})).status == 200
        assert (await plain(shopper, path, cookie="cart=x; cart_n=1", **{"if-none-match": tag})).status == 200


async def test_a_fragment_is_no_page_and_a_page_no_fragment(shopper: Shopper) -> None:
    page, fragment = await plain(shopper, "/products"), await plain(shopper, "/products", **HTMX)
    assert "<html" in page.text
    assert "<html" not in fragment.text
    assert fragment.element("results").text == page.element("results").text
    assert page.headers["etag"] != fragment.headers.get("etag")
    for back in ({"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}):
        restored = await plain(shopper, "/products", **{**HTMX, **back})
        assert restored.response.content == page.response.content
    for path in ("/", "/products/lavender-soap", "/collections", "/pages/terms"):
        assert "<html" in (await plain(shopper, path, **HTMX)).text, "no fragment of its own"


async def test_more_products_are_added_below_and_their_address_is_a_page(shopper: Shopper) -> None:
    first = await plain(shopper, "/products")
    more = first.element("more").all("a")[0].attrs["href"]
    page = await plain(shopper, more)
    appended = await plain(shopper, more, **HTMX, **{"HX-Target": "div#more"})
    assert "<html" in page.text
    assert not appended.has("results")
    shown = {one.attrs["href"] for one in first.element("cards").all("a")}
    after = {one.attrs["href"] for one in page.element("cards").all("a")}
    added = {one.attrs["href"] for one in appended.root.all("a") if "/products/" in one.attrs["href"]}
    assert after
    assert after == added
    assert not shown & after
    assert len(shown) == 24


async def test_a_change_of_the_catalogue_is_seen_at_once_by_whoever_made_it_and_within_seconds_by_all(
    shop: Running, shopper: Shopper
) -> None:
    thing = await shop.new_thing(price=1000)
    before = await plain(shopper, f"/products/{thing.slug}")
    assert "$10.00" in before.words
    await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(price=1100))
    await shop.change(text("UPDATE catalogue_version SET number = number + 1"))

    async def new_price() -> bool:
        return "$11.00" in (await plain(shopper, f"/products/{thing.slug}")).words

    assert await eventually(new_price, seconds=3)
    known = {"if-none-match": before.headers["etag"]}
    assert (await plain(shopper, f"/products/{thing.slug}", **known)).status == 200


async def test_an_order_of_the_last_piece_shows_on_the_product_page(shop: Running, shopper: Shopper) -> None:
    thing = await shop.new_thing(on_hand=1)
    assert "Only 1 left" in (await plain(shopper, f"/products/{thing.slug}")).words
    await shopper.add(thing)
    assert (await shopper.order()).status == 303
    assert "Sold out" in (await plain(shopper, f"/products/{thing.slug}")).words


async def test_static_files_are_kept_for_ever(shopper: Shopper) -> None:
    page = await plain(shopper, "/")
    files = [node.attrs["href"] for node in page.root.all("link", rel="stylesheet")]
    files += [node.attrs["src"] for node in page.root.all("script") if "src" in node.attrs]
    assert len(files) <= 5
    for path in files:
        answer = Answer(await shopper.client.get(path))
        assert answer.status == 200, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        assert "access-control-allow-origin" not in answer.headers
        known = {"if-none-match": answer.headers["etag"]} if "etag" in answer.headers else {}
        since = {"if-modified-since": answer.headers["last-modified"]}
        again: httpx.Response = await shopper.client.get(path, headers=known or since)
        assert again.status_code == 304, path
        part = await shopper.client.get(path, headers={"range": "bytes=0-9", "accept-encoding": "identity"})
        assert (part.status_code, len(part.content)) == (206, 10)


async def test_a_notice_is_said_once_and_never_kept(shop: Running, shopper: Shopper) -> None:
    sent = await shopper.post("/checkout", {"email": ""})
    assert sent.location == "/cart"
    said = await shopper.get("/products")
    assert "empty" in said.element("notice").text
    assert said.headers["cache-control"] == "no-store"
    assert "etag" not in said.headers
    assert (await shopper.get("/products")).element("notice").text == ""
    for made_up in ("x", "removed~1~2", "<b>", "~", "%00", "empty~" * 30):
        assert (await shopper.get("/products", cookie=f"notice={made_up}")).status == 200
        assert (await shopper.get("/cart", cookie=f"notice={made_up}; cart=x")).status == 200
