"""Who may change something here, from where, under which name; and what every answer carries."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.http.test_bad_input import POSTS
from tests.shop import FORM_TYPE, HTMX, Running, Shopper
from tests.web.inside import quick_settings, shop_inside
from tests.web.page import Answer

EVERYWHERE = [
    "/",
    "/products",
    "/products/lavender-soap",
    "/cart",
    "/search?q=x",
    "/pages/terms",
    "/nothing",
    "/cart/badge",
    "/api/cart/count",
    "/healthz",
    "/readyz",
    "/robots.txt",
    "/sitemap.xml",
]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": ""},
        {"referer": "https://evil.example/"},
        {"referer": "http://127.0.0.1.evil.example/cart"},
        {"referer": "nonsense"},
        {"referer": "http://[::1"},
        {"referer": "http://[x]/"},
    ],
    ids=lambda headers: " ".join(f"{name}={headers[name]}" for name in headers),
)
async def test_another_site_cannot_change_anything(
    shop: Running, shopper: Shopper, headers: dict[str, str]
) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing)
    own = {"content-type": FORM_TYPE}
    for path in POSTS:
        data = {"variant_id": str(thing.variant_id), "quantity": "5"}
        answer = Answer(await shopper.client.post(path, data=data, headers=own | headers))
        assert answer.status == 403, path
    assert (await shopper.get("/api/cart/count")).response.json()["count"] == 1
    answer = Answer(await shopper.client.post("/cart/items", data=data, headers=own | headers | HTMX))
    assert (answer.status, answer.headers["hx-retarget"]) == (403, "#notice")


@pytest.mark.parametrize("site", ["same-origin", "none", None])
async def test_the_shops_own_pages_and_plain_clients_can(
    shop: Running, shopper: Shopper, site: str | None
) -> None:
    thing = await shop.new_thing()
    data = {"variant_id": str(thing.variant_id), "quantity": "1"}
    headers = {"sec-fetch-site": site} if site else {}
    answer = Answer(await shopper.client.post("/cart/items", data=data, headers=headers))
    assert answer.status == 303
    answer = Answer(await shopper.client.post("/cart/items", data=data, headers={"origin": shop.url}))
    assert answer.status == 303


async def test_only_loopback_names_are_answered_without_a_base_url(shopper: Shopper) -> None:
    for host in (
        "evil.example",
        "evil.example:8000",
        "",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::2]",
    ):
        assert (await shopper.get("/", host=host)).status == 400, host
        assert (await shopper.get("/healthz", host=host)).status == 200
        assert (await shopper.get("/readyz", host=host)).status == 200
    for host in ("localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST", "localhost.", "localhost.:65535"):
        answer = await shopper.get("/", host=host)
        assert answer.status == 200, host
        assert answer.root.all("link", rel="canonical")[0].attrs["href"] == f"http://{host}/"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:abc",
        "127.0.0.1:-1",
        "127.0.0.1:",
        "127.0.0.1:80:80",
        "127.0.0.1:8102,evil.example",
        "127.0.0.1:80/evil",
        "127.0.0.1:80@evil.example",
        "localhost:80#x",
        "localhost:99999",
        "localhost:80\xb2",
        "[::1]:x",
        "[::1]x",
        "[::1",
        "::1",
        "[::1].evil.example",
        "[::1]@evil.example",
        "[localhost]",
        "[127.0.0.1]",
    ],
)
async def test_a_host_that_only_begins_like_a_loopback_name_is_refused(shopper: Shopper, host: str) -> None:
    headers = {"host": host.encode("latin-1")}
    refused = await shopper.client.get("/", headers=headers)
    assert (refused.status_code, refused.text) == (400, "There is no shop under this name.")
    # The probes are asked under any name; what is none reaches the shop's own page for mistakes there.
    assert (await shopper.client.post("/healthz", headers=headers)).status_code in {400, 405}


async def test_every_answer_carries_a_strict_policy(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    for path in [*EVERYWHERE, "/checkout", "/orders/nobody"]:
        for headers in ({}, HTMX):
            answer = await shopper.get(path, **headers)
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy, path
            assert "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["x-request-id"], path
    refused = await shopper.get("/", host="evil.example")
    assert "default-src 'none'" in refused.headers["content-security-policy"]


async def test_no_page_needs_what_the_policy_forbids(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    for path in [
        "/",
        "/products",
        "/products/lavender-soap",
        "/cart",
        "/checkout",
        "/search?q=soap",
        "/nothing",
    ]:
        page = await shopper.get(path)
        for node in page.root:
            assert "style" not in node.attrs, path
            assert not [name for name in node.attrs if name.startswith(("on", "hx-on", "hx-vals"))], path
            if node.tag == "script":
                assert node.attrs.get("src", "").startswith("/static/") or "ld+json" in node.attrs["type"]
            assert node.tag != "style", path
            assert "javascript:" not in node.attrs.get("href", "")


async def test_the_payment_page_may_be_gone_to_from_a_form(shopper: Shopper, shop: Running) -> None:
    policy = (await shopper.get("/")).headers["content-security-policy"]
    actions = policy.partition("form-action ")[2].split(";")[0].split()
    assert "'self'" in actions
    assert "https://checkout.stripe.com" in actions
    await shopper.add(await shop.new_thing())
    sent = await shopper.order()
    assert any(sent.location.startswith(f"{origin}/") for origin in actions), "where the double's page is"


async def test_head_is_get_without_a_body(shopper: Shopper) -> None:
    for path in EVERYWHERE:
        head, full = await shopper.client.head(path), await shopper.client.get(path)
        assert (head.status_code, head.content) == (full.status_code, b""), path
        assert head.headers["content-type"] == full.headers["content-type"], path
    assert (await shopper.client.head("/cart/items")).status_code == 405


@pytest.fixture
async def public(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A shop that has a public https address."""
    settings = quick_settings(sqlite_template, tmp_path, BASE_URL="https://shop.example")
    async with shop_inside(settings) as client:
        client.headers["host"] = "shop.example"
        yield client


