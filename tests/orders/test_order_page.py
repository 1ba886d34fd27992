"""The order's page, for whoever has its link."""

import asyncio
import re

import pytest
from sqlalchemy import update

from storefront.catalogue.models import Variant
from tests.payments import stripe_api
from tests.payments.scenarios import Ordered, ordered
from tests.shop import HTMX, Running, Shopper, shopper_at
from tests.stripe_double import StripeDouble, deliver
from tests.web.page import Answer


@pytest.fixture
async def order(shop: Running, stripe: StripeDouble) -> Ordered:
    return await ordered(shop, stripe)


async def look(shopper: Shopper, order: Ordered) -> Answer:
    page = await shopper.get(f"/orders/{order.token}")
    assert page.status == 200
    return page


async def test_it_shows_number_things_address_and_total(order: Ordered, shopper: Shopper) -> None:
    page = await look(shopper, order)
    number = (await order.now()).number
    assert re.fullmatch(r"SF-[2-9A-Z]{6}", number)
    assert number in page.root.all("title")[0].text
    status = page.element("order-status").attrs
    assert (status["data-status"], status["data-total"]) == ("pending", "3490")
    assert (status["data-currency"], status["data-refunded"]) == ("USD", "0")
    for words in (order.thing.sku, "2 × $15.00", "$30.00", "$4.90", "$34.90", "12 Mill Lane", "97201"):
        assert words in page.words, words
    assert "anna.larsson@example.org" not in page.text, "a link may be passed on"
    assert page.root.all("meta", name="robots", content="noindex")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"


async def test_it_updates_itself_until_it_is_final(order: Ordered, shopper: Shopper) -> None:
    page = await look(shopper, order)
    section = page.element("order-status").attrs
    assert re.fullmatch(r"every \d+s", section["hx-trigger"])
    assert section["hx-get"] == f"/orders/{order.token}"
    assert page.root.all("noscript"), "and without a script by a refresh"
    fragment = await shopper.fragment(f"/orders/{order.token}", "section#order-status")
    assert "<html" not in fragment.text
    assert fragment.status_of_order == "pending"
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    final = await shopper.fragment(f"/orders/{order.token}", "section#order-status")
    assert final.status_of_order == "paid"
    assert "hx-trigger" not in final.text
    assert "hx-get" not in final.element("order-status").attrs
    page = await look(shopper, order)
    assert not page.root.all("meta", http_equiv="refresh")


async def test_it_finds_the_payment_by_itself_when_no_webhook_comes(order: Ordered, shopper: Shopper) -> None:
    assert (await look(shopper, order)).status_of_order == "pending"
    stripe_api.pay(order.stripe, order.session)
    async with asyncio.timeout(15):
        while (await look(shopper, order)).status_of_order != "paid":
            await asyncio.sleep(0.5)


async def test_a_link_that_nobody_was_given_is_404(shopper: Shopper) -> None:
    for token in ("x", "a" * 32, "1", "%F0%9F%98%80", "SF-7Q4K2M"):
        answer = await shopper.get(f"/orders/{token}")
        assert answer.status == 404, token
        assert (await shopper.post(f"/orders/{token}/pay", {})).status == 404


async def test_paying_again_leads_to_the_same_open_page(order: Ordered, shopper: Shopper) -> None:
    page = await look(shopper, order)
    sent = await shopper.submit(page, f"/orders/{order.token}/pay")
    assert (sent.status, sent.location) == (303, order.session["url"])
    with_htmx = await shopper.post(f"/orders/{order.token}/pay", {}, **HTMX)
    assert (with_htmx.status, with_htmx.headers["hx-redirect"]) == (200, order.session["url"])
    assert len(order.stripe.of(order.session["client_reference_id"])) == 1


async def test_a_failed_order_can_be_paid_again_on_a_new_page(order: Ordered, shopper: Shopper) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session, "processing"))
    assert (await look(shopper, order)).status_of_order == "awaiting"
    await deliver(order.shop.url, stripe_api.money_fails(order.stripe, order.session))
    page = await look(shopper, order)
    assert page.status_of_order == "failed"
    assert await order.stock() == (9, 0)
    sent = await shopper.submit(page, f"/orders/{order.token}/pay")
    again = order.stripe.session_at(sent.location)
    assert again["id"] != order.session["id"]
    assert again["client_reference_id"] == order.session["client_reference_id"]
    assert await order.stock() == (9, 2)
    await deliver(order.shop.url, stripe_api.pay(order.stripe, again))
    assert (await look(shopper, order)).status_of_order == "paid"
    assert await order.stock() == (7, 0)


