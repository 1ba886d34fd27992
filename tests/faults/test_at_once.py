"""Many at once: the last pieces, a crowd, opposite lines."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest
from sqlalchemy import select, update

from storefront.cart.change import set_quantity
from storefront.cart.models import Cart, CartLine
from storefront.catalogue.models import Variant
from storefront.checkout.room import PLACED_AT_ONCE
from storefront.orders.change import held_for_cart
from storefront.orders.models import (
    PAID,
)
from storefront.payments.giveup import give_up
from storefront.payments.settle import Settled, settle
from tests.faults.house import Bought, House
from tests.shop import Shopper, Thing
from tests.web.page import Answer


async def change_line(shopper: Shopper, quantity: int, line: int = 0) -> None:
    cart = await shopper.get("/cart")
    actions = [
        form.attrs["action"] for form in cart.root.all("form") if "/cart/items/" in form.attrs["action"]
    ]
    await shopper.post(sorted(set(actions))[line], {"quantity": str(quantity)})


async def test_stock_for_five_with_a_hundred_shoppers(house: House) -> None:
    thing = await house.thing(on_hand=5)
    shoppers = [house.shopper() for _ in range(100)]
    await asyncio.gather(*(one.add(thing) for one in shoppers))
    # Whoever comes when all are held is sent back to the cart, so everybody has the form before anybody sends it.
    forms = [await one.get("/checkout") for one in shoppers]
    sent = (one.order_from(form) for one, form in zip(shoppers, forms, strict=True))
    answers = await asyncio.gather(*sent)
    assert Counter(one.status for one in answers) == {303: 5, 409: 95}
    assert all("/sandbox/pay/" in one.location for one in answers if one.status == 303)
    assert await house.stock(thing) == (5, 5)
    for session in await house.stripe.objects("checkout.session"):
        await house.stripe.do("pay", session=session["id"])
    await house.deliver_at_once(*await house.stripe.events("checkout.session.completed"))
    assert await house.stock(thing) == (0, 0)
    await house.check()


async def crowd(house: House, thing: Thing, number: int) -> list[Awaitable[Answer]]:
    """So many shoppers, who all have the form before them; what each of them sends."""
    shoppers = [house.shopper() for _ in range(number)]
    await asyncio.gather(*(one.add(thing) for one in shoppers))
    forms = [await one.get("/checkout") for one in shoppers]
    return [one.order_from(form) for one, form in zip(shoppers, forms, strict=True)]


async def test_a_crowd_that_waits_for_one_thing_leaves_the_database_to_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has the thing's row: few of those who order wait for it with a connection in hand."""
    monkeypatch.setattr("storefront.checkout.room.PATIENT_FOR", 60.0)
    thing = await house.thing(on_hand=5)
    sent = await crowd(house, thing, 25)
    async with house.another().database.writes() as session:
        mine = update(Variant).where(Variant.id == thing.variant_id)
        await session.execute(mine.values(held=Variant.held))
        answers = asyncio.gather(*sent)
        await house.until_waiting(PLACED_AT_ONCE)
        assert (await house.shopper().get("/cart")).status == 200
        async with asyncio.timeout(10):
            # Those who wait for their turn may still be reading what is in their cart.
            while house.connections > PLACED_AT_ONCE:
                await asyncio.sleep(0.01)
    assert Counter(one.status for one in await answers) == {303: 5, 409: 20}
    assert await house.stock(thing) == (5, 5)
    await house.check()


