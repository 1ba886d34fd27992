"""What the cart refuses: wrong numbers, more than there is, things that are not there."""

from pathlib import Path

import pytest
from sqlalchemy import update

from storefront.cart import limits
from storefront.catalogue.models import Product
from storefront.web.limits import Rule
from tests.cart.test_cart import action_of, counted, quantity, seen
from tests.compiled import open_database
from tests.shop import Running, Shopper, new_thing, shopper_at
from tests.web.inside import quick_settings, shop_inside

NO_QUANTITY = ["", "abc", "-1", "1.5", "1e2", "+3", "٣", "1_0", "0x1", "100", "99999999999", "NaN", "½"]


async def test_one_network_makes_so_many_carts(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NEW_CARTS", Rule("new-carts", 3, 600))
    settings = quick_settings(sqlite_template, tmp_path, TRUSTED_PROXIES="127.0.0.1")
    async with shop_inside(settings) as client:
        database = open_database(settings.database)
        thing = await new_thing(database)
        await database.close()

        async def add(**headers: str) -> int:
            data = {"variant_id": str(thing.variant_id), "quantity": "1"}
            mine = {"x-forwarded-for": "10.0.0.1", **headers}
            return (await client.post("/cart/items", data=data, headers=mine)).status_code

        assert await add() == 303
        assert [await add() for _ in range(5)] == [303] * 5, "into the same cart as often as one likes"
        kept = client.cookies["cart"]
        statuses = []
        for n in range(6):
            client.cookies.clear()
            statuses.append(await add(cookie=f"cart=made-up-{n}" if n % 2 else ""))
        assert statuses == [303] * 2 + [429] * 4
        client.cookies.clear()
        assert await add(cookie=f"cart={kept}") == 303
        client.cookies.clear()
        assert await add(**{"x-forwarded-for": "10.0.0.2"}) == 303, "elsewhere it goes on"


async def test_adding_a_wrong_quantity_changes_nothing(shop: Running, either: Shopper) -> None:
    thing, wrong = await shop.new_thing(), await shop.new_thing()
    await either.add(thing, 2)
    for typed in [None, "0", *NO_QUANTITY]:
        form = {"variant_id": str(wrong.variant_id)} | ({"quantity": typed} if typed is not None else {})
        answer = await either.post("/cart/items", form)
        assert answer.status == 422, typed
        assert quantity(answer, thing) == "2", "the cart as it truly is"
        assert "99" in answer.element("cart").all("div", class_name="notice")[0].text
        assert ("<html" in answer.text) is not either.htmx
    assert await counted(either) == {thing.sku: 2}


async def test_changing_to_a_wrong_quantity_changes_nothing(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    cart = await seen(either, await either.add(thing, 2))
    for typed in NO_QUANTITY:
        answer = await either.post(action_of(cart, thing), {"quantity": typed})
        assert answer.status == 422, typed
        field = answer.root.all("input", name="quantity", aria_invalid="true")[0]
        assert answer.element(field.attrs["aria-describedby"]).text
    assert await counted(either) == {thing.sku: 2}


async def test_a_step_is_one_up_or_one_down(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    cart = await seen(either, await either.add(thing, 5))
    for step in ["2", "0", "-2", "", "one"]:
        answer = await either.post(action_of(cart, thing), {"quantity": "3", "step": step})
        assert answer.status == 422, step
    assert await counted(either) == {thing.sku: 5}


async def test_more_than_99_of_one_thing_are_refused_also_as_a_sum(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing(on_hand=500)
    cart = await seen(either, await either.add(thing, 98))
    answer = await either.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "2"})
    assert answer.status == 422
    cart = await seen(either, await either.submit(cart, action_of(cart, thing), press="step=1"))
    assert quantity(cart, thing) == "99"
    answer = await either.submit(cart, action_of(cart, thing), press="step=1")
    assert answer.status == 422
    assert await counted(either) == {thing.sku: 99}


async def test_a_key_given_twice_is_refused(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    one = ("variant_id", str(thing.variant_id))
    answer = await either.post("/cart/items", [one, ("quantity", "1"), ("quantity", "9")])
    assert answer.status == 422
    assert await counted(either) == {}


async def test_more_than_there_is_takes_what_there_is_only_if_the_shopper_agrees(
    shop: Running, either: Shopper
) -> None:
    thing = await shop.new_thing(on_hand=3)
    answer = await either.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "5"})
    assert answer.status == 409
    assert "Only 3 left" in answer.element("cart").text
    assert await counted(either) == {}
    agree = next(one for one in answer.root.all("form") if one.text == "Take 3")
    values = {one.attrs["name"]: one.attrs["value"] for one in agree.all("input")}
    await either.post(agree.attrs["action"], values)
    assert await counted(either) == {thing.sku: 3}


async def test_a_line_is_not_raised_above_what_there_is(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing(on_hand=3)
    cart = await seen(either, await either.add(thing, 2))
    answer = await either.submit(cart, action_of(cart, thing), quantity="8")
    assert answer.status == 409
    assert "Only 3 left" in answer.element("cart").text
    assert await counted(either) == {thing.sku: 2}
    agree = next(one for one in answer.root.all("form") if one.text == "Take 3")
    values = {one.attrs["name"]: one.attrs["value"] for one in agree.all("input")}
    await either.post(agree.attrs["action"], values)
    assert await counted(either) == {thing.sku: 3}


async def test_what_the_carts_own_open_order_holds_can_still_be_had(shop: Running, shopper: Shopper) -> None:
    thing = await shop.new_thing(on_hand=3)
    await shopper.add(thing, 2)
    assert (await shopper.order()).status == 303
    cart = await shopper.get("/cart")
    answer = await shopper.submit(cart, action_of(cart, thing), quantity="3")
    assert answer.status == 303
    async with shopper_at(shop.url) as other:
        answer = await other.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "2"})
        assert answer.status == 409
        assert "Only 1 left" in answer.words


