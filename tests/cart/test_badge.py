"""The cart's two cookies and the number on every page."""

import asyncio

from tests.shop import HTMX, Running, Shopper, shopper_at
from tests.web.page import Answer

PAGES = [
    "/",
    "/products",
    "/products/lavender-soap",
    "/collections",
    "/collections/ceramics",
    "/search?q=soap",
]


def cookies(answer: Answer) -> dict[str, str]:
    """The cookies that an answer sets, by name, with their attributes."""
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.lower() for line in lines}


async def test_browsing_sets_no_cookie(shopper: Shopper) -> None:
    for path in [*PAGES, "/cart", "/pages/terms", "/cart/badge", "/api/cart/count", "/nothing"]:
        assert cookies(await shopper.get(path)) == {}, path


async def test_the_first_thing_sets_an_opaque_cookie_that_scripts_cannot_read(
    shop: Running, shopper: Shopper
) -> None:
    thing = await shop.new_thing()
    set_by = cookies(await shopper.add(thing))
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in set_by["cart"].split(";")}
    assert len(set_by["cart"].split(";")[0]) > 30
    assert "httponly" not in set_by["cart_n"]
    assert "max-age=1800" in set_by["cart_n"]
    again = cookies(await shopper.add(thing))
    assert "cart" not in again, "the cart stays the same"
    assert again["cart_n"].startswith("cart_n=2;")


async def test_every_page_carries_the_badge(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing(), 3)
    for path in [*PAGES, "/cart", "/checkout", "/pages/terms", "/nothing"]:
        page = await shopper.get(path)
        assert page.element("cart-badge").attrs["href"] == "/cart", path
        if path != "/nothing":
            assert page.element("cart-badge").attrs["data-count"] == "3", path


async def test_without_its_number_the_badge_asks_the_cart(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing(), 2)
    shopper.client.cookies.delete("cart_n")
    answer = await shopper.get("/cart/badge")
    assert answer.element("cart-badge").attrs["data-count"] == "2"
    assert cookies(answer)["cart_n"].startswith("cart_n=2;")
    assert "no-store" in answer.headers["cache-control"]
    shopper.client.cookies.delete("cart_n")
    page = await shopper.get("/products")
    assert page.element("cart-badge").attrs["data-count"] == "2"
    assert "private" in page.headers["cache-control"]


async def test_a_made_up_number_harms_nobody(shop: Running, shopper: Shopper) -> None:
    for made_up in ("-5", "<b>", "9" * 40, "1e9", "٣", ""):
        headers = [(b"cookie", f"cart_n={made_up}".encode())]
        answer = Answer(await shopper.client.get("/products", headers=headers))
        assert answer.status == 200
        assert answer.element("cart-badge").attrs["data-count"] == "0"


async def test_a_cookie_of_no_cart_is_an_empty_cart(shop: Running, shopper: Shopper) -> None:
    for token in ("nonsense", "x" * 64, "x" * 4000, "%00", "';--"):
        answer = await shopper.get("/cart", cookie=f"cart={token}")
        assert answer.status == 200
        assert "Your cart is empty" in answer.words
    thing = await shop.new_thing()
    data = {"variant_id": str(thing.variant_id), "quantity": "1"}
    answer = await shopper.post("/cart/items", data, cookie="cart=nonsense")
    assert len(cookies(answer)["cart"].split(";")[0]) > 30, (
        "the shop never adopts a name that a browser chose"
    )


async def test_placing_an_order_takes_the_number_away(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    answer = await shopper.order()
    assert answer.status == 303
    assert "max-age=0" in cookies(answer)["cart_n"]


async def test_two_first_adds_at_once_lose_nothing_within_one_browser(shop: Running) -> None:
    thing = await shop.new_thing()
    async with shopper_at(shop.url) as shopper:
        await shopper.add(thing)
        data = {"variant_id": str(thing.variant_id), "quantity": "1"}
        answers = await asyncio.gather(*(shopper.post("/cart/items", data, **HTMX) for _ in range(12)))
        assert {one.status for one in answers} == {200}
        counts = (await shopper.get("/api/cart/count")).response.json()
        assert counts["count"] == 13
