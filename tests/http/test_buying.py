"""From the home page to a paid order, as people do it."""

from urllib.parse import urlsplit

import pytest

from tests.payments import stripe_api
from tests.shop import Running, Shopper, eventually, shopper_at, token_of
from tests.stripe_double import StripeDouble, deliver
from tests.web.page import Answer

CARDS = {"pays": "4242424242424242", "declined": "4000000000000002", "no money": "4000000000009995"}


async def browse_to(shopper: Shopper, slug: str) -> Answer:
    """Home, listing, product: by the links that stand there."""
    home = await shopper.get("/")
    assert home.root.all("a", href="/products")
    listing = await shopper.get("/products")
    assert (
        len({one.attrs["href"] for one in listing.root.all("a") if "/products/" in one.attrs["href"]}) >= 12
    )
    assert listing.root.all("a", href=f"/products/{slug}")
    return await shopper.get(f"/products/{slug}")


async def press_card(shopper: Shopper, page: Answer, card: str) -> Answer:
    """Press one of the test cards on the sandbox's page."""
    form = next(one for one in page.root.all("form") if "/sandbox/pay/" in one.attrs["action"])
    address = str(page.response.request.url.join(form.attrs["action"]))
    origin = f"{urlsplit(address).scheme}://{urlsplit(address).netloc}"
    return await shopper.post(address, {"test_card": card}, origin=origin)


async def paid_page(shopper: Shopper, url: str) -> Answer:
    """The order's page, once it says that it is paid."""

    async def look() -> Answer | None:
        page = await shopper.get(url)
        return page if page.status_of_order == "paid" else None

    return await eventually(look)


@pytest.mark.parametrize("htmx", [False, True], ids=["plain forms", "htmx"])
async def test_a_shopper_buys_soap_and_pays_in_the_demo_shop(demo_shop: Running, htmx: bool) -> None:
    async with shopper_at(demo_shop.url, htmx=htmx) as shopper:
        product = await browse_to(shopper, "lavender-soap")
        added = await shopper.submit(product, "/cart/items", quantity="2")
        if htmx:
            assert added.element("cart-badge").attrs["data-count"] == "2"
        cart = await shopper.get("/cart")
        assert cart.element("cart-badge").attrs["data-count"] == "2"
        sent = await shopper.order(email="berta@example.org")
        pay_page = await shopper.get(sent.location)
        assert urlsplit(sent.location).hostname == "localhost"
        back = await press_card(shopper, pay_page, CARDS["pays"])
        assert "/checkout/return?session_id=cs_test_" in back.location
        page = await paid_page(shopper, (await shopper.get(back.location)).location)
        order = page.element("order-status").attrs
        assert (order["data-total"], order["data-currency"], order["data-refunded"]) == ("2190", "USD", "0")
        assert "Lavender soap" in page.words
        assert page.element("cart-badge").attrs["data-count"] == "0"
        assert "empty" in (await shopper.get("/cart")).words
        number = (await demo_shop.order(token_of(str(page.response.request.url)))).number
    letters = await demo_shop.letters_about(number, count=2)
    to = sorted(str(one["To"]) for one in letters)
    assert to == ["berta@example.org", "owner@shop.example"]
    mine = next(one for one in letters if one["To"] == "berta@example.org")
    plain, html = mine.get_body(("plain",)), mine.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert str(page.response.request.url) in plain.get_content()


async def test_a_declined_card_can_be_tried_again(demo_shop: Running) -> None:
    async with shopper_at(demo_shop.url) as shopper:
        product = await shopper.get("/products/cedar-pencils")
        await shopper.submit(product, "/cart/items")
        pay_page = await shopper.get((await shopper.order()).location)
        again = await press_card(shopper, pay_page, CARDS["declined"])
        if again.status == 303:
            again = await shopper.get(str(pay_page.response.request.url.join(again.location)))
        assert "declined" in again.words
        back = await press_card(shopper, again, CARDS["pays"])
        page = await paid_page(shopper, (await shopper.get(back.location)).location)
        assert "Cedar pencils" in page.words


async def test_a_shopper_who_turns_back_finds_the_cart_and_a_calm_notice(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing, 2)
    session = stripe.session_at((await shopper.order()).location)
    back = await shopper.get(session["cancel_url"])
    assert (back.status, back.location) == (303, "/cart")
    cart = await shopper.follow(back)
    assert "nothing was charged" in cart.element("notice").text
    assert cart.element("cart-badge").attrs["data-count"] == "2"
    assert "nothing was charged" not in (await shopper.get("/cart")).words


