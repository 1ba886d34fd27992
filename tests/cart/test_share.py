"""A cart as a link: what others see of it, and putting it into their own."""

from sqlalchemy import update

from storefront.cart.share import read_things
from storefront.catalogue.models import Product, Variant
from tests.shop import Running, Shopper, shopper_at


async def count(shopper: Shopper) -> int:
    return int((await shopper.get("/api/cart/count")).response.json()["count"])


async def test_a_cart_is_shared_by_its_link(shop: Running, shopper: Shopper) -> None:
    one, two = [await shop.new_thing(price=1500) for _ in range(2)]
    await shopper.add(one, 2)
    await shopper.add(two, 3)
    cart = await shopper.get("/cart")
    [link] = [
        node.attrs["href"] for node in cart.root.all("a") if "/cart/shared/" in node.attrs.get("href", "")
    ]
    assert link == f"/cart/shared/{one.variant_id}x2.{two.variant_id}x3"
    await shop.change(update(Variant).where(Variant.id == one.variant_id).values(price=1000))
    async with shopper_at(shop.url) as friend:
        page = await friend.get(link)
        assert page.status == 200
        assert "set-cookie" not in page.headers
        assert (page.headers["x-robots-tag"], page.headers["cache-control"]) == ("noindex", "no-store")
        assert "$65.00" in page.words, "today's prices"
        assert await count(friend) == 0, "looking changes nothing"
        taken = await friend.follow(await friend.submit(page, link))
        assert "What was shared with you is in your cart." in taken.words
        assert await count(friend) == 5
        again = await friend.follow(await friend.submit(page, link))
        assert "is in your cart already" in again.words
        assert await count(friend) == 5
    assert await count(shopper) == 5


async def test_what_cannot_be_had_is_said(shop: Running, shopper: Shopper) -> None:
    few, gone, archived, draft = [await shop.new_thing(on_hand=1, price=700) for _ in range(4)]
    await shop.change(update(Variant).where(Variant.id == gone.variant_id).values(tracked=True, held=1))
    await shop.change(update(Variant).where(Variant.id == archived.variant_id).values(archived=True))
    await shop.change(update(Product).where(Product.id == draft.product_id).values(status="draft"))
    ids = [thing.variant_id for thing in (few, gone, archived, draft)]
    link = "/cart/shared/" + ".".join(f"{one}x3" for one in [*ids, 2_000_000_000])
    page = await shopper.get(link)
    for words in (
        "Only 1 left",
        "Sold out",
        "No longer available",
        "2 things of this link are not known here",
        "$7.00",
    ):
        assert words in page.words, words
    cart = await shopper.follow(await shopper.submit(page, link))
    assert "What can be had of what was shared with you is in your cart." in cart.words
    assert await count(shopper) == 1
    await shop.change(update(Variant).where(Variant.id == gone.variant_id).values(held=0))
    nothing = await shopper.get(f"/cart/shared/{draft.variant_id}x1")
    assert "Nothing of this can be had" in nothing.words
    assert not [
        one for one in nothing.root.all("form") if one.attrs.get("action", "").startswith("/cart/shared")
    ]


async def test_what_is_no_such_link_is_not_found(shopper: Shopper) -> None:
    for text in (
        "x",
        "1",
        "1x",
        "0x1",
        "1x0",
        "1x100",
        "1x1.1x2",
        "1x1.",
        "-1x1",
        "%D9%A1x1",
        "9999999999x1",
        "1x1;2x1",
    ):
        assert (await shopper.get(f"/cart/shared/{text}")).status == 404, text
        assert (await shopper.post(f"/cart/shared/{text}", {})).status == 404, text
    many = ".".join(f"{one}x1" for one in range(1, 51))
    assert read_things(many) == dict.fromkeys(range(1, 51), 1)
    assert (await shopper.get(f"/cart/shared/{many}.51x1")).status == 404
    other = await shopper.post(
        "/cart/shared/1x1", {}, origin="https://evil.example", **{"sec-fetch-site": "cross-site"}
    )
    assert other.status == 403
