"""Credits need an account, which the checkout offers without anything being lost."""

from urllib.parse import urlsplit

from sqlalchemy import func, select

from storefront.credits.models import CreditEntry
from tests.accounts.people import PASSWORD, new_email, sign_in
from tests.credits.people import buyer, new_account, package
from tests.faults.house import House
from tests.shop import HTMX


async def test_a_guest_is_asked_to_sign_in_and_finds_everything_again(house: House) -> None:
    email = new_email()
    await new_account(house, email)
    guest = house.shopper()
    await guest.add(await package(house, 100), 2)
    await guest.add(await house.thing(delivered=True))
    page = await guest.get("/checkout")
    assert page.words.count("Credits are kept in an account") == 1
    assert "You need no account" not in page.words
    assert 'href="/account/sign-in?next=/checkout"' in page.text
    assert 'href="/account/register?next=/checkout"' in page.text
    answer = await guest.order(name="Anna Typed", note="Ring twice")
    assert (answer.status, answer.location) == (303, "/account/sign-in?next=/checkout")
    assert await house.orders() == []
    said = (await guest.follow(answer)).element("notice").text
    assert "Credits are kept in an account." in said
    assert "what you typed are kept" in said
    done = await sign_in(guest, email, to="/checkout")
    assert done.location == "/checkout"
    page = await guest.get("/checkout")
    typed = dict(page.form("/checkout").filled({}, None))
    assert (typed["name"], typed["note"], typed["address_line1"]) == (
        "Anna Typed",
        "Ring twice",
        "12 Mill Lane",
    )
    assert "Credits are kept in an account" not in page.words
    bought = await house.placed(guest, await guest.submit(page, "/checkout"))
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    async with house.database.reads() as session:
        assert await session.scalar(select(func.sum(CreditEntry.amount))) == 200
    await house.check()


async def test_htmx_is_led_to_the_same_page(house: House) -> None:
    guest = house.shopper()
    await guest.add(await package(house))
    page = await guest.get("/checkout")
    form = page.form("/checkout").filled({"name": "Anna Typed"}, None)
    answer = await guest.post("/checkout", form, **HTMX)
    assert answer.headers["hx-redirect"] == "/account/sign-in?next=/checkout"
    assert "Credits are kept in an account." in (await guest.follow(answer)).element("notice").text
    typed = dict((await guest.get("/checkout")).form("/checkout").filled({}, None))
    assert typed["name"] == "Anna Typed"


async def test_somebody_new_registers_and_comes_back_to_the_same_cart(house: House) -> None:
    guest, email = house.shopper(), new_email()
    await guest.add(await package(house, 100))
    await guest.order(name="Anna Typed")
    page = await guest.get("/account/register?next=/checkout")
    await guest.submit(page, "/account/register", email=email)
    [message] = await house.messages("account-register")
    path = urlsplit(message.data["url"]).path
    done = await guest.submit(await guest.get(path), path, new_password=PASSWORD)
    assert done.location == "/checkout"
    typed = dict((await guest.get("/checkout")).form("/checkout").filled({}, None))
    assert typed["name"] == "Anna Typed"


async def test_a_form_of_before_the_sign_out_places_nothing(house: House) -> None:
    """Also when the credits come into the cart between looking and placing."""
    anna = await buyer(house)
    await anna.shopper.add(await package(house))
    page = await anna.shopper.get("/checkout")
    anna.shopper.client.cookies.delete(
        next(n for n in anna.shopper.client.cookies if "session" in n or n == "account")
    )
    answer = await anna.shopper.submit(page, "/checkout", name="Anna Larsson", email=anna.email)
    assert answer.location == "/account/sign-in?next=/checkout"
    assert await house.orders() == []


async def test_two_people_never_see_each_others_credits(house: House) -> None:
    anna, bert = await buyer(house), await buyer(house)
    await anna.pay(await package(house, 111))
    page = await bert.shopper.get("/account/credits")
    assert "You have 0 credits" in page.words
    assert "111" not in page.words
    assert "See the packages" in page.words
    [entry] = await anna.entries()
    assert "111" not in (await bert.shopper.get(f"/account/credits?before={entry.id + 1}")).words
    assert (
        await house.shopper().get("/account/credits")
    ).location == "/account/sign-in?next=/account/credits"
    exported = (await anna.shopper.get("/account/export")).response.json()["credits"]
    assert [(one["amount"], one["balance"]) for one in exported] == [(111, 111)]
    assert (await bert.shopper.get("/account/export")).response.json()["credits"] == []


async def test_a_gap_in_the_address_is_no_error(house: House) -> None:
    anna = await buyer(house)
    for text in ("", "x", "-1", "9" * 30, "٣"):
        assert (await anna.shopper.get(f"/account/credits?before={text}")).status == 200
