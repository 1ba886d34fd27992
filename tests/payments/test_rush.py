"""The last pieces, wanted by everybody at once."""

import asyncio
import time

from sqlalchemy import func, select

from storefront.orders.models import Hold, Order
from tests.shop import ANNA, Running, Shopper, shopper_at
from tests.stripe_double import StripeDouble
from tests.web.page import Answer

SHOPPERS = 100
PIECES = 5


async def test_a_hundred_shoppers_want_the_last_five(shop: Running, stripe: StripeDouble) -> None:
    thing = await shop.new_thing(on_hand=PIECES)
    sessions = len(stripe.kind("checkout.session"))
    async with shopper_at(shop.url) as anybody:
        carts = [await filled_cart(shop, thing.variant_id) for _ in range(SHOPPERS)]
        page = Answer(await anybody.client.get("/checkout", headers={"cookie": carts[0]}))
        form = dict(page.form("/checkout").filled({}, None)) | ANNA
        waits: list[float] = []

        async def order(cart: str) -> Answer:
            started = time.perf_counter()
            answer = await anybody.post("/checkout", form, cookie=cart)
            waits.append(time.perf_counter() - started)
            return answer

        answers = await asyncio.gather(*(order(cart) for cart in carts))
    print(f"the slowest of {SHOPPERS} answers took {max(waits):.2f} s")
    told = [one for one in answers if one.status == 409]
    assert sorted({one.status for one in answers}) == [303, 409]
    assert len(told) == SHOPPERS - PIECES
    assert all("sold out" in one.words.lower() for one in told)
    assert all(one.has("checkout-form") for one in told)
    assert len({one.location for one in answers if one.status == 303}) == PIECES
    assert len(stripe.kind("checkout.session")) - sessions == PIECES
    assert await shop.stock(thing) == (PIECES, PIECES)
    async with shop.database() as database, database.reads() as session:
        holding = select(Hold.order_id).where(Hold.variant_id == thing.variant_id)
        states = await session.scalars(select(Order.state).where(Order.id.in_(holding)))
        assert list(states) == ["pending"] * PIECES
        assert await session.scalar(select(func.count()).select_from(holding.subquery())) == PIECES


async def filled_cart(shop: Running, variant_id: int) -> str:
    """The cookies of a shopper who has one piece in the cart."""
    async with shopper_at(shop.url) as shopper:
        await shopper.post("/cart/items", {"variant_id": str(variant_id), "quantity": "1"})
        return "; ".join(f"{name}={value}" for name, value in shopper.client.cookies.items())


async def test_two_orders_in_opposite_order_do_not_wait_for_each_other(
    shop: Running, stripe: StripeDouble
) -> None:
    one, other = await shop.new_thing(on_hand=40), await shop.new_thing(on_hand=40)

    async def buy(first: int, second: int) -> Answer:
        async with shopper_at(shop.url) as shopper:
            for variant_id in (first, second):
                await shopper.post("/cart/items", {"variant_id": str(variant_id), "quantity": "1"})
            return await shopper.order()

    pairs = [(one, other), (other, one)] * 10
    answers = await asyncio.gather(*(buy(a.variant_id, b.variant_id) for a, b in pairs))
    assert {answer.status for answer in answers} == {303}
    assert await shop.stock(one) == await shop.stock(other) == (40, 20)


async def test_many_add_to_one_cart_at_once_and_none_is_lost(shop: Running, shopper: Shopper) -> None:
    thing = await shop.new_thing(on_hand=99)
    await shopper.add(thing)
    data = {"variant_id": str(thing.variant_id), "quantity": "2"}
    answers = await asyncio.gather(*(shopper.post("/cart/items", data) for _ in range(20)))
    assert {one.status for one in answers} == {303}
    assert (await shopper.get("/api/cart/count")).response.json()["count"] == 41