async def test_who_waits_long_for_those_who_order_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is turned away because others order."""
    monkeypatch.setattr("storefront.checkout.room.PATIENT_FOR", 0.1)
    busy, free = await house.thing(on_hand=5), await house.thing(on_hand=5)
    sent, other = await crowd(house, busy, PLACED_AT_ONCE), await crowd(house, free, 1)
    async with house.another().database.writes() as session:
        mine = update(Variant).where(Variant.id == busy.variant_id)
        await session.execute(mine.values(held=Variant.held))
        answers = asyncio.gather(*sent)
        await house.until_waiting(1 if house.database.sqlite else PLACED_AT_ONCE)
        goes_on = asyncio.ensure_future(other[0])
        if not house.database.sqlite:
            # SQLite has one writer, for whom everybody waits.
            assert (await goes_on).status == 303
    assert (await goes_on).status == 303
    assert Counter(one.status for one in await answers) == {303: PLACED_AT_ONCE}
    assert await house.stock(busy) == (5, PLACED_AT_ONCE)
    await house.check()


async def test_orders_with_opposite_lines_never_wait_for_each_other(house: House) -> None:
    """Half of the carts hold A then B, half B then A; all are ordered and paid at once, at two processes."""
    first, second = await house.thing(on_hand=50), await house.thing(on_hand=50)
    other = house.another()
    shoppers = [house.shopper(process) for process in (house.shop, other) * 6]
    for number, shopper in enumerate(shoppers):
        for thing in (first, second) if number % 2 else (second, first):
            await shopper.add(thing)
    answers = await asyncio.gather(*(one.order() for one in shoppers))
    assert {answer.status for answer in answers} == {303}
    for session in await house.stripe.objects("checkout.session"):
        await house.stripe.do("pay", session=session["id"])
    completed = await house.stripe.events("checkout.session.completed")
    assert set(await house.deliver_at_once(*completed, processes=[house.shop, other])) == {200}
    assert {one.state for one in (await house.inbox()).values()} == {"handled"}
    assert await house.stock(first) == await house.stock(second) == (38, 0)
    await house.check()


async def test_carts_that_swap_their_things_at_once_never_wait_for_each_other(house: House) -> None:
    """Each order is replaced by one about the other thing: what is handed back and what is taken is one pass."""
    first, second = await house.thing(on_hand=50), await house.thing(on_hand=50)
    other = house.another()
    bought: list[tuple[Bought, Thing]] = []
    for number in range(8):
        mine, next_one = (first, second) if number % 2 else (second, first)
        shopper = house.shopper((house.shop, other)[number // 2 % 2])
        bought.append((await house.buy(mine, shopper=shopper), next_one))
    for one, next_one in bought:
        await change_line(one.shopper, 0)
        await one.shopper.add(next_one)
    answers = await asyncio.gather(*(one.shopper.order() for one, _ in bought))
    assert {answer.status for answer in answers} == {303}, answers
    assert await house.stock(first) == await house.stock(second) == (50, 4)
    await house.check(at_rest=False)
    await house.deliver_new()
    await house.check()


async def test_an_order_waits_for_an_edit_of_its_cart_and_sees_it(house: House) -> None:
    """Another process is in the middle of changing the cart when the order is placed."""
    shopper = house.shopper()
    await shopper.add(await house.thing())
    page = await shopper.get("/checkout")
    async with house.database.reads() as session:
        key = (await session.execute(select(Cart.token_hash))).scalar_one()
        line = (await session.execute(select(CartLine.id))).scalar_one()
    async with house.another().database.stroke() as stroke:
        await set_quantity(stroke, key, line, 3, None, held_for_cart)
        ordering = asyncio.create_task(
            shopper.submit(page, "/checkout", email="anna@example.org", name="Anna")
        )
        await house.until_waiting()
    answer = await ordering
    assert answer.status == 409, answer
    assert await house.orders() == []
    bought = await house.placed(shopper, await shopper.order())
    assert (await house.order(bought.order)).total == 4500
    await house.check()


@pytest.mark.parametrize("cart", ["there", "gone"])
async def test_two_who_settle_an_order_at_once_take_turns(house: House, cart: str) -> None:
    """The second one waits until the first is done, then finds nothing left to do."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    if cart == "gone":
        house.pass_time(days=61)
        await house.shop.work("clean_up")
        assert (await house.order(bought.order)).cart_id is None
    await house.stripe.do("settle", session=bought.session)
    facts = await house.shop.gateway.session(bought.session)
    other = house.another()

    async def late() -> Settled:
        async with other.database.writes() as session:
            return await settle(session, other.settings, facts)

    async with house.database.writes() as session:
        first = await settle(session, house.shop.settings, facts)
        second = asyncio.create_task(late())
        await house.until_waiting()
    assert (first.outcome, (await second).outcome) == ("paid", "unchanged")
    assert await house.stock(thing) == (4, 0)
    await house.deliver_new()
    await house.check()


@pytest.mark.parametrize("first", ["placing", "paying"])
async def test_placing_and_paying_at_once_never_wait_for_each_other(house: House, first: str) -> None:
    """The first one has taken the first thing and waits for the second; the other one wants the first and the last.
    It must wait with empty hands, or neither could go on."""
    one, two, three = [await house.thing() for _ in range(3)]
    pays, places = (
        ([one, three], [one, two, three]) if first == "placing" else ([one, two, three], [one, three])
    )
    bought = await house.buy(*reversed(pays))
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    shopper, busy = house.shopper(house.another()), house.another()
    for thing in reversed(places):
        await shopper.add(thing)

    async def place_it() -> int:
        return (await shopper.order()).status

    async def pay_it() -> int:
        return (await house.deliver(completed))[0]

    todo = [place_it, pay_it] if first == "placing" else [pay_it, place_it]
    async with busy.database.writes() as session:
        # As an order would: nobody else may change it, but may point to it.
        mine = update(Variant).where(Variant.id == two.variant_id)
        await session.execute(mine.values(held=Variant.held))
        tasks = []
        for number, job in enumerate(todo, 1):
            tasks.append(asyncio.create_task(job()))
            await house.until_waiting(number)
    assert set(await asyncio.gather(*tasks)) == {200, 303}
    assert (await house.inbox())[completed["id"]].state == "handled"
    assert await house.stock(one) == await house.stock(three) == (4, 1)
    assert await house.stock(two) == ((5, 1) if first == "placing" else (4, 0))
    await house.check()


async def test_giving_up_and_being_paid_at_once(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    other = house.another()
    await asyncio.gather(
        give_up(other.database, other.gateway, other.settings, bought.order),
        house.deliver(completed),
        house.come_back(bought),
    )
    assert await house.state(bought.order) == PAID
    await house.check()
