"""What a guest put into the cart, and the account's own."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from storefront.accounts import sessions
from storefront.accounts.carts import bring_cart, cart_token, own_cart
from storefront.accounts.change import create_account, locked
from storefront.accounts.models import Account, AccountSession
from storefront.cart.cookies import hashed
from storefront.cart.models import Cart
from storefront.catalogue.models import Variant
from storefront.database import Database, lock, now
from storefront.settings import Settings
from tests.accounts.people import (
    HASH,
    NEW,
    PASSWORD,
    Person,
    new_person,
    set_cookies,
    sign_in,
    signed_in,
)
from tests.payments import stripe_api
from tests.shop import ANNA, Running, Shopper, Thing, shopper_at, token_of, until_waiting
from tests.stripe_double import StripeDouble, deliver


async def lines(shopper: Shopper) -> dict[str, int]:
    """The quantities in a cart by SKU."""
    items = (await shopper.get("/api/cart/count")).response.json()["items"]
    return {one["sku"]: one["quantity"] for one in items}


async def filled(shop: Running, person: Person, **things: int) -> None:
    """Put things (by variant id) into the account's cart from another browser."""
    async with signed_in(shop, person) as other:
        for variant_id, quantity in things.items():
            data = {"variant_id": variant_id.removeprefix("v"), "quantity": str(quantity)}
            assert (await other.post("/cart/items", data)).status == 303


def v(thing: Thing) -> str:
    return f"v{thing.variant_id}"


async def test_a_guests_cart_becomes_the_accounts_when_there_is_none(shop: Running, either: Shopper) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    await either.add(soap, 3)
    guest = either.client.cookies["cart"]
    done = await sign_in(either, person.email)
    assert set_cookies(done)["cart_n"].startswith("3;")
    assert either.client.cookies["cart"] != guest
    assert await lines(either) == {soap.sku: 3}
    assert "notice" not in set_cookies(done), "nothing happened that has to be said"
    async with signed_in(shop, person) as telephone:
        assert await lines(telephone) == {soap.sku: 3}
        await telephone.add(soap, 1)
    assert await lines(either) == {soap.sku: 4}, "both browsers are at one cart"
    async with shopper_at(shop.url) as thief:
        thief.client.cookies.set("cart", guest)
        assert await lines(thief) == {}