async def test_a_sold_out_thing_cannot_be_added(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing(on_hand=0)
    page = await either.get(f"/products/{thing.slug}")
    buttons = page.form("/cart/items").buttons
    assert all("disabled" in one.attrs for one in buttons)
    answer = await either.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "1"})
    assert answer.status == 409
    assert "sold out" in answer.words.lower()


async def test_an_unknown_variant_is_404(either: Shopper) -> None:
    for identity in ["999999999", "0", "-1", "abc", "1" * 30, "1.0", "2147483648"]:
        answer = await either.post("/cart/items", {"variant_id": identity, "quantity": "1"})
        assert answer.status == 404, identity
        if not either.htmx:
            assert answer.root.all("a", href="/products"), "a way on"
        else:
            assert answer.headers["hx-retarget"] == "#notice"


async def test_no_variant_at_all_is_422(either: Shopper) -> None:
    answer = await either.post("/cart/items", {"quantity": "1"})
    assert answer.status == 422
    assert answer.has("cart")


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_what_is_not_on_sale_cannot_be_added(shop: Running, either: Shopper, status: str) -> None:
    thing = await shop.new_thing()
    await shop.change(update(Product).where(Product.id == thing.product_id).values(status=status))
    answer = await either.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "1"})
    assert answer.status == 404
    assert (await either.get(f"/products/{thing.slug}")).status == 404


async def test_an_unknown_line_is_404_with_the_true_cart_for_htmx(shop: Running, either: Shopper) -> None:
    thing = await shop.new_thing()
    await either.add(thing, 2)
    for unknown in ("0", "999999999", "2147483648", "9" * 19, "9" * 40):
        answer = await either.post(f"/cart/items/{unknown}", {"quantity": "1"})
        assert answer.status == 404, unknown
        if either.htmx:
            assert "hx-retarget" not in answer.headers
            assert quantity(answer, thing) == "2"
        else:
            assert answer.root.all("a", href="/cart")


async def test_a_line_that_was_removed_is_never_another_one(shop: Running, shopper: Shopper) -> None:
    thing, other = await shop.new_thing(), await shop.new_thing()
    cart = await shopper.follow(await shopper.add(thing))
    old = action_of(cart, thing)
    await shopper.post(old, {"quantity": "0"})
    await shopper.add(other)
    assert (await shopper.post(old, {"quantity": "50"})).status == 404
    assert await counted(shopper) == {other.sku: 1}


async def test_a_cart_holds_at_most_50_different_things(shop: Running, shopper: Shopper) -> None:
    async with shop.database() as database:
        things = [await new_thing(database) for _ in range(51)]
    for thing in things[:50]:
        await shopper.post("/cart/items", {"variant_id": str(thing.variant_id), "quantity": "1"})
    answer = await shopper.post("/cart/items", {"variant_id": str(things[50].variant_id), "quantity": "1"})
    assert answer.status == 422
    assert "50" in answer.words
    answer = await shopper.post("/cart/items", {"variant_id": str(things[3].variant_id), "quantity": "1"})
    assert answer.status == 303, "more of what is there already"
    assert len(await counted(shopper)) == 50
