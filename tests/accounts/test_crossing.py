"""Two people cross over: nobody gets at what is somebody else's, whatever number or link they try."""

import re

import pytest
from sqlalchemy import select

from storefront.accounts.models import AccountSession, KeptAddress
from storefront.app import make_litestar, make_shop
from storefront.settings import Settings
from storefront.web.assets import Assets
from tests.accounts.people import PASSWORD, account, is_signed_in, mailed, new_email, new_person, signed_in
from tests.accounts.test_addresses import HOME
from tests.payments import stripe_api
from tests.shop import HTMX, Running, Shopper, shopper_at, token_of
from tests.stripe_double import StripeDouble, deliver

# Every route of the account's pages that names something, and what each is tried with.
NAMED = {
    "/account/addresses/{address_id:int}": "address",
    "/account/addresses/{address_id:int}/country": "address",
    "/account/addresses/{address_id:int}/first": "address",
    "/account/addresses/{address_id:int}/remove": "address",
    "/account/sessions/{session_id:int}/end": "session",
    "/account/register/{token:str}": "link",
    "/account/reset/{token:str}": "link",
    "/account/address/{token:str}": "link",
}


def test_every_route_that_names_something_is_tried(settings: Settings) -> None:
    app = make_litestar(make_shop(settings, Assets(settings), []))
    named = {route.path_format for route in app.routes if "{" in route.path_format}
    mine = {path for path in named if path.startswith(("/account", "/admin"))}
    assert mine == {re.sub(r":\w+}", "}", path) for path in NAMED}


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
async def test_somebody_elses_anything_is_a_404(shop: Running, htmx: bool) -> None:
    anna, berta = await new_person(shop), await new_person(shop)
    async with signed_in(shop, anna) as owner, signed_in(shop, berta) as other:
        await owner.post("/account/addresses/new", HOME)
        async with shop.database() as database, database.reads() as session:
            ids = {
                "address": await session.scalar(
                    select(KeptAddress.id).where(KeptAddress.account_id == anna.id)
                ),
                "session": await session.scalar(
                    select(AccountSession.id).where(AccountSession.account_id == anna.id)
                ),
            }
        headers = HTMX if htmx else {}
        for path, kind in NAMED.items():
            if kind not in ids:
                continue
            url = re.sub(r"{.*}", str(ids[kind]), path)
            tries = [await other.get(url, **headers), await other.post(url, HOME, **headers)]
            assert {one.status for one in tries} <= {404, 405}, url
            assert 404 in {one.status for one in tries}, url
            for answer in tries:
                assert "Mill Lane" not in answer.text
                assert anna.email not in answer.text
        assert await is_signed_in(owner)
        assert "12 Mill Lane" in (await owner.get("/account/addresses")).words
        sent = await other.post("/checkout/address", {"address_id": str(ids["address"])})
        assert sent.status == 404


async def test_a_number_tells_nothing_to_a_guest(shop: Running) -> None:
    async with shopper_at(shop.url) as guest:
        for path in (
            "/account/addresses/1",
            "/account/addresses/999999",
            "/account/orders",
            "/account/export",
        ):
            answer = await guest.get(path)
            assert answer.location.startswith("/account/sign-in")


async def test_a_link_of_one_changes_nothing_of_another(shop: Running) -> None:
    """A link to an address does nothing for whoever merely holds it: neither for their account nor for the asker's."""
    anna, berta, email = await new_person(shop), await new_person(shop), new_email()
    async with signed_in(shop, anna) as owner:
        await owner.post("/account/email", {"email": email, "password": PASSWORD})
        path = await mailed(shop, email, "account-address")
        async with signed_in(shop, berta) as other, shopper_at(shop.url) as guest:
            page = await other.get(path)
            assert (page.status, (await other.post(path, {})).status) == (404, 404)
            assert "not for your account" in page.words
            assert anna.email not in page.text
            assert berta.email in (await other.get("/account")).words
            asked = await guest.get(path)
            assert asked.location == f"/account/sign-in?next={path}"
            assert (await guest.post(path, {})).location.startswith("/account/sign-in?next=")
        assert anna.email in (await owner.get("/account")).words
        assert await account(shop, email) is None
        assert (await owner.post(path, {})).location == "/account", "it was not used up"
    found = await account(shop, email)
    assert found is not None
    assert found.id == anna.id


async def test_a_link_to_an_address_is_opened_on_another_device(shop: Running) -> None:
    anna, email = await new_person(shop), new_email()
    async with signed_in(shop, anna) as owner:
        await owner.post("/account/email", {"email": email, "password": PASSWORD})
    path = await mailed(shop, email, "account-address")
    async with shopper_at(shop.url) as telephone:
        typed = {"email": anna.email, "password": PASSWORD}
        page = await telephone.follow(await telephone.get(path))
        done = await telephone.submit(page, "/account/sign-in", **typed)
        assert done.location == path
        confirmed = await telephone.submit(await telephone.follow(done), path)
        assert confirmed.location == "/account"
        assert email in (await telephone.follow(confirmed)).words


async def test_orders_of_a_guest_are_not_claimed_by_a_click_of_the_guest(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    eve, guest = await new_person(shop), new_email()
    await shopper.add(await shop.new_thing())
    session = stripe.session_at((await shopper.order(email=guest)).location)
    await deliver(shop.url, stripe_api.pay(stripe, session))
    async with signed_in(shop, eve) as thief:
        await thief.post("/account/email", {"email": guest, "password": PASSWORD})
        await shopper.post(await mailed(shop, guest, "account-address"), {})
        await thief.post("/account/orders/claim", {})
    assert (await shop.order(token_of(session["cancel_url"]))).account_id is None


async def test_lists_hold_only_what_is_ones_own(shop: Running, stripe: StripeDouble) -> None:
    anna, berta = await new_person(shop), await new_person(shop)
    async with signed_in(shop, anna) as owner, signed_in(shop, berta) as other:
        await owner.add(await shop.new_thing())
        session = stripe.session_at((await owner.order(email=anna.email)).location)
        await deliver(shop.url, stripe_api.pay(stripe, session))
        order = await shop.order(token_of(session["cancel_url"]))
        assert order.account_id == anna.id
        for path in ("", "/orders", "/addresses", "/sessions", "/export", "/credits"):
            text = (await other.get(f"/account{path}")).text
            assert order.number not in text
            assert anna.email not in text
            assert "Mill Lane" not in text
        page = await other.get(f"/orders/{order.token}")
        assert page.status == 200, "whoever has the link sees the order"
        assert "to your account" not in page.words, "but cannot take it"
        await other.post("/account/orders/claim", {})
        assert (await shop.order(order.token)).account_id == anna.id
