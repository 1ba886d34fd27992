"""The address alone decides the language."""

import pytest

from tests.shop import Shopper
from tests.web.page import Answer

GERMAN = {"accept-language": "de-DE,de;q=0.9"}


async def test_the_address_decides_and_nothing_else(shopper: Shopper) -> None:
    assert (await shopper.get("/products", **GERMAN)).root.all("html")[0].attrs["lang"] == "en"
    german = await shopper.get("/de/products", **{"accept-language": "en"})
    assert german.root.all("html")[0].attrs == {"lang": "de", "dir": "ltr"}
    links = [one.attrs["href"] for one in german.root.all("a")]
    inside = [one for one in links if one.startswith("/") and not one.startswith("/de/")]
    assert inside == ["/products"] * 2, (
        "no way out of the language but those that are meant: the offer, the footer"
    )
    forms = [one.attrs["action"] for one in german.root.all("form") if "action" in one.attrs]
    assert [one for one in forms if not one.startswith("/de/")] == []


def offered(page: Answer) -> list[tuple[str, str]]:
    """The language that the page offers at its top, and where that leads."""
    [header] = [one for one in page.root.all("header") if one.attrs.get("class") == "site-header"]
    return [(one.attrs["hreflang"], one.attrs["href"]) for one in header.all("a") if "hreflang" in one.attrs]


@pytest.mark.parametrize(
    ("path", "wish", "offer"),
    [
        ("/products?sort=price", "de-DE,de;q=0.9", [("de", "/de/products?sort=price")]),
        ("/de/", "en", [("en", "/")]),
        ("/", "DE", [("de", "/de/")]),
        ("/", "fr, de;q=0.8, en;q=0.5", [("de", "/de/")]),
        ("/", "de;q=0.3, en;q=0.7", []),
        ("/", "de;q=0, fr", []),
        ("/", "en-GB, de", []),
        ("/", "de;q=x", []),
        ("/", "*, ,;;q=1,de;;", []),
        ("/", "", []),
    ],
)
async def test_a_browsers_wish_is_offered_and_not_obeyed(
    shopper: Shopper, path: str, wish: str, offer: list[tuple[str, str]]
) -> None:
    for _ in range(2):  # made, and kept
        assert (await shopper.get(path)).status == 200
        page = await shopper.get(path, **{"accept-language": wish})
        assert offered(page) == offer
        assert page.headers["cache-control"] == (
            "private, no-cache" if offer else "public, max-age=0, s-maxage=60"
        )
        again = await shopper.get(path, **{"accept-language": wish, "if-none-match": page.headers["etag"]})
        assert again.status == 304
        assert offered(await shopper.get(path)) == []


async def test_nobody_is_asked_again_inside_the_shop(shopper: Shopper) -> None:
    for site, asked in (("none", 1), ("cross-site", 1), ("same-origin", 0), ("same-site", 0)):
        page = await shopper.get("/products", **GERMAN, **{"sec-fetch-site": site})
        assert len(offered(page)) == asked, site
    assert "hreflang" not in (await shopper.fragment("/products", "div#more")).text


@pytest.mark.parametrize(
    "path",
    ["/fr/products", "/en/products", "/de/de/products", "/de/healthz", "/de/robots.txt", "/de/nothing"],
)
async def test_other_prefixes_are_no_pages(shopper: Shopper, path: str) -> None:
    answer = await shopper.get(path)
    assert answer.status == 404
    spoken = "de" if path.startswith("/de/") else "en"
    assert answer.root.all("html")[0].attrs["lang"] == spoken


async def test_the_code_alone_is_home(shopper: Shopper) -> None:
    answer = await shopper.get("/de?x=1")
    assert (answer.status, answer.headers["location"]) == (308, "/de/?x=1")
    assert (await shopper.get("/de/")).status == 200


async def test_kept_pages_never_mix_languages(shopper: Shopper) -> None:
    for _ in range(3):  # made, kept, and then from the window
        for prefix, lang in (("", "en"), ("/de", "de"), ("/d%65", "de")):
            page = await shopper.get(f"{prefix}/products/lavender-soap")
            assert page.root.all("html")[0].attrs["lang"] == lang
            assert page.root.all("a", id="cart-badge")[0].attrs["href"] == (
                "/de/cart" if lang == "de" else "/cart"
            )
    english, german = [await shopper.get(f"{one}/products") for one in ("", "/de")]
    assert english.headers["etag"] != german.headers["etag"]


async def test_each_page_names_itself_in_every_language(shopper: Shopper) -> None:
    for path in ("/products?sort=price&other=1", "/de/products?sort=price&other=1"):
        page = await shopper.get(path)
        own = "/de/products" if path.startswith("/de") else "/products"
        [canonical] = page.root.all("link", rel="canonical")
        assert canonical.attrs["href"] == shopper.origin + own
        others = {one.attrs["hreflang"]: one.attrs["href"] for one in page.root.all("link", rel="alternate")}
        plain, german = f"{shopper.origin}/products", f"{shopper.origin}/de/products"
        assert others == {"en": plain, "de": german, "x-default": plain}
        [choice] = [one for one in page.root.all("nav") if one.attrs.get("class") == "languages"]
        assert [one.attrs["href"] for one in choice.all("a")] == [
            "/products?sort=price",
            "/de/products?sort=price",
        ]


async def test_a_language_stays_on_the_way(shopper: Shopper) -> None:
    page = await shopper.get("/de/products/lavender-soap")
    added = await shopper.submit(page, "/de/cart/items")
    assert (added.status, added.headers["location"]) == (303, "/de/cart")
    assert (await shopper.follow(added)).root.all("html")[0].attrs["lang"] == "de"
    away = await shopper.get("/de/account/addresses")
    assert away.headers["location"] == "/de/account/sign-in?next=/account/addresses"
    out = await shopper.get("/de/account/sign-in?next=/de/checkout")
    assert out.root.all("input", name="next")[0].attrs["value"] == "/checkout"
    for elsewhere in ("/de//example.com", "/de/\\example.com", "//example.com", "https://example.com"):
        page = await shopper.get("/de/account/sign-in?next=" + elsewhere)
        assert page.root.all("input", name="next") == [], elsewhere