async def test_with_a_base_url_no_other_name_is_answered(public: httpx.AsyncClient) -> None:
    for host in (
        "127.0.0.1:8000",
        "localhost",
        "evil.example",
        "shop.example.evil.example",
        "shop.example:1",
    ):
        assert (await public.get("/", headers={"host": host})).status_code == 400, host
        assert (await public.get("/healthz", headers={"host": host})).status_code == 200
    for host in ("shop.example", "Shop.Example"):
        page = Answer(await public.get("/", headers={"host": host}))
        assert page.root.all("link", rel="canonical")[0].attrs["href"] == "https://shop.example/"
    assert "max-age=" in page.headers["strict-transport-security"]


async def test_over_https_cookies_are_bound_to_the_very_host(public: httpx.AsyncClient) -> None:
    page = Answer(await public.get("/products/lavender-soap"))
    pairs = dict(page.form("/cart/items").filled({}, None))
    answer = await public.post("/cart/items", data=pairs, headers={"origin": "https://shop.example"})
    assert answer.status_code == 303
    cart, count = sorted(answer.headers.get_list("set-cookie"))
    assert cart.startswith("__Host-cart=")
    for cookie in (cart, count):
        assert {"secure", "path=/", "samesite=lax"} <= {part.strip() for part in cookie.lower().split(";")}
        assert "domain" not in cookie.lower()
    assert "httponly" in cart.lower()
    answer = await public.post("/cart/items", data=pairs, headers={"origin": "http://shop.example"})
    assert answer.status_code == 403


async def test_over_https_a_notice_travels_by_https_alone(public: httpx.AsyncClient) -> None:
    empty = await public.post("/checkout", data={"email": ""}, headers={"origin": "https://shop.example"})
    left = empty.headers["set-cookie"]
    public.cookies.clear()
    said = (await public.get("/", headers={"cookie": "notice=empty"})).headers["set-cookie"]
    for cookie in (left, said):
        assert cookie.startswith("notice=")
        assert {"secure", "httponly", "samesite=lax"} <= {part.strip() for part in cookie.lower().split(";")}


@pytest.mark.parametrize("path", ["/cart/items", "/webhooks/stripe"])
async def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(
    public: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    path: str,
) -> None:
    monkeypatch.setattr("storefront.web.request.LONGEST_BODY", 0.05)

    async def body() -> AsyncIterator[bytes]:
        yield b"a=1"
        await asyncio.Event().wait()

    headers = {"content-type": FORM_TYPE, "content-length": "100"}
    async with asyncio.timeout(10):
        answer = await public.post(path, content=body(), headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")
    assert answer.headers["content-type"].startswith("text/plain" if "webhooks" in path else "text/html")
    assert b"unhandled" not in capfdbinary.readouterr().out


async def test_forwarded_headers_of_strangers_count_for_nothing(shopper: Shopper) -> None:
    headers = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "forwarded": "host=evil.example",
    }
    page = await shopper.get("/", **headers)
    assert "evil.example" not in page.text
    assert page.root.all("link", rel="canonical")[0].attrs["href"] == f"{shopper.origin}/"


async def test_a_trusted_proxy_says_under_which_name_and_from_where(
    sqlite_template: Path, tmp_path: Path
) -> None:
    more = {"BASE_URL": "https://shop.example", "TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.0/8"}
    more |= {"WEBHOOK_ALLOWED_IPS": "203.0.113.0/24"}
    async with shop_inside(quick_settings(sqlite_template, tmp_path, **more)) as client:
        forwarded = {"x-forwarded-host": "shop.example", "x-forwarded-proto": "https"}
        assert (await client.get("/", headers=forwarded)).status_code == 200
        other = forwarded | {"x-forwarded-host": "evil.example"}
        assert (await client.get("/", headers=other)).status_code == 400
        for hops, status in (
            ("203.0.113.7", 400),
            ("198.51.100.1", 403),
            ("203.0.113.7, 198.51.100.1, 10.0.0.3", 403),
            ("198.51.100.1, 203.0.113.7, 10.0.0.3", 400),
            ("198.51.100.1:4000, 203.0.113.7:4001", 400),
            ("203.0.113.7, [2001:db8::1]:4000", 403),
            ("203.0.113.7, unknown", 403),
            (("203.0.113.7", "198.51.100.1"), 403),
            (("198.51.100.1", "203.0.113.7", "10.0.0.3"), 400),
        ):
            lines = [hops] if isinstance(hops, str) else hops
            headers = [*forwarded.items(), *(("x-forwarded-for", line) for line in lines)]
            answer = await client.post("/webhooks/stripe", content=b"{}", headers=headers)
            assert answer.status_code == status, hops
