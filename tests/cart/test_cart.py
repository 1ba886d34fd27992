"""Putting things into the cart, changing and removing them: as page, as fragment, as plain form."""

import json

from sqlalchemy import update

from storefront.catalogue.models import Product, Variant
from tests.shop import ANNA, HTMX, Running, Shopper, Thing, shopper_at
from tests.web.page import Answer, Node


async def seen(shopper: Shopper, answer: Answer) -> Answer:
    """The cart after a change: in the answer itself for htmx, behind the redirect for a plain form."""
    return answer if shopper.htmx else await shopper.follow(answer)


def line(cart: Answer, thing: Thing) -> Node:
    """The line of a thing."""
    lines = [one for one in cart.root.all("li", class_name="line") if thing.sku[2:] in one.text]
    assert len(lines) == 1, cart
    return lines[0]


def action_of(cart: Answer, thing: Thing) -> str:
    return f"/cart/items/{line(cart, thing).attrs['id'].removeprefix('line-')}"


def quantity(cart: Answer, thing: Thing) -> str:
    return line(cart, thing).all("input", name="quantity")[0].attrs["value"]


async def counted(shopper: Shopper) -> dict[str, int]:
    """What really lies in the cart, by SKU."""
    data = (await shopper.get("/api/cart/count")).response.json()
    assert data["count"] == sum(one["quantity"] for one in data["items"])
    return {one["sku"]: one["quantity"] for one in data["items"]}


