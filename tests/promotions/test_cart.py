"""A discount code in the cart: entered, kept, refused, taken away."""

from datetime import timedelta

import pytest

from storefront.cart.limits import CODES
from storefront.database import now
from tests.faults.house import House, use_up
from tests.promotions.codes import alter, end, enter, offer, sums
from tests.shop import HTMX, Shopper


@pytest.fixture(params=[False, True], ids=["plain", "htmx"])
async def shopper(request: pytest.FixtureRequest, house: House) -> Shopper:
    made = house.shopper()
    await made.add(await house.thing(price=2550, delivered=True), 2)
    made.htmx = request.param
    return made


async def test_a_right_code_is_a_chip_and_comes_off_the_goods(house: House, shopper: Shopper) -> None:
    await offer(house)
    cart = await enter(shopper, " spring ")
    assert sums(cart) == {
        "Subtotal": "$51.00",
        "Discount": "-$10.20",
        "Delivery": "Delivery from $5.00 (United States)",
        "Total": "$45.80",
    }
    assert cart.element("code-remove").text == "Remove the discount code SPRING"
    assert not cart.has("code")
    if shopper.htmx:
        live = next(one for one in cart.root if "#live" in one.attrs.get("hx-target", ""))
        assert live.text == "SPRING: $10.20 off."
        assert "autofocus" in cart.element("code-remove").attrs
    assert sums(await shopper.get("/cart"))["Total"] == "$45.80"


async def test_a_wrong_code_keeps_its_text(house: House, shopper: Shopper) -> None:
    answer = await shopper.submit(await shopper.get("/cart"), "/cart/promotion", code="Sprnig <b>")
    assert answer.status == 422
    field = answer.element("code")
    kept = "" if shopper.htmx else "Sprnig <b>"  # by the field itself
    assert (field.attrs["value"], field.attrs["aria-invalid"]) == (kept, "true")
    assert "There is no code SPRNIG <B>." in answer.element(field.attrs["aria-describedby"]).text
    assert "open" in answer.element("cart-code").attrs
    assert sums(answer)["Subtotal"] == "$51.00"
    if shopper.htmx:
        live = next(one for one in answer.root if "#live" in one.attrs.get("hx-target", ""))
        assert "There is no code" in live.text


@pytest.mark.parametrize("text", ["", "   "])
async def test_no_code_is_asked_for(house: House, shopper: Shopper, text: str) -> None:
    answer = await shopper.post("/cart/promotion", {"code": text})
    assert answer.status == 422
    assert "Enter a code." in answer.element("code-error").text


async def test_a_removed_code_comes_off_no_more(house: House, shopper: Shopper) -> None:
    await offer(house)
    cart = await enter(shopper, "SPRING")
    for _ in range(2):
        answer = await shopper.submit(cart, "/cart/promotion/remove")
        removed = await shopper.follow(answer) if answer.location else answer
        assert sums(removed)["Total"] == "$56.00"
        assert removed.has("code")


async def test_another_code_takes_the_place_of_the_first(house: House, shopper: Shopper) -> None:
    await offer(house)
    await offer(house, "SUMMER", amount=500)
    await enter(shopper, "SPRING")
    await shopper.post("/cart/promotion", {"code": "SUMMER"})
    assert sums(await shopper.get("/cart"))["Discount"] == "-$5.00"


async def test_what_is_not_enough_yet_is_said_and_kept(house: House, shopper: Shopper) -> None:
    await offer(house, minimum=6000)
    cart = await enter(shopper, "SPRING")
    assert "SPRING counts when your things come to $60.00." in cart.words
    assert sums(cart)["Total"] == "$56.00"
    shopper.htmx = False
    await shopper.add(await house.thing(price=900, delivered=True))
    assert sums(await shopper.get("/cart"))["Discount"] == "-$12.00"


async def test_what_has_ended_is_said_in_the_cart_and_refused_anew(house: House, shopper: Shopper) -> None:
    await offer(house)
    await enter(shopper, "SPRING")
    await end(house)
    cart = await shopper.get("/cart")
    assert "The code SPRING has ended." in cart.words
    assert "Discount" not in sums(cart)
    answer = await shopper.post("/cart/promotion", {"code": "SPRING"})
    assert answer.status == 422
    assert "The code SPRING has ended." in answer.words