async def test_two_carts_join_by_the_larger_quantity_and_it_is_said(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    soap, dish, mug, cloth = [await shop.new_thing() for _ in range(4)]
    await filled(shop, person, **{v(soap): 2, v(dish): 5, v(mug): 1})
    await either.add(soap, 4)
    await either.add(dish, 1)
    await either.add(cloth, 2)
    done = await sign_in(either, person.email)
    assert await lines(either) == {soap.sku: 4, dish.sku: 5, mug.sku: 1, cloth.sku: 2}
    page = await either.follow(done)
    assert "also holds what was in your account’s cart" in page.element("notice").text
    assert page.element("cart-badge").attrs["data-count"] == "12"
    assert not (await either.get("/account")).has("notice-said")
    assert "also holds" not in (await either.get("/account")).words, "said once"


async def test_the_joined_cart_stays_within_stock(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    few, gone, plenty = await shop.new_thing(on_hand=9), await shop.new_thing(), await shop.new_thing()
    await filled(shop, person, **{v(few): 2, v(plenty): 1})
    await shopper.add(few, 6)
    await shopper.add(gone, 2)
    await shop.change(update(Variant).where(Variant.id == few.variant_id).values(on_hand=4))
    await shop.change(update(Variant).where(Variant.id == gone.variant_id).values(on_hand=0))
    done = await sign_in(shopper, person.email)
    page = await shopper.follow(done)
    assert "as far as it can still be had" in page.element("notice").text
    assert await lines(shopper) == {few.sku: 4, plenty.sku: 1, gone.sku: 2}
    assert "Sold out" in (await shopper.get("/cart")).words
    async with shop.database() as database, database.writes() as session:
        # Books kept by hand, so that the shop's stay right for others.
        await session.execute(update(Variant).where(Variant.id == few.variant_id).values(on_hand=9))
        await session.execute(update(Variant).where(Variant.id == gone.variant_id).values(on_hand=90))


async def test_fifty_different_things_at_most(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    things = [await shop.new_thing() for _ in range(53)]
    await filled(shop, person, **{v(one): 1 for one in things[:48]})
    for one in things[48:]:
        await shopper.post("/cart/items", {"variant_id": str(one.variant_id), "quantity": "1"})
    page = await shopper.follow(await sign_in(shopper, person.email))
    assert "as far as" in page.element("notice").text
    assert len(await lines(shopper)) == 50


async def test_whoever_signs_out_leaves_an_empty_browser(shop: Running, shopper: Shopper) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    await sign_in(shopper, person.email)
    await shopper.add(soap, 2)
    gone = await shopper.post("/account/sign-out", {})
    assert "cart" not in shopper.client.cookies
    assert set_cookies(gone)["cart_n"].startswith(";")
    assert await lines(shopper) == {}
    async with signed_in(shop, person) as again:
        assert await lines(again) == {soap.sku: 2}


async def test_signing_in_twice_changes_nothing_more(shop: Running, shopper: Shopper) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    await shopper.add(soap, 2)
    for _ in range(3):
        await shopper.post("/account/sign-in", {"email": person.email, "password": PASSWORD})
        assert await lines(shopper) == {soap.sku: 2}


async def test_an_open_order_follows_its_cart(shop: Running, shopper: Shopper, stripe: StripeDouble) -> None:
    """Placed as a guest, signed in meanwhile, paid: the things leave the cart that they lie in now."""
    person, soap, dish = await new_person(shop), await shop.new_thing(on_hand=2), await shop.new_thing()
    await filled(shop, person, **{v(dish): 1})
    await shopper.add(soap, 2)
    session = stripe.session_at((await shopper.order()).location)
    await sign_in(shopper, person.email)
    assert await lines(shopper) == {soap.sku: 2, dish.sku: 1}, "what the own order holds can be had"
    await deliver(shop.url, stripe_api.pay(stripe, session))
    assert (await shop.order(token_of(session["cancel_url"]))).state == "paid"
    assert await lines(shopper) == {dish.sku: 1}
    assert await shop.stock(soap) == (0, 0)


async def test_two_open_orders_stay_two(shop: Running, shopper: Shopper, stripe: StripeDouble) -> None:
    person, soap, dish = await new_person(shop), await shop.new_thing(), await shop.new_thing()
    async with signed_in(shop, person) as other:
        await other.add(dish)
        mine = stripe.session_at((await other.order(email=person.email)).location)
        await shopper.add(soap)
        theirs = stripe.session_at((await shopper.order()).location)
        await sign_in(shopper, person.email)
        assert await lines(shopper) == {soap.sku: 1, dish.sku: 1}
        for session in (mine, theirs):
            await deliver(shop.url, stripe_api.pay(stripe, session))
            assert (await shop.order(token_of(session["cancel_url"]))).state == "paid"
        assert await shop.stock(soap) == await shop.stock(dish) == (89, 0)
        assert dish.sku not in await lines(shopper)


async def test_what_was_typed_at_checkout_comes_along(shop: Running, shopper: Shopper) -> None:
    person, soap, dish = await new_person(shop), await shop.new_thing(), await shop.new_thing()
    await filled(shop, person, **{v(dish): 1})
    await shopper.add(soap)
    page = await shopper.get("/checkout")
    typed = {"name": "Berta Guest", "address_line1": "7 Quay Street"}
    await shopper.post("/checkout/fields/name", page.form("/checkout").filled(typed, None))
    assert page.root.all("a", href="/account/sign-in?next=/checkout")
    done = await sign_in(shopper, person.email, to="/checkout")
    assert done.location == "/checkout"
    page = await shopper.follow(done)
    assert "also holds" in page.element("notice").text
    assert page.element("name").attrs["value"] == "Berta Guest"
    assert page.element("address_line1").attrs["value"] == "7 Quay Street"
    assert f"Signed in as {person.email}" in page.words


async def test_a_browser_that_is_signed_out_from_afar_loses_the_cart_too(shop: Running) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    async with signed_in(shop, person) as lost, signed_in(shop, person) as here:
        await lost.add(soap, 2)
        assert await lines(here) == {soap.sku: 2}
        await here.post("/account/sessions/end", {})
        assert await lines(lost) == {}
    async with signed_in(shop, person) as again:
        assert await lines(again) == {soap.sku: 2}


async def test_a_new_password_shuts_other_browsers_out_of_the_cart(shop: Running) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    async with signed_in(shop, person) as lost, signed_in(shop, person) as here:
        await lost.add(soap, 2)
        await here.post("/account/password", {"password": PASSWORD, "new_password": NEW})
        assert await lines(lost) == {}
        assert await lines(here) == {soap.sku: 2}


@pytest.mark.parametrize("left", ["signed in", "ended by itself", "with a cart of no account's"])
@pytest.mark.parametrize("new", [True, False])
async def test_the_cart_of_one_account_never_becomes_anothers(
    shop: Running, shopper: Shopper, stripe: StripeDouble, left: str, new: bool
) -> None:
    anna, berta = await new_person(shop), await new_person(shop)
    soap, dish = await shop.new_thing(), await shop.new_thing()
    if not new:
        await filled(shop, berta, **{v(dish): 1})
    await sign_in(shopper, anna.email)
    await shopper.add(soap, 3)
    session = stripe.session_at((await shopper.order(email=anna.email)).location)
    order = await shop.order(token_of(session["cancel_url"]))
    if left == "ended by itself":
        mine = AccountSession.account_id == anna.id
        await shop.change(update(AccountSession).where(mine).values(seen_at=now() - sessions.IDLE))
    elif left == "with a cart of no account's":
        await shop.change(update(Cart).where(Cart.id == order.cart_id).values(account_id=None))
    answer = await shopper.post("/account/sign-in", {"email": berta.email, "password": PASSWORD})
    assert "notice" not in set_cookies(answer)
    assert await lines(shopper) == ({} if new else {dish.sku: 1})
    await shopper.add(dish, 1)
    page = await shopper.get("/checkout")
    assert ANNA["address_line1"] not in page.text
    assert page.element("email").attrs["value"] == berta.email
    assert (await shop.order(order.token)).cart_id == order.cart_id
    async with signed_in(shop, anna) as again:
        assert await lines(again) == {soap.sku: 3}
        await deliver(shop.url, stripe_api.pay(stripe, session))
        assert await lines(again) == {}


async def test_an_account_has_one_cart_however_often_it_signs_in(shop: Running) -> None:
    person = await new_person(shop)
    async with shop.database() as database:

        async def carts() -> int:
            async with database.reads() as session:
                return int(await session.scalar(select(func.count()).select_from(Cart)) or 0)

        before = await carts()
        for _ in range(3):
            async with signed_in(shop, person):
                pass
        assert await carts() == before + 1


async def test_the_order_of_somebody_signed_in_is_theirs(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    await sign_in(shopper, person.email)
    await shopper.add(soap)
    page = await shopper.get("/checkout")
    assert page.element("email").attrs["value"] == person.email
    sent = await shopper.order(email=person.email)
    order = await shop.order(token_of(stripe.session_at(sent.location)["cancel_url"]))
    assert order.account_id == person.id
    listed = await shopper.get("/account/orders")
    assert listed.root.all("a", href=f"/orders/{order.token}")[0].text == order.number


async def test_an_order_placed_as_a_guest_is_taken_over_when_the_same_one_is_placed_again(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    await shopper.add(soap)
    first = await shopper.order(email=ANNA["email"])
    token = token_of(stripe.session_at(first.location)["cancel_url"])
    await sign_in(shopper, person.email)
    again = await shopper.order(email=ANNA["email"])
    assert again.location == first.location
    assert (await shop.order(token)).account_id == person.id


async def test_a_new_secret_key_loses_no_cart(shop: Running) -> None:
    from storefront.accounts.links import account_of
    from storefront.orders.change import held_for_cart

    person, soap = await new_person(shop), await shop.new_thing()
    await filled(shop, person, **{v(soap): 2})
    old = Settings(_env_file=None).secret_keys[0]  # type: ignore[call-arg]
    rotated = Settings(_env_file=None, SECRET_KEY=f"{'n' * 40},{old}")  # type: ignore[call-arg]
    async with shop.database() as database, database.writes() as session:
        account = await account_of(session, person.email)
        assert isinstance(account, Account)
        assert (await bring_cart(session, rotated, account, None, held_for_cart)).count == 2
        assert (await bring_cart(session, rotated, account, None, held_for_cart)).count == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_cart_by_an_older_secret_is_not_waited_for_with_the_account_locked(
    database: Database,
) -> None:
    """One process has the new secret already, another makes the cart by the old one meanwhile."""
    old = Settings(_env_file=None)  # type: ignore[call-arg]
    rotated = Settings(_env_file=None, SECRET_KEY=f"{'n' * 40},{old.secret_keys[0]}")  # type: ignore[call-arg]
    async with database.writes() as session:
        account = await create_account(session, "anna@example.org", HASH, verified=True)

    async def once(settings: Settings) -> int | None:
        async with database.writes() as session:
            locked_one = await locked(session, settings, account.id)
            return await own_cart(session, settings, locked_one)

    async with database.writes() as session:
        await lock(session, select(Account.id).where(Account.id == account.id))
        first = asyncio.create_task(once(rotated))
        await until_waiting(database, 1)
        async with database.writes() as beside:
            beside.add(cart := Cart(token_hash=hashed(cart_token(old, account))))
        second = asyncio.create_task(once(old))
        await until_waiting(database, 2)
    assert [await first, await second] == [cart.id, cart.id]


async def test_the_code_that_a_guest_has_just_entered_comes_along(shop: Running, shopper: Shopper) -> None:
    person, soap = await new_person(shop), await shop.new_thing()
    old, new = f"OLD{soap.variant_id}", f"NEW{soap.variant_id}"
    for code in (old, new):
        assert (await shop.command("promotions", "offer", code, "--percent", "10"))[0] == 0
    async with signed_in(shop, person) as telephone:
        await telephone.add(soap)
        await telephone.post("/cart/promotion", {"code": old})
    await shopper.add(soap, 2)
    await shopper.post("/cart/promotion", {"code": new})
    await sign_in(shopper, person.email)
    assert new in (await shopper.get("/cart")).element("code-remove").text
