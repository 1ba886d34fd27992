"""What an order is for changes at the same price, between looking, ordering and ordering again."""

from typing import Any

import pytest
from sqlalchemy import update

from storefront.catalogue.apply import ProductRow, apply_products
from storefront.catalogue.match import PriceRow
from storefront.catalogue.models import Product, Variant
from storefront.database import now
from storefront.orders.models import CANCELLED, PAID, PENDING
from storefront.payments.giveup import give_up
from tests.credits.people import buyer, package
from tests.faults.house import House
from tests.shop import Thing


async def _change(house: House, thing: Thing, table: type[Variant] | type[Product], **to: Any) -> None:
    mine = Variant.id == thing.variant_id if table is Variant else Product.id == thing.product_id
    async with house.database.writes() as session:
        await session.execute(update(table).where(mine).values(to))


@pytest.mark.parametrize(("before", "after"), [(5, 50), (50, 2)])
async def test_ordering_again_gives_the_credits_that_are_shown(house: House, before: int, after: int) -> None:
    anna = await buyer(house)
    thing = await package(house, before)
    old = await anna.buy(thing)
    await _change(house, thing, Variant, credit_amount=after)
    new = await house.placed(anna.shopper, await anna.shopper.order())
    assert new.order != old.order
    assert [await house.state(one.order) for one in (old, new)] == [CANCELLED, PENDING]
    await house.stripe.do("pay", session=new.session)
    await house.deliver_new()
    assert await anna.balance() == (after, 0)
    await house.check()


async def test_what_becomes_credits_goes_to_whoever_orders_it_again(house: House) -> None:
    anna = await buyer(house)
    thing = await house.thing(on_hand=0, tracked=False)
    old = await anna.buy(thing)
    await _change(house, thing, Variant, credit_amount=9)
    new = await house.placed(anna.shopper, await anna.shopper.order())
    assert new.order != old.order
    await house.stripe.do("pay", session=new.session)
    await house.deliver_new()
    assert await anna.balance() == (9, 0)
    await house.check()


@pytest.mark.parametrize(
    ("table", "to"),
    [(Variant, {"title": "Blue"}), (Product, {"title": "Another name"}), (Variant, {"sku": "SKU-ANEW"})],
    ids=["variant", "product", "sku"],
)
async def test_an_order_names_its_things_as_they_were_shown(
    house: House, table: type[Variant] | type[Product], to: dict[str, str]
) -> None:
    thing = await house.thing(on_hand=1)
    old = await house.buy(thing)
    await _change(house, thing, table, **to)
    new = await house.placed(old.shopper, await old.shopper.order())
    assert new.order != old.order
    assert await house.state(old.order) == CANCELLED
    [text] = to.values()
    assert text in (await house.page(new.order)).words
    again = await house.placed(old.shopper, await old.shopper.order())
    assert again.order == new.order, "nothing has changed since"
    await house.check()


@pytest.mark.parametrize("after", [2, 500, None])
async def test_credits_that_changed_while_the_form_was_open_are_said_and_nothing_is_placed(
    house: House, after: int | None
) -> None:
    anna = await buyer(house)
    thing = await package(house, 50)
    await anna.shopper.add(thing, 2)
    form = await anna.shopper.get("/checkout")
    await _change(house, thing, Variant, credit_amount=after)
    answer = await anna.shopper.submit(form, "/checkout", email=anna.email, name="Anna")
    assert answer.status == 409
    assert f"{2 * (after or 0):,} credits" in answer.words
    assert "you were shown 100 credits" in answer.words
    assert await house.orders() == []
    assert house.stripe.asked("POST /v1/checkout/sessions") == 0
    await house.placed(anna.shopper, await anna.shopper.submit(answer, "/checkout"))
    await house.check()


async def test_a_number_of_credits_that_cannot_be_read_is_no_agreement(house: House) -> None:
    anna = await buyer(house)
    await anna.shopper.add(await package(house, 50))
    form = await anna.shopper.get("/checkout")
    answer = await anna.shopper.submit(form, "/checkout", email=anna.email, name="Anna", shown_credits="x")
    assert answer.status == 409
    assert "Your cart now brings 50 credits. Please check it" in answer.words
    assert await house.orders() == []


async def test_the_form_says_how_many_credits_there_are(house: House) -> None:
    anna = await buyer(house)
    await anna.shopper.add(await package(house, 50), 3)
    form = await anna.shopper.get("/checkout")
    assert "Your account gets 150 credits" in form.words
    plain = house.shopper()
    await plain.add(await house.thing())
    assert "Your account gets" not in (await plain.get("/checkout")).words


async def test_a_plain_thing_that_becomes_credits_while_the_form_is_open(house: House) -> None:
    anna = await buyer(house)
    thing = await house.thing(on_hand=0, tracked=False)
    await anna.shopper.add(thing)
    form = await anna.shopper.get("/checkout")
    await _change(house, thing, Variant, credit_amount=9)
    answer = await anna.shopper.submit(form, "/checkout", email=anna.email, name="Anna")
    assert answer.status == 409
    assert "9 credits; you were shown 0 credits" in answer.words
    assert await house.orders() == []


async def test_what_is_counted_since_it_was_ordered_is_held_when_it_is_ordered_again(house: House) -> None:
    thing = await house.thing(on_hand=1, tracked=False)
    old = await house.buy(thing)
    await _change(house, thing, Variant, tracked=True)
    new = await house.placed(old.shopper, await old.shopper.order())
    assert new.order != old.order
    assert await house.stock(thing) == (1, 1)
    await house.check()


async def _becomes_credits(house: House, thing: Thing) -> None:
    """Stripe's price of the thing gets a credit amount, so it is not counted any more."""
    async with house.database.writes() as session:
        product = await session.get_one(Product, thing.product_id)
        variant = await session.get_one(Variant, thing.variant_id)
        product.stripe_id, variant.stripe_price_id = f"prod_{product.id}", f"price_{variant.id}"
        await session.flush()
        price = PriceRow(f"price_{variant.id}", thing.price, "", thing.sku, 100)
        row = ProductRow(f"prod_{product.id}", product.title, "", None, (price,), frozenset())
        (outcome,) = await apply_products(session, "USD", [row], now())
        assert outcome.what == ("unchanged" if variant.held else "changed")


async def test_a_thing_that_becomes_credits_while_it_is_held_is_handed_back(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought, paid = await house.buy(thing), await house.buy(thing)
    await _becomes_credits(house, thing)
    await give_up(house.database, house.shop.gateway, house.shop.settings, bought.order)
    assert await house.stock(thing) == (5, 1)
    await house.stripe.do("pay", session=paid.session)
    await house.deliver_new()
    assert (await house.state(paid.order), await house.stock(thing)) == (PAID, (4, 0))
    await house.check()


async def test_a_thing_that_became_credits_before_it_is_paid_again_is_paid(house: House) -> None:
    thing = await house.thing(on_hand=5)
    bought = await house.buy(thing)
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.do("fail", session=bought.session)
    await house.deliver_new()
    await _becomes_credits(house, thing)
    token = (await house.order(bought.order)).token
    page = (await bought.shopper.post(f"/orders/{token}/pay", {})).location.rpartition("/")[2]
    await house.stripe.do("pay", session=page)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check(changing=[thing.variant_id])
