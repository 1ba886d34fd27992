"""The account's own pages: orders, devices, data, the end."""

import json
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from storefront.accounts.models import AccountSession, KeptAddress, MailedLink
from storefront.database import now
from storefront.orders.models import Order
from storefront.outbox.models import Message
from storefront.outbox.write import leave_message
from tests.accounts.people import (
    PASSWORD,
    Person,
    account,
    is_signed_in,
    mailed,
    messages,
    new_email,
    new_person,
    set_cookies,
    sign_in,
    signed_in,
    told,
)
from tests.payments import stripe_api
from tests.shop import ANNA, Running, Shopper, eventually, shopper_at, token_of
from tests.stripe_double import StripeDouble, deliver


async def ordered(
    shop: Running, stripe: StripeDouble, shopper: Shopper, email: str, *, paid: bool = True
) -> str:
    """Order one thing under an address; gives the order's token."""
    await shopper.add(await shop.new_thing())
    session = stripe.session_at((await shopper.order(email=email)).location)
    if paid:
        await deliver(shop.url, stripe_api.pay(stripe, session))
    return token_of(session["cancel_url"])


async def test_an_account_is_offered_calmly_after_a_guests_order(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    token = await ordered(shop, stripe, shopper, new_email(), paid=False)
    page = await shopper.get(f"/orders/{token}")
    assert "Create an account" not in page.words, "first the payment"
    paid = await ordered(shop, stripe, shopper, new_email())
    page = await shopper.get(f"/orders/{paid}")
    link = page.root.all("a", href=f"/account/register?next=/orders/{paid}")
    assert "Create an account" in link[0].text
    fragment = await shopper.fragment(f"/orders/{paid}")
    assert fragment.root.all("a", href=f"/account/register?next=/orders/{paid}")


async def test_a_guests_orders_can_be_claimed_with_the_confirmed_address(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    person = await new_person(shop)
    first = await ordered(shop, stripe, shopper, person.email.title())
    second = await ordered(shop, stripe, shopper, person.email)
    strangers = await ordered(shop, stripe, shopper, new_email())
    async with signed_in(shop, person) as owner:
        page = await owner.get(f"/orders/{first}")
        assert page.root.all("a", href="/account/orders")[0].text == "Add this order to your account"
        assert not (await owner.get(f"/orders/{strangers}")).root.all("a", href="/account/orders")
        page = await owner.get("/account/orders")
        assert "2 earlier orders were placed with your address" in page.words
        assert "Nothing here yet" in page.words
        done = await owner.submit(page, "/account/orders/claim")
        page = await owner.follow(done)
        assert "in the list now" in page.element("notice").text
        links = page.element("main").all("a")
        shown = [one.attrs["href"] for one in links if "/orders/" in one.attrs["href"]]
        assert shown == [f"/orders/{second}", f"/orders/{first}"]
        assert not page.root.all("form", action="/account/orders/claim")
    assert (await shop.order(strangers)).account_id is None


async def test_an_unconfirmed_address_claims_nothing(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    person = await new_person(shop, verified=False)
    token = await ordered(shop, stripe, shopper, person.email)
    async with signed_in(shop, person) as owner:
        assert "earlier order" not in (await owner.get("/account/orders")).words
        assert (await owner.post("/account/orders/claim", {})).status == 303
        assert "Add this order" not in (await owner.get(f"/orders/{token}")).words
    assert (await shop.order(token)).account_id is None


async def test_what_is_somebodys_cannot_be_claimed_again(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    owner, other = await new_person(shop), await new_person(shop)
    await sign_in(shopper, owner.email)
    token = await ordered(shop, stripe, shopper, other.email)
    async with signed_in(shop, other) as claimer:
        await claimer.post("/account/orders/claim", {})
    assert (await shop.order(token)).account_id == owner.id


async def test_many_orders_come_in_pages(shop: Running, stripe: StripeDouble, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    await ordered(shop, stripe, shopper, person.email)
    async with shop.database() as database, database.writes() as session:
        one = (await session.scalars(select(Order).where(Order.account_id == person.id))).one()
        names = [column.key for column in Order.__table__.columns if column.key != "id"]
        for n in range(24):
            copy = {name: getattr(one, name) for name in names}
            unique = {
                "token": f"{one.token}{n}",
                "number": f"{one.number}{n}",
                "reference": f"{one.reference}{n}",
            }
            session.add(Order(**(copy | unique | {"cart_id": None})))
    page = await shopper.get("/account/orders")
    rows = page.root.all("ul", class_name="account-orders")[0].all("li")
    assert len(rows) == 20
    older = next(one.attrs["href"] for one in page.root.all("a") if one.text == "Older orders")
    page = await shopper.get(older)
    assert len(page.root.all("ul", class_name="account-orders")[0].all("li")) == 5
    assert "Older orders" not in page.words
    for nonsense in ("x", "-1", "9" * 30, "1e3"):
        assert (await shopper.get(f"/account/orders?before={nonsense}")).status == 200


async def test_the_list_of_devices_tells_where_one_is_signed_in(shop: Running) -> None:
    person = await new_person(shop)
    async with shopper_at(shop.url) as laptop, shopper_at(shop.url) as telephone:
        laptop.client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
        telephone.client.headers["user-agent"] = (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19 Safari/605"
        )
        await sign_in(laptop, person.email)
        await sign_in(telephone, person.email)
        page = await laptop.get("/account/sessions")
        assert "Firefox on Linux" in page.words
        assert "Safari on an iPhone" in page.words
        rows = page.root.all("ul", class_name="account-list")[0].all("li")
        other = next(row for row in rows if "this one" not in row.text)
        action = other.all("form")[0].attrs["action"]
        done = await laptop.submit(page, action)
        assert done.location == "/account/sessions"
        assert "is signed out" in (await laptop.follow(done)).element("notice").text
        assert await is_signed_in(laptop)
        assert not await is_signed_in(telephone)
        assert (await laptop.post(action, {})).status == 404, "it is over already"


async def test_signing_out_everywhere_means_here_too(shop: Running) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as one, signed_in(shop, person) as other:
        page = await one.get("/account/sessions")
        done = await one.submit(page, "/account/sessions/end")
        assert "signed out everywhere" in (await one.follow(done)).element("notice").text
        assert not await is_signed_in(one)
        assert not await is_signed_in(other)


async def test_ending_the_own_device_is_signing_out(shop: Running) -> None:
    async with signed_in(shop) as shopper:
        page = await shopper.get("/account/sessions")
        action = next(
            one.attrs["action"] for one in page.root.all("form") if "/sessions/" in one.attrs["action"]
        )
        assert (await shopper.submit(page, action)).location == "/"
        assert "session" not in shopper.client.cookies


async def test_everything_that_is_kept_can_be_taken_along(
    shop: Running, stripe: StripeDouble, shopper: Shopper
) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    token = await ordered(shop, stripe, shopper, person.email)
    thing = await shop.new_thing()
    await shopper.add(thing, 2)
    answer = await shopper.get("/account/export")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["cache-control"] == "no-store"
    found = json.loads(answer.text)
    assert found["account"]["email"] == person.email
    assert [one["address_line1"] for one in found["addresses"]] == [ANNA["address_line1"]]
    order = await shop.order(token)
    assert [(one["number"], one["total"], one["currency"], one["state"]) for one in found["orders"]] == [
        (order.number, order.total, "USD", "paid")
    ]
    assert found["orders"][0]["lines"][0]["quantity"] == 1
    assert found["cart"]["lines"] == [
        {"sku": thing.sku, "title": f"Thing {thing.slug.removeprefix('thing-')}", "quantity": 2}
    ]
    assert len(found["signed_in"]) == 1

    async def sent() -> bool:
        kinds = [one["kind"] for one in json.loads((await shopper.get("/account/export")).text)["messages"]]
        return "order-paid" in kinds

    assert await eventually(sent)
    for secret in ("argon2", order.token, shopper.client.cookies["session"], shopper.client.cookies["cart"]):
        assert secret not in answer.text


async def test_an_account_is_deleted_with_everything_but_its_orders(
    shop: Running, stripe: StripeDouble, either: Shopper
) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    plain = either.htmx
    either.htmx = False
    token = await ordered(shop, stripe, either, person.email)
    await either.add(await shop.new_thing())
    either.htmx = plain
    page = await either.get("/account/delete")
    assert "law" in page.words
    for password in ("", "wrong"):
        refused = await either.submit(page, "/account/delete", password=password)
        assert refused.status == 422
        assert refused.element("field-password").all(id="password-error")
    cart = either.client.cookies["cart"]
    done = await either.submit(page, "/account/delete", password=PASSWORD)
    assert done.location == "/"
    assert set_cookies(done).keys() >= {"session", "cart", "cart_n"}
    assert await account(shop, person.email) is None
    assert (await sign_in(either, person.email)).status == 422
    either.client.cookies.set("cart", cart)
    assert (await either.get("/api/cart/count")).response.json()["count"] == 0
    order = await shop.order(token)
    assert (order.account_id, order.state) == (None, "paid")
    assert (await either.get(f"/orders/{token}")).status == 200
    async with shop.database() as database, database.reads() as session:
        for table in (AccountSession, KeptAddress):
            count = select(func.count()).where(table.account_id == person.id)
            assert await session.scalar(count) == 0
    assert await told(shop, person.email) == ["deleted"]


async def test_with_the_account_go_its_messages(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    far = now() + timedelta(hours=1)
    async with shop.database() as database, database.writes() as session:
        for key, recipient, template in (
            ("account-sent", person.email.upper(), "account-notice"),
            ("account-waits", person.email.title(), "account-notice"),
            ("order-waits", person.email, "order-paid"),
        ):
            more = {"recipient": recipient, "template": template, "data": {"what": "second-on"}}
            await leave_message(session, key=f"{key}-{person.id}", **more)
        mine = func.lower(Message.recipient) == person.email
        await session.execute(update(Message).where(mine).values(next_try_at=far))
        await session.execute(
            update(Message).where(mine, Message.key.startswith("account-sent")).values(sent_at=now())
        )
    await shopper.post("/account/delete", {"password": PASSWORD})
    left = {one.key.partition(":")[0]: one for one in await messages(shop, person.email)}
    assert left.keys() == {f"order-waits-{person.id}", "account-notice"}
    assert left["account-notice"].data["what"] == "deleted"
    async with shop.database() as database, database.reads() as session:
        kept = select(Message).where(Message.key == f"account-sent-{person.id}")
        emptied = (await session.scalars(kept)).one()
    assert (emptied.recipient, emptied.data) == ("", {})
    await shop.change(delete(Message).where(Message.key == f"order-waits-{person.id}"))


async def test_with_the_account_go_the_addresses_it_had(shop: Running, shopper: Shopper) -> None:
    email, new = new_email(), new_email()
    for _ in range(2):
        await shopper.post("/account/register", {"email": email.upper()})
    path = await mailed(shop, email, "account-register")
    await shopper.post(path, {"new_password": PASSWORD})
    async with shopper_at(shop.url) as guest:
        await guest.post("/account/register", {"email": new})
    await shopper.post("/account/email", {"email": new, "password": PASSWORD})
    await shopper.post(await mailed(shop, new, "account-address"), {})
    assert new in (await shopper.get("/account")).words

    async def kept(address: str) -> list[str]:
        async with shop.database() as database, database.reads() as session:
            query = select(MailedLink.purpose).where(func.lower(MailedLink.email) == address)
            return sorted(await session.scalars(query))

    assert (await kept(email), await kept(new)) == (["register"] * 2, ["address", "register"])
    await shopper.post("/account/delete", {"password": PASSWORD})
    # What was asked for an address that the account no longer had, and never used, belongs to nobody.
    assert (await kept(email), await kept(new)) == (["register"], [])


async def test_an_unconfirmed_address_is_told_nothing_of_its_messages(shop: Running) -> None:
    person = await new_person(shop, verified=False)
    async with signed_in(shop, person) as shopper:
        await shopper.post("/account/verify", {})
        assert json.loads((await shopper.get("/account/export")).text)["messages"] == []


async def test_a_deleted_address_can_have_an_account_again(shop: Running) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        await shopper.post("/account/delete", {"password": PASSWORD})
    again = await new_person(shop, email=person.email)
    assert again.id != person.id
    async with signed_in(shop, again) as shopper:
        assert "Nothing here yet" in (await shopper.get("/account/orders")).words


async def test_the_last_owner_cannot_leave(shop: Running) -> None:
    from storefront.accounts.models import Account

    await shop.change(update(Account).where(Account.role == "owner").values(role="shopper"))
    owner = await new_person(shop, role="owner")
    async with signed_in(shop, owner) as shopper:
        answer = await shopper.post("/account/delete", {"password": PASSWORD})
        assert answer.status == 409
        assert "only owner" in answer.words
        assert await is_signed_in(shopper)
        await new_person(shop, role="owner")
        assert (await shopper.post("/account/delete", {"password": PASSWORD})).location == "/"


async def test_the_overview_leads_everywhere(shop: Running, stripe: StripeDouble) -> None:
    person: Person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        page = await shopper.get("/account")
        assert page.root.all("a", href="/account", aria_current="page")
        links = {one.attrs["href"] for one in page.root.all("a") if one.attrs["href"].startswith("/account/")}
        assert "/admin" not in {one.attrs["href"] for one in page.root.all("a")}
        assert len(links) >= 7
        for link in links:
            assert (await shopper.get(link)).status == 200, link
        await ordered(shop, stripe, shopper, person.email)
        page = await shopper.get("/account")
        assert "1 kept" in page.words
        assert "1 device" in page.words
        assert page.root.all("ul", class_name="account-orders")
