"""Whatever comes in is answered with a status, a sentence, and a way on; never with a trace."""

import pytest

from tests.shop import FORM_TYPE, HTMX, Running, Shopper
from tests.web.page import Answer

POSTS = [
    "/cart/items",
    "/cart/items/1",
    "/checkout",
    "/checkout/fields/name",
    "/orders/nobody/pay",
    "/orders/nobody/cancel",
    "/orders/nobody/reorder",
]
NOWHERE = [
    "/nothing",
    "/products/nothing",
    "/collections/nothing",
    "/products?collection=nothing",
    "/orders/nothing",
    "/pages/nothing",
    "/pages/..%2Flayouts%2Fbase",
    "/products/%F0%9F%98%80",
    "/products/" + "x" * 3000,
    "/static/nothing.css",
    "/static/../pyproject.toml",
    "/static/%2e%2e/pyproject.toml",
    "/products/..%2f..%2fetc%2fpasswd",
    "/cart/items/abc",
    "/.env",
    "/.git/config",
    "/_gallery/nothing",
]
HOSTILE = [
    "'",
    '"',
    "' OR 1=1 --",
    '" NEAR(a',
    "*",
    "a*b",
    "-",
    "(",
    "NOT",
    "AND OR",
    "soap\\",
    ":*",
    "&|!",
    "🧼",
]


async def send(
    shopper: Shopper, path: str, body: bytes, content_type: str | None = FORM_TYPE, **more: str
) -> Answer:
    headers = {"content-type": content_type} if content_type else {}
    return Answer(await shopper.client.post(path, content=body, headers=headers | more))


def in_order(answer: Answer) -> None:
    """A page that people can read and leave."""
    assert "Traceback" not in answer.text
    assert "storefront/" not in answer.text
    assert answer.root.all("h1"), answer
    assert answer.root.all("a", href="/products"), answer


@pytest.mark.parametrize("path", NOWHERE)
async def test_what_is_not_there_is_404_with_a_way_on(shopper: Shopper, path: str) -> None:
    answer = await shopper.get(path)
    assert answer.status in ({404, 405} if path == "/cart/items/abc" else {404}), answer
    if not path.startswith("/static/"):
        in_order(answer)
        assert "no-store" in answer.headers["cache-control"]


async def test_to_htmx_it_is_a_notice(shopper: Shopper) -> None:
    answer = await shopper.get("/products/nothing", **HTMX)
    assert answer.status == 404
    assert answer.headers["hx-retarget"] == "#notice"
    assert "<html" not in answer.text
    assert answer.root.all("div", class_name="notice")[0].text


async def test_a_method_that_is_not_meant_is_405(shopper: Shopper) -> None:
    for method, path in (("GET", "/cart/items"), ("PUT", "/cart"), ("DELETE", "/"), ("PATCH", "/products")):
        answer = Answer(await shopper.client.request(method, path))
        assert answer.status == 405, path
        assert answer.headers["allow"], path
        in_order(answer)


async def test_a_form_of_another_type_is_415(shopper: Shopper) -> None:
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", "x"):
        for path in POSTS:
            answer = await send(shopper, path, b'{"variant_id": 1}', content_type)
            assert answer.status == 415, (content_type, path)
    in_order(answer)
    assert (await send(shopper, "/cart/items", b"variant_id=1", None)).status == 415


async def test_a_form_that_cannot_be_decoded_is_400(shopper: Shopper) -> None:
    for body in (b"variant_id=%ff", b"variant_id=\xff", b"a=%00", b"a=%ed%a0%80", b"&".join([b"a=1"] * 101)):
        for path in POSTS:
            answer = await send(shopper, path, body)
            assert answer.status == 400, (body[:30], path)
    in_order(answer)


async def test_a_key_given_twice_is_422_everywhere(shopper: Shopper) -> None:
    for path in POSTS:
        assert (await send(shopper, path, b"quantity=1&quantity=2")).status == 422, path


async def test_a_form_that_is_too_large_is_413(shopper: Shopper) -> None:
    for path in POSTS:
        assert (await send(shopper, path, b"a=" + b"x" * 65_000)).status == 413, path

    async def chunks() -> object:
        for _ in range(70):
            yield b"x" * 1000

    headers = {"content-type": FORM_TYPE}
    answer = Answer(await shopper.client.post("/cart/items", content=chunks(), headers=headers))  # type: ignore[arg-type]
    assert answer.status == 413
    in_order(answer)


async def test_an_address_that_is_too_long_is_414(shopper: Shopper) -> None:
    for path in ("/search?q=" + "a" * 9_000, "/products/" + "a" * 9_000):
        assert (await shopper.get(path)).status == 414


async def test_headers_that_are_too_large_are_431(shopper: Shopper) -> None:
    for name in ("cookie", "x-filler"):
        assert (await shopper.get("/", **{name: "x=" + "y" * 17_000})).status == 431
    assert (await shopper.get("/", cookie="x=" + "y" * 4_000)).status == 200


async def test_an_address_with_a_nul_in_it_is_400(shopper: Shopper) -> None:
    for path in (
        "/products/%00",
        "/search?q=%00",
        "/search?q=%ff",
        "/products?after=%c3%28",
        "/checkout/return?session_id=%00",
        "/orders/%00",
        "/pages/a%00",
    ):
        assert (await shopper.get(path)).status == 400, path


async def test_any_search_has_an_answer(shopper: Shopper) -> None:
    for words in [*HOSTILE, "a" * 5000, "a b " * 400, "%", "_", "\\", "soap' UNION SELECT 1"]:
        for path in ("/search", "/products"):
            answer = Answer(await shopper.client.get(path, params={"q": words}))
            assert answer.status == 200, words
        fragment = Answer(await shopper.client.get("/search", params={"q": words}, headers=HTMX))
        assert fragment.has("suggestions"), words
    assert "<b>x" not in (await shopper.get("/search?q=%3Cb%3Ex")).text
    assert "Lavender soap" in (await shopper.get("/search?q=lav%20soa")).words


async def test_any_listing_address_has_an_answer(shopper: Shopper) -> None:
    for query in (
        "sort=evil",
        "after=1~2~3",
        "after=" + "9" * 400,
        "after=x",
        "after=99999999999999~9",
        "sort=title&after=5~%27",
        "sort=title&after=5~%F0%9F%98%80",
        "sort=-price&after=1~-5",
        "shown=-1",
        "shown=" + "9" * 50,
        "q=soap&after=-1",
        "q=soap&after=99999",
        "sort=price&sort=title",
    ):
        assert (await shopper.get(f"/products?{query}")).status == 200, query


async def test_nothing_that_was_refused_left_an_error_in_the_log(shop: Running) -> None:
    assert '"event":"unhandled"' not in shop.log.read_text()