async def test_a_failed_order_whose_things_are_gone_cannot_be_paid_again(
    order: Ordered, shopper: Shopper
) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session, "processing"))
    await deliver(order.shop.url, stripe_api.money_fails(order.stripe, order.session))
    await order.shop.change(update(Variant).where(Variant.id == order.thing.variant_id).values(on_hand=1))
    page = await look(shopper, order)
    answer = await shopper.submit(page, f"/orders/{order.token}/pay")
    assert answer.status == 409
    assert answer.root.all("a", href=f"/orders/{order.token}"), "a way on"
    assert len(order.stripe.of(order.session["client_reference_id"])) == 1


async def test_a_paid_order_cannot_be_paid_again(order: Ordered, shopper: Shopper) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session))
    answer = await shopper.post(f"/orders/{order.token}/pay", {})
    assert (answer.status, answer.location) == (303, f"/orders/{order.token}")
    assert not (await look(shopper, order)).root.all("form", action=f"/orders/{order.token}/pay")


async def test_cancelling_closes_the_page_at_stripe_first(order: Ordered, shopper: Shopper) -> None:
    page = await look(shopper, order)
    await shopper.submit(page, f"/orders/{order.token}/cancel")
    assert order.session["status"] == "expired"
    assert (await look(shopper, order)).status_of_order == "cancelled"
    assert await order.stock() == (9, 0)


async def test_cancelling_what_was_paid_meanwhile_shows_that_it_is_paid(
    order: Ordered, shopper: Shopper
) -> None:
    page = await look(shopper, order)
    stripe_api.pay(order.stripe, order.session)
    await shopper.submit(page, f"/orders/{order.token}/cancel")
    assert (await look(shopper, order)).status_of_order == "paid"
    assert await order.stock() == (7, 0)


async def test_an_expired_order_offers_to_put_its_things_back(order: Ordered, shopper: Shopper) -> None:
    await deliver(order.shop.url, stripe_api.expire(order.stripe, order.session))
    page = await look(shopper, order)
    assert page.status_of_order == "cancelled"
    assert not page.root.all("form", action=f"/orders/{order.token}/pay")
    cart = await shopper.follow(await shopper.submit(page, f"/orders/{order.token}/reorder"))
    assert cart.element("cart-badge").attrs["data-count"] == "2"
    assert order.thing.sku[2:] in cart.words
    await order.shop.change(update(Variant).where(Variant.id == order.thing.variant_id).values(on_hand=0))
    async with shopper_at(order.shop.url) as other:
        cart = await other.follow(await other.post(f"/orders/{order.token}/reorder", {}))
        assert "can be had any more" in cart.element("notice").text


async def test_putting_things_back_again_and_again_puts_them_back_once(order: Ordered) -> None:
    await deliver(order.shop.url, stripe_api.expire(order.stripe, order.session))
    press = f"/orders/{order.token}/reorder"

    async def badge_after(shopper: Shopper, *, notice: str) -> str:
        cart = await shopper.follow(await shopper.post(press, {}))
        assert notice in cart.element("notice").text
        return str(cart.element("cart-badge").attrs["data-count"])

    async with shopper_at(order.shop.url) as shopper:
        assert await badge_after(shopper, notice="as many as you had ordered") == "2"
        for _ in range(2):
            assert await badge_after(shopper, notice="in your cart already") == "2"
        assert (await shopper.get("/api/cart/count")).text.startswith('{"count":2')
    async with shopper_at(order.shop.url) as shopper:
        await shopper.add(order.thing, 1)
        assert await badge_after(shopper, notice="as many as you had ordered") == "2"
        await shopper.add(order.thing, 5)
        assert await badge_after(shopper, notice="in your cart already") == "7"


async def test_a_delayed_payment_says_that_nothing_need_be_done(order: Ordered, shopper: Shopper) -> None:
    await deliver(order.shop.url, stripe_api.pay(order.stripe, order.session, "processing"))
    page = await look(shopper, order)
    assert page.status_of_order == "awaiting"
    assert not page.root.all("form", action=f"/orders/{order.token}/pay")
    assert "every" in page.element("order-status").attrs["hx-trigger"]
    await deliver(order.shop.url, stripe_api.money_comes(order.stripe, order.session))
    assert (await look(shopper, order)).status_of_order == "paid"