async def test_one_that_has_not_begun_is_no_code(house: House, shopper: Shopper) -> None:
    await offer(house)
    await alter(house, begins_at=now() + timedelta(hours=1))
    answer = await shopper.post("/cart/promotion", {"code": "SPRING"})
    assert answer.status == 422
    assert "There is no code SPRING." in answer.words
    house.pass_time(hours=2)
    assert (await shopper.post("/cart/promotion", {"code": "SPRING"})).status in {200, 303}


async def test_an_amount_takes_off_no_more_than_the_goods_cost(house: House, shopper: Shopper) -> None:
    await offer(house, amount=9900)
    cart = await enter(shopper, "SPRING")
    assert sums(cart)["Discount"] == "-$51.00"
    assert sums(cart)["Total"] == "$5.00", "delivery is paid"


async def test_without_a_cart_there_is_nothing_to_take_it_off(house: House) -> None:
    await offer(house)
    shopper = house.shopper()
    answer = await shopper.post("/cart/promotion", {"code": "SPRING"})
    assert answer.status == 422
    assert "Put something into the cart first." in answer.words
    assert "set-cookie" not in answer.headers
    assert (await shopper.post("/cart/promotion/remove", {})).location == "/cart"


async def test_codes_cannot_be_guessed(house: House, shopper: Shopper) -> None:
    await use_up(house, CODES, "127.0.0.1", left=1)
    assert (await shopper.post("/cart/promotion", {"code": "AAA"})).status == 422
    refused = await shopper.submit(await shopper.get("/cart"), "/cart/promotion", code="AAB")
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Please wait" in refused.element("code-error").text
    assert sums(refused)["Subtotal"] == "$51.00"


async def test_many_behind_one_address_may_enter_the_right_one(house: House, shopper: Shopper) -> None:
    await offer(house)
    await use_up(house, CODES, "127.0.0.1", left=1)
    for _ in range(3):
        assert (await shopper.post("/cart/promotion", {"code": "SPRING"})).status in {200, 303}


async def test_a_wrong_code_in_an_old_tab_is_said_beside_the_right_one(
    house: House, shopper: Shopper
) -> None:
    await offer(house)
    old = await shopper.get("/cart")
    await enter(shopper, "SPRING")
    answer = await shopper.submit(old, "/cart/promotion", code="SPRNIG")
    assert answer.status == 422
    assert "There is no code SPRNIG." in answer.element("code-error").text
    assert answer.has("code-remove")


async def test_a_discount_that_stops_to_count_is_said_aloud(house: House) -> None:
    await offer(house, minimum=4000)
    shopper = house.shopper()
    await shopper.add(await house.thing(price=2550, delivered=True), 2)
    await enter(shopper, "SPRING")
    shopper.htmx = True
    page = await shopper.get("/cart")
    action = next(
        one.attrs["action"] for one in page.root.all("form") if "/cart/items/" in one.attrs["action"]
    )
    answer = await shopper.post(action, {"quantity": "1"})
    live = next(one for one in answer.root if "#live" in one.attrs.get("hx-target", ""))
    assert live.text.endswith("1 in cart. SPRING counts when your things come to $40.00.")


async def test_a_form_from_elsewhere_is_refused(house: House, shopper: Shopper) -> None:
    for path in ("/cart/promotion", "/cart/promotion/remove"):
        answer = await shopper.post(
            path, {"code": "SPRING"}, **{"sec-fetch-site": "cross-site", "origin": "https://a.example"}
        )
        assert answer.status == 403, path


async def test_the_fragment_is_the_cart(house: House, shopper: Shopper) -> None:
    await offer(house)
    answer = await shopper.post("/cart/promotion", {"code": "SPRING"}, **HTMX)
    assert answer.status == 200
    assert "<html" not in answer.text
    assert answer.element("cart").all("div", id="cart-has-code")
    assert "cart:changed" in answer.headers["hx-trigger"]
    assert answer.element("cart-badge").attrs["data-count"] == "2"
