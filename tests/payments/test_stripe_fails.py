"""Stripe fails while somebody orders: nothing is lost, nothing is paid twice, and ordering again goes on."""

from collections.abc import Iterator

import pytest

from tests.payments import stripe_api
from tests.shop import ANNA, HTMX, Running, Shopper, token_of
from tests.stripe_double import SESSIONS, StripeDouble, deliver
from tests.web.page import Answer


@pytest.fixture(autouse=True)
def _no_fault_is_left(stripe: StripeDouble) -> Iterator[None]:
    yield
    stripe.faults.clear()
    stripe.surcharge = 0


def refused(answer: Answer) -> None:
    """The page that says that payment is unavailable, and that nothing was charged."""
    assert answer.status == 503
    assert "nothing was charged" in answer.words.lower()
    assert not answer.location


async def placed(shop: Running, email: str) -> list[str]:
    """The tokens of the orders under an e-mail address."""
    from sqlalchemy import select

    from storefront.orders.models import Order

    async with shop.database() as database, database.reads() as session:
        return list(await session.scalars(select(Order.token).where(Order.email == email)))


@pytest.mark.parametrize(
    ("kind", "after", "times"),
    [
        ("500", False, 2),
        ("503", False, 2),
        ("hang", False, 2),
        ("reset", False, 2),
        ("reset", True, 2),
        ("cut", True, 2),
        ("garble", True, 1),
    ],
    ids=["500", "503", "hangs", "reset before", "reset after", "body cut off", "body that is no JSON"],
)
async def test_ordering_again_after_a_failure_gives_the_same_order_and_one_session(
    shop: Running, shopper: Shopper, stripe: StripeDouble, kind: str, after: bool, times: int
) -> None:
    thing = await shop.new_thing(on_hand=2)
    email = f"{thing.sku.lower()}@example.org"
    await shopper.add(thing, 2)
    stripe.fail(kind, after=after, times=times)
    refused(await shopper.order(email=email, note="Ring twice"))
    assert await shop.stock(thing) == (2, 2), "the things stay set aside"
    kept = dict((await shopper.get("/checkout")).form("/checkout").filled({}, None))
    assert kept == kept | ANNA | {"email": email, "note": "Ring twice"}
    assert (await shopper.get("/cart")).element("cart-badge").attrs["data-count"] == "2"
    sent = await shopper.order(email=email, note="Ring twice")
    assert sent.status == 303, sent
    session = stripe.session_at(sent.location)
    assert await placed(shop, email) == [token_of(session["cancel_url"])]
    assert len(stripe.of(session["client_reference_id"])) == 1
    letter = (await shop.letters_about(session["cancel_url"].partition("=")[2], count=1))[0]
    assert letter["To"] == email
    await deliver(shop.url, stripe_api.pay(stripe, session))
    assert (await shop.order(token_of(session["cancel_url"]))).state == "paid"
    assert await shop.stock(thing) == (0, 0)


@pytest.mark.parametrize("kind", ["500", "429", "reset"])
async def test_one_failure_is_not_noticed(
    shop: Running, shopper: Shopper, stripe: StripeDouble, kind: str
) -> None:
    await shopper.add(await shop.new_thing())
    stripe.fail(kind)
    session = stripe.session_at((await shopper.order()).location)
    assert len(stripe.of(session["client_reference_id"])) == 1


async def test_a_refusal_with_htmx_goes_into_the_form(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    await shopper.add(await shop.new_thing())
    form = (await shopper.get("/checkout")).form("/checkout").filled({}, None)
    stripe.fail("500", times=2)
    answer = await shopper.post("/checkout", dict(form) | ANNA, **HTMX)
    refused(answer)
    assert answer.has("checkout-form")
    assert "<html" not in answer.text
    assert (await shopper.order()).status == 303


async def test_nobody_at_stripes_address(shop: Running, shopper: Shopper, stripe: StripeDouble) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing)
    with stripe.away():
        refused(await shopper.order())
        for path in ("/", "/products", "/cart", f"/products/{thing.slug}"):
            assert (await shopper.get(path)).status == 200, "the shop goes on selling"
    session = stripe.session_at((await shopper.order()).location)
    assert len(stripe.of(session["client_reference_id"])) == 1


async def test_the_link_in_the_message_finishes_the_order(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    email = f"{thing.sku.lower()}@example.org"
    await shopper.add(thing)
    stripe.fail("503", times=2)
    refused(await shopper.order(email=email))
    [token] = await placed(shop, email)
    assert await shop.letters_about(f"{shop.url}/orders/{token}", count=1)
    page = await shopper.get(f"/orders/{token}")
    assert page.status_of_order == "pending"
    sent = await shopper.submit(page, f"/orders/{token}/pay")
    session = stripe.session_at(sent.location)
    await deliver(shop.url, stripe_api.pay(stripe, session))
    assert (await shopper.get(f"/orders/{token}")).status_of_order == "paid"
    assert "empty" in (await shopper.get("/cart")).words


async def test_a_total_that_is_not_ours_is_shown_to_nobody(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    await shopper.add(thing)
    stripe.surcharge = 1
    before = len(stripe.kind("checkout.session"))
    refused(await shopper.order())
    wrong = stripe.kind("checkout.session")[before:]
    assert [one["status"] for one in wrong] == ["expired"]
    [order] = [await shop.order(token_of(one["cancel_url"])) for one in wrong]
    assert order.state == "pending"
    assert order.attention
    assert [one["To"] for one in await shop.letters_about(order.number, count=1)] != []
    stripe.surcharge = 0
    session = stripe.session_at((await shopper.order()).location)
    assert session["client_reference_id"] == order.reference


async def test_coming_back_while_stripe_is_silent_leads_to_the_order_all_the_same(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    await shopper.add(await shop.new_thing())
    session = stripe.session_at((await shopper.order()).location)
    stripe_api.pay(stripe, session)
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    stripe.fail("503", call="GET /v1/checkout/sessions/", times=4)
    answer = await shopper.get(back)
    assert (answer.status, answer.location) == (303, f"/orders/{token_of(session['cancel_url'])}")
    page = await shopper.follow(answer)
    assert page.status_of_order == "pending"
    assert page.element("order-status").attrs["hx-trigger"].startswith("every "), "it asks again"
    stripe.faults.clear()
    assert (await shopper.follow(await shopper.get(back))).status_of_order == "paid"


async def test_an_unknown_session_is_404(shopper: Shopper) -> None:
    for query in (
        "?session_id=cs_test_nobody",
        "?session_id=",
        "",
        "?session_id=" + "c" * 900,
    ):
        assert (await shopper.get(f"/checkout/return{query}")).status == 404
    for query in ("?order=nobody", "", "?order=" + "x" * 900):
        assert (await shopper.get(f"/checkout/cancel{query}")).status == 404


async def test_keys_and_parameters_are_the_same_when_stripe_is_asked_again(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    await shopper.add(await shop.new_thing())
    before = len(stripe.calls(SESSIONS))
    stripe.fail("reset", after=True, times=2)
    await shopper.order()
    await shopper.order()
    asked = stripe.calls(SESSIONS)[before:]
    assert len(asked) == 3
    assert len({one.headers["idempotency-key"] for one in asked}) == 1
    assert all(one.params == asked[0].params for one in asked)