async def test_what_is_added_twice_is_one_line_with_the_sum(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing(price=1250)
    await either.add(thing, 2)
    cart = await seen(either, await either.add(thing, 3))
    assert quantity(cart, thing) == "5"
    assert "$62.50" in line(cart, thing).text
    assert cart.element("cart-badge").attrs["data-count"] == "5"
    assert await counted(either) == {thing.sku: 5}


async def test_an_added_thing_is_answered_with_cart_badge_and_announcement(shop: Running) -> None:
    async with shopper_at(shop.url, htmx=True) as shopper:
        thing = await shop.new_thing()
        answer = await shopper.add(thing)
        assert answer.status == 200
        assert "<html" not in answer.text
        badge = answer.element("cart-badge")
        assert badge.attrs["hx-swap-oob"]
        assert badge.attrs["data-count"] == "1"
        assert "cart:changed" in answer.headers["hx-trigger"]
        live = next(one for one in answer.root if "#live" in one.attrs.get("hx-target", ""))
        assert live.text.endswith("added, 1 in cart")
        assert answer.element("cart").tag == "section"
        vary = answer.headers["vary"]
        assert all(name in vary for name in ("Cookie", "HX-Request", "HX-Request-Type"))
        assert "no-store" in answer.headers["cache-control"]


async def test_a_quantity_can_be_typed(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    cart = await seen(either, await either.add(thing))
    cart = await seen(either, await either.submit(cart, action_of(cart, thing), quantity="7"))
    assert quantity(cart, thing) == "7"
    assert await counted(either) == {thing.sku: 7}


async def test_plus_and_minus_win_over_what_is_typed(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    cart = await seen(either, await either.add(thing, 3))
    action = action_of(cart, thing)
    cart = await seen(either, await either.submit(cart, action, press="step=1", quantity="50"))
    assert quantity(cart, thing) == "4"
    cart = await seen(either, await either.submit(cart, action, press="step=-1", quantity="nonsense"))
    assert quantity(cart, thing) == "3"


async def test_one_less_than_one_removes(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    cart = await seen(either, await either.add(thing))
    cart = await seen(either, await either.submit(cart, action_of(cart, thing), press="step=-1"))
    assert "Your cart is empty" in cart.element("cart").text


async def test_a_removal_can_be_undone(shop: Running, either: Shopper) -> None:
    thing, other = await shop.new_thing(), await shop.new_thing()
    await either.add(other)
    cart = await seen(either, await either.add(thing, 4))
    cart = await seen(either, await either.post(action_of(cart, thing), {"quantity": "0"}))
    assert await counted(either) == {other.sku: 1}
    removed = cart.root.all("div", class_name="removed")[0]
    assert removed.text.startswith(f"Removed Thing {thing.sku[2:]}")
    undo = removed.all("form", action="/cart/items")[0]
    assert "autofocus" in undo.all("button")[0].attrs
    values = {one.attrs["name"]: one.attrs["value"] for one in undo.all("input")}
    cart = await seen(either, await either.post("/cart/items", values))
    assert quantity(cart, thing) == "4"
    assert await counted(either) == {other.sku: 1, thing.sku: 4}
    assert "Removed" not in (await either.get("/cart")).element("cart").text


async def test_a_price_that_changed_is_said_on_its_line_and_can_be_kept(
    shop: Running, either: Shopper
) -> None:
    thing = await shop.new_thing(price=1000)
    await either.add(thing, 2)
    await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(price=1200))
    cart = await either.get("/cart")
    assert "Was $10.00 when you added it, now $12.00" in line(cart, thing).text
    assert "$24.00" in line(cart, thing).text
    keep = line(cart, thing).all("button", class_name="button button-small")[0]
    assert keep.text == "Keep it at $12.00"
    cart = await seen(either, await either.post(action_of(cart, thing), {"quantity": "2"}))
    assert "Was" not in line(cart, thing).text


async def test_a_line_that_sold_out_says_so_and_blocks_the_checkout(shop: Running, either: Shopper) -> None:
    thing, other = await shop.new_thing(), await shop.new_thing()
    await either.add(other)
    await either.add(thing, 5)
    await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(on_hand=0))
    cart = await either.get("/cart")
    assert "Sold out" in line(cart, thing).text
    assert not cart.root.all("a", href="/checkout")
    assert (await either.get("/checkout")).location == "/cart"
    cart = await seen(either, await either.post(action_of(cart, thing), {"quantity": "0"}))
    assert cart.root.all("a", href="/checkout")


async def test_a_line_with_too_few_left_offers_what_there_is(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    await either.add(thing, 5)
    await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(on_hand=2))
    cart = await either.get("/cart")
    assert "Only 2 left" in line(cart, thing).text
    assert quantity(cart, thing) == "5", "nothing is changed before the shopper agrees"
    assert line(cart, thing).all("button", class_name="button button-small")[0].text == "Take 2"
    cart = await seen(either, await either.post(action_of(cart, thing), {"quantity": "2"}))
    assert await counted(either) == {thing.sku: 2}


async def test_a_line_that_is_no_longer_sold_says_so(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    await either.add(thing)
    await shop.change(update(Product).where(Product.id == thing.product_id).values(status="archived"))
    assert "No longer available" in line(await either.get("/cart"), thing).text


async def test_the_cart_is_the_same_as_page_as_fragment_and_after_back(
    shop: Running, shopper: Shopper
) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing)
    page = await shopper.get("/cart")
    fragment = await shopper.fragment("/cart")
    assert "<html" in page.text
    assert "<html" not in fragment.text
    assert page.element("cart").text == fragment.element("cart").text
    restored = await shopper.get("/cart", **HTMX, **{"HX-History-Restore-Request": "true"})
    full = await shopper.get("/cart", **{**HTMX, "HX-Request-Type": "full"})
    assert "<html" in restored.text
    assert "<html" in full.text
    for answer in (page, fragment, restored, full):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "HX-Request-Type" in answer.headers["vary"]
    assert page.root.all("meta", name="robots", content="noindex")


async def test_carts_of_different_people_do_not_meet(shop: Running) -> None:
    thing = await shop.new_thing()
    async with shopper_at(shop.url) as anna, shopper_at(shop.url) as bert:
        cart = await anna.follow(await anna.add(thing))
        await bert.add(await shop.new_thing())
        answer = await bert.post(action_of(cart, thing), {"quantity": "9"})
        assert answer.status == 404
        assert await counted(anna) == {thing.sku: 1}


async def test_delivery_is_estimated_before_the_checkout(shop: Running, shopper: Shopper) -> None:
    thing = await shop.new_thing(price=5000)
    cart = await shopper.follow(await shopper.add(thing))
    assert "Delivery from $4.90" in cart.words
    assert "Add $25.00 more for free delivery" in cart.words
    assert "$54.90" in cart.words
    cart = await shopper.follow(await shopper.add(thing))
    assert "Free delivery" in cart.words


async def test_the_estimate_follows_the_country_that_was_chosen(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing(price=5000))
    page = await shopper.get("/checkout")
    form = page.form("/checkout").filled(ANNA | {"country": "DE"}, None)
    await shopper.post("/checkout/fields/country", form)
    assert "Delivery from $9.90" in (await shopper.get("/cart")).words


async def test_scripts_can_ask_what_is_in_the_cart(shop: Running, shopper: Shopper) -> None:
    answer = await shopper.get("/api/cart/count")
    assert answer.response.json() == {"count": 0, "items": []}
    thing = await shop.new_thing()
    await shopper.add(thing, 3)
    answer = await shopper.get("/api/cart/count")
    items = [{"sku": thing.sku, "title": f"Thing {thing.sku[2:]}", "quantity": 3}]
    assert json.loads(answer.text) == {"count": 3, "items": items}
    assert "no-store" in answer.headers["cache-control"]
