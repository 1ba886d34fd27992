"""Double clicks, reloads, second tabs, edited carts: one cart has one open order, and one page where it is paid."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from storefront.orders.models import Order, PaymentAttempt
from storefront.payments.gateway import Gateway
from storefront.settings import Settings
from tests.cart.test_cart import action_of
from tests.payments import stripe_api
from tests.payments.stripe_objects import new_id
from tests.shop import ANNA, Running, Shopper, token_of
from tests.stripe_double import KEY, StripeDouble


async def orders(shop: Running, email: str) -> tuple[int, int]:
    """How many orders and payment attempts there are under an e-mail address."""
    async with shop.database() as database, database.reads() as session:
        mine = select(Order.id).where(Order.email == email)
        attempts = select(func.count()).select_from(PaymentAttempt).where(PaymentAttempt.order_id.in_(mine))
        return len(list(await session.scalars(mine))), int(await session.scalar(attempts) or 0)


async def press_often(shopper: Shopper, email: str, times: int = 10) -> list[str]:
    """The same form sent `times` times at once; gives where it led, once each."""
    form = dict((await shopper.get("/checkout")).form("/checkout").filled({}, None)) | ANNA | {"email": email}
    answers = await asyncio.gather(*(shopper.post("/checkout", form) for _ in range(times)))
    assert {one.status for one in answers} == {303}, answers
    return list({one.location for one in answers})


async def test_ten_clicks_at_once_are_one_order_and_one_session(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(on_hand=10)
    email = f"{thing.sku.lower()}@example.org"
    await shopper.add(thing, 4)
    [url] = await press_often(shopper, email)
    assert await orders(shop, email) == (1, 1)
    assert await shop.stock(thing) == (10, 4)
    assert len(stripe.of(stripe.session_at(url)["client_reference_id"])) == 1


async def test_clicking_again_while_stripe_is_slow_makes_no_second_page(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(on_hand=10)
    email = f"{thing.sku.lower()}@example.org"
    await shopper.add(thing)
    stripe.fail("slow")
    [url] = await press_often(shopper, email, times=3)
    assert await orders(shop, email) == (1, 1)
    assert len(stripe.of(stripe.session_at(url)["client_reference_id"])) == 1


async def test_a_second_tab_and_a_reload_find_the_same_order(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing)
    first, second = await shopper.get("/checkout"), await shopper.get("/checkout")
    one = await shopper.submit(first, "/checkout", **ANNA)
    two = await shopper.submit(second, "/checkout", **ANNA)
    assert one.location == two.location
    assert await shop.stock(thing) == (90, 1)


async def test_an_edited_cart_replaces_the_order_after_its_page_was_closed(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(on_hand=3)
    await shopper.add(thing, 2)
    old = stripe.session_at((await shopper.order()).location)
    await shopper.add(thing, 1)
    before = len(stripe.asked)
    new = stripe.session_at((await shopper.order()).location)
    calls = [one.call for one in stripe.asked[before:]]
    assert calls.index(f"POST /v1/checkout/sessions/{old['id']}/expire") < calls.index(
        "POST /v1/checkout/sessions"
    )
    assert (old["status"], new["status"]) == ("expired", "open")
    assert (await shop.order(token_of(old["cancel_url"]))).state == "cancelled"
    assert await shop.stock(thing) == (3, 3)
    page = await shopper.get(f"/orders/{token_of(old['cancel_url'])}")
    assert page.status_of_order == "cancelled"
    assert page.form(f"/orders/{token_of(old['cancel_url'])}/reorder")


async def test_an_order_that_was_paid_meanwhile_is_shown_instead_of_replaced(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing, other = await shop.new_thing(on_hand=5), await shop.new_thing(on_hand=5)
    await shopper.add(thing, 2)
    session = stripe.session_at((await shopper.order()).location)
    stripe_api.pay(stripe, session)
    await shopper.add(other, 1)
    sent = await shopper.order()
    assert sent.location == f"/orders/{token_of(session['cancel_url'])}"
    assert (await shopper.follow(sent)).status_of_order == "paid"
    assert await shop.stock(thing) == (3, 0)
    assert await shop.stock(other) == (5, 0), "nothing was placed"
    items = (await shopper.get("/api/cart/count")).response.json()["items"]
    assert [one["sku"] for one in items] == [other.sku]


async def test_an_order_is_not_replaced_while_stripe_cannot_be_asked(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(on_hand=5)
    await shopper.add(thing, 2)
    session = stripe.session_at((await shopper.order()).location)
    await shopper.add(thing, 1)
    stripe.fail("503", call=f"POST /v1/checkout/sessions/{session['id']}/expire", times=2)
    stripe.fail("503", call=f"GET /v1/checkout/sessions/{session['id']}", times=2)
    assert (await shopper.order()).status == 503
    stripe.faults.clear()
    assert (await shop.order(token_of(session["cancel_url"]))).state == "pending"
    assert await shop.stock(thing) == (5, 2)
    assert (await shopper.order()).status == 303
    assert await shop.stock(thing) == (5, 3)


async def test_an_edited_cart_still_fits_a_form_of_the_second_tab(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    cart = await shopper.follow(await shopper.add(thing))
    tab = await shopper.get("/checkout")
    await shopper.submit(cart, action_of(cart, thing), quantity="2")
    answer = await shopper.submit(tab, "/checkout", **ANNA)
    assert answer.status == 409, "the second tab showed another total"
    assert (await shopper.submit(answer, "/checkout")).status == 303


# The SDK hands bytes to httpx under a name that httpx would rather not see any more.
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
async def test_two_processes_that_ask_with_one_key_at_once_get_one_page(
    stripe: StripeDouble, settings: Settings
) -> None:
    keys = {"stripe_secret_key": SecretStr(KEY), "stripe_api_base": stripe.base}
    processes = [Gateway(settings.model_copy(update=keys)) for _ in range(2)]
    item = {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Soap"}}
    asked = {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": item}],
        "success_url": "https://shop.example/?session_id={CHECKOUT_SESSION_ID}",
    }
    key = new_id("key")
    stripe.fail("slow")
    one, other = await asyncio.gather(*(each.create_session(asked, key) for each in processes))
    assert one.id == other.id
    for each in processes:
        await each.close()