@pytest.mark.parametrize("told_by", ["webhook", "return page", "both at once"])
async def test_an_order_gets_paid_once_whoever_tells(
    shop: Running, shopper: Shopper, stripe: StripeDouble, told_by: str
) -> None:
    thing = await shop.new_thing(price=3000, on_hand=7)
    await shopper.add(thing, 2)
    session = stripe.session_at((await shopper.order()).location)
    assert session["amount_total"] == 6490
    assert await shop.stock(thing) == (7, 2)
    event = stripe_api.pay(stripe, session)
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    if told_by != "return page":
        answer = await deliver(shop.url, event)
        assert answer.status_code == 200
    if told_by != "webhook":
        assert (await shopper.follow(await shopper.get(back))).status_of_order == "paid"
    token = token_of(session["cancel_url"])
    assert (await shopper.get(f"/orders/{token}")).status_of_order == "paid"
    assert await shop.stock(thing) == (5, 0)
    order = await shop.order(token)
    assert (order.state, order.total, order.payment_intent) == ("paid", 6490, session["payment_intent"])
    letters = await shop.letters_about(order.number, count=2)
    assert len(letters) == 2


async def test_what_was_put_into_the_cart_while_paying_stays_there(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    soap, dish = await shop.new_thing(), await shop.new_thing()
    await shopper.add(soap, 2)
    session = stripe.session_at((await shopper.order()).location)
    await shopper.add(soap, 1)
    await shopper.add(dish, 1)
    await deliver(shop.url, stripe_api.pay(stripe, session))
    items = (await shopper.get("/api/cart/count")).response.json()["items"]
    assert {(one["sku"], one["quantity"]) for one in items} == {(soap.sku, 1), (dish.sku, 1)}


async def test_a_download_needs_no_address(shop: Running, shopper: Shopper, stripe: StripeDouble) -> None:
    thing = await shop.new_thing(price=700, on_hand=0, tracked=False, requires_shipping=False)
    await shopper.add(thing)
    page = await shopper.get("/checkout")
    names = {name for name, _ in page.form("/checkout").filled({}, None)}
    assert names == {"email", "name", "note", "shown_total", "shown_credits"}
    session = stripe.session_at((await shopper.order()).location)
    assert session["amount_total"] == 700


async def test_what_costs_nothing_skips_stripe_and_is_paid_when_placed(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(price=0, on_hand=3, requires_shipping=False)
    await shopper.add(thing)
    words = (await shopper.get("/checkout")).words
    assert "There is nothing to pay." in words
    assert "secure page" not in words
    before = len(stripe.asked)
    sent = await shopper.order()
    assert sent.location.startswith("/orders/")
    page = await shopper.follow(sent)
    assert page.status_of_order == "paid"
    assert len([one for one in stripe.asked[before:] if thing.sku in str(one.params)]) == 0
    assert await shop.stock(thing) == (2, 0)
    assert "empty" in (await shopper.get("/cart")).words
    order = await shop.order(token_of(sent.location))
    assert len(await shop.letters_about(order.number, count=2)) == 2


async def test_stripe_is_asked_for_exactly_what_the_shopper_saw(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    soap, dish = await shop.new_thing(price=850), await shop.new_thing(price=2200)
    await shopper.add(soap, 3)
    await shopper.add(dish, 1)
    page = await shopper.get("/checkout")
    shown = int(dict(page.form("/checkout").filled({}, None))["shown_total"])
    sent = await shopper.order(shipping_method="express")
    assert sent.status == 409, "express costs more than was shown"
    sent = await shopper.submit(sent, "/checkout")
    session = stripe.session_at(sent.location)
    asked = stripe.params[session["id"]]
    assert session["amount_total"] == shown + 1000 == 850 * 3 + 2200 + 1490
    assert asked["adaptive_pricing"] == {"enabled": "false"}
    assert {"allow_promotion_codes", "shipping_address_collection", "optional_items"} & asked.keys() == set()
    reference = asked["client_reference_id"]
    assert asked["metadata"]["order_id"] == asked["payment_intent_data"]["metadata"]["order_id"] == reference
    token = token_of(asked["cancel_url"])
    assert asked["success_url"] == f"{shop.url}/checkout/return?session_id={{CHECKOUT_SESSION_ID}}"
    assert asked["cancel_url"] == f"{shop.url}/checkout/cancel?order={token}"
    order = await shop.order(token)
    assert order.reference == reference
    assert 44 * 60 <= int(asked["expires_at"]) - order.placed_at.timestamp() <= 46 * 60
    assert order.hold_until is not None
    assert order.hold_until.timestamp() - int(asked["expires_at"]) == 600
