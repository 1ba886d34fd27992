"""A forgotten password, an unconfirmed address, and changing both."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from sqlalchemy import update

from storefront.accounts.models import Account, MailedLink
from storefront.database import now
from tests.accounts.people import (
    NEW,
    PASSWORD,
    Person,
    account,
    is_signed_in,
    mailed,
    messages,
    new_email,
    new_person,
    noted,
    set_cookies,
    sign_in,
    signed_in,
    told,
)
from tests.shop import Running, Shopper, shopper_at
from tests.web.page import Answer

Done: TypeAlias = Callable[[Running, Person, Shopper], Awaitable[None]]


async def ask(shopper: Shopper, email: str) -> Answer:
    return await shopper.submit(await shopper.get("/account/reset"), "/account/reset", email=email)


async def reset(shop: Running, shopper: Shopper, person: Person, password: str = NEW) -> Answer:
    path = await mailed(shop, person.email, "account-reset")
    return await shopper.submit(await shopper.get(path), path, new_password=password)


async def test_a_forgotten_password_is_replaced_by_mail(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    asked = await ask(either, person.email)
    assert asked.location == "/account/check-mail"
    done = await reset(shop, either, person)
    assert done.location == "/account/sign-in"
    assert "Your password is changed" in (await either.follow(done)).element("notice").text
    assert not await is_signed_in(either)
    assert (await sign_in(either, person.email)).status == 422
    assert (await sign_in(either, person.email, NEW)).location == "/account"
    assert await told(shop, person.email) == ["password"]


async def test_the_answer_does_not_tell_who_has_an_account(shop: Running, either: Shopper) -> None:
    person, nobody = await new_person(shop), new_email()
    known, unknown = await ask(either, person.email.upper()), await ask(either, nobody)
    assert (known.status, known.location, known.text) == (unknown.status, unknown.location, unknown.text)
    assert [one.template for one in await messages(shop, person.email)] == ["account-reset"]
    assert [one.template for one in await messages(shop, nobody)] == ["account-none"]
    assert (await mailed(shop, nobody, "account-none")).startswith("/account/register/")


async def test_a_new_password_ends_every_sign_in(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as thief:
        await ask(shopper, person.email)
        await reset(shop, shopper, person)
        assert not await is_signed_in(thief)


@pytest.mark.parametrize("password", ["", "short", "password1", "x" * 129])
async def test_a_password_that_is_refused_leaves_the_link_good(
    shop: Running, either: Shopper, password: str
) -> None:
    person = await new_person(shop)
    await ask(either, person.email)
    answer = await reset(shop, either, person, password)
    assert answer.status == 422
    assert answer.element("field-new_password").all(id="new_password-error")
    assert (await reset(shop, either, person)).location == "/account/sign-in"


async def test_one_new_password_uses_up_every_link_to_one(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await ask(shopper, person.email)
    first = await mailed(shop, person.email, "account-reset")
    await ask(shopper, person.email)
    assert (await reset(shop, shopper, person)).status == 303
    assert (await shopper.get(first)).status == 404
    assert (await shopper.get(await mailed(shop, person.email, "account-reset"))).status == 404


async def test_a_link_to_a_new_password_is_good_for_an_hour(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await ask(shopper, person.email)
    path = await mailed(shop, person.email, "account-reset")
    mine = MailedLink.account_id == person.id
    await shop.change(update(MailedLink).where(mine).values(expires_at=now() + timedelta(minutes=1)))
    assert (await shopper.get(path)).status == 200
    await shop.change(update(MailedLink).where(mine).values(expires_at=now()))
    page = await shopper.get(path)
    assert page.status == 404
    assert page.root.all("a", href="/account/reset")
    assert (await shopper.post(path, {"new_password": NEW})).status == 404
    async with shopper_at(shop.url) as same:
        assert (await sign_in(same, person.email)).status == 303


async def test_whoever_got_a_new_password_by_mail_has_confirmed_the_address(
    shop: Running, shopper: Shopper
) -> None:
    person = await new_person(shop, verified=False)
    await ask(shopper, person.email)
    await reset(shop, shopper, person)
    found = await account(shop, person.email)
    assert found is not None
    assert found.verified_at is not None


async def test_somebody_changes_the_password_and_stays(shop: Running) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper, signed_in(shop, person) as other:
        before = shopper.client.cookies["session"]
        page = await shopper.get("/account/password")
        done = await shopper.submit(page, "/account/password", password=PASSWORD, new_password=NEW)
        assert done.location == "/account"
        assert shopper.client.cookies["session"] != before
        assert await is_signed_in(shopper)
        assert not await is_signed_in(other)
        async with shopper_at(shop.url) as thief:
            thief.client.cookies.set("session", before)
            assert not await is_signed_in(thief)
            assert (await sign_in(thief, person.email)).status == 422
            assert (await sign_in(thief, person.email, NEW)).status == 303
    assert await told(shop, person.email) == ["password"]


@pytest.mark.parametrize(
    ("now_", "new", "where", "said"),
    [
        ("wrong", NEW, "password", "not your password"),
        ("", NEW, "password", "Enter your password"),
        (PASSWORD, "short", "new_password", "at least 8"),
        (PASSWORD, "iloveyou2", "new_password", "harder to guess"),
    ],
)
async def test_a_password_is_not_changed_by_mistake(
    shop: Running, now_: str, new: str, where: str, said: str
) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        page = await shopper.get("/account/password")
        answer = await shopper.submit(page, "/account/password", password=now_, new_password=new)
        assert answer.status == 422
        assert said in answer.element(f"field-{where}").text
    assert await told(shop, person.email) == []


async def test_an_address_changes_when_its_owner_says_so(shop: Running, either: Shopper) -> None:
    person, email = await new_person(shop), new_email()
    await sign_in(either, person.email)
    page = await either.get("/account/email")
    done = await either.submit(page, "/account/email", email=email, password=PASSWORD)
    assert done.location == "/account/check-mail"
    assert person.email in (await either.get("/account")).words
    assert await told(shop, person.email) == ["address-asked"]
    path = await mailed(shop, email, "account-address")
    assert (await either.get(path)).status == 200
    assert person.email in (await either.get("/account")).words, "looking changes nothing"
    confirmed = await either.submit(await either.get(path), path)
    assert confirmed.location == "/account"
    assert email in (await either.get("/account")).words
    assert await told(shop, person.email) == ["address-asked", "address"]
    async with shopper_at(shop.url) as other:
        assert (await sign_in(other, person.email)).status == 422
        assert (await sign_in(other, email)).status == 303
    assert noted(shop, person).count("address confirmed") == 1


async def test_an_address_that_is_taken_is_not_told(shop: Running) -> None:
    person, other = await new_person(shop), await new_person(shop)
    async with signed_in(shop, person) as shopper:
        answers = [
            await shopper.post("/account/email", {"email": email, "password": PASSWORD})
            for email in (other.email.upper(), new_email())
        ]
        assert answers[0].location == answers[1].location == "/account/check-mail"
        assert answers[0].text == answers[1].text
    assert [one.template for one in await messages(shop, other.email)] == ["account-exists"]


async def test_an_address_taken_meanwhile_is_not_taken_away(shop: Running) -> None:
    person, email = await new_person(shop), new_email()
    async with signed_in(shop, person) as shopper:
        await shopper.post("/account/email", {"email": email, "password": PASSWORD})
        path = await mailed(shop, email, "account-address")
        other = await new_person(shop, email=email.upper())
        assert (await shopper.post(path, {})).status == 404
        assert person.email in (await shopper.get("/account")).words
    async with signed_in(shop, other):
        pass


async def test_a_link_to_the_old_address_dies_with_it(shop: Running, shopper: Shopper) -> None:
    person, email = await new_person(shop), new_email()
    await ask(shopper, person.email)
    async with signed_in(shop, person) as owner:
        await owner.post("/account/email", {"email": email, "password": PASSWORD})
        await owner.post(await mailed(shop, email, "account-address"), {})
    assert (await reset_path(shop, shopper, person)).status == 404


async def reset_path(shop: Running, shopper: Shopper, person: Person) -> Answer:
    return await shopper.get(await mailed(shop, person.email, "account-reset"))


async def by_mail(shop: Running, person: Person, shopper: Shopper) -> None:
    await ask(shopper, person.email)
    assert (await reset(shop, shopper, person)).status == 303


async def by_hand(_shop: Running, _person: Person, shopper: Shopper) -> None:
    typed = {"password": PASSWORD, "new_password": NEW}
    assert (await shopper.post("/account/password", typed)).status == 303


async def everywhere(_shop: Running, _person: Person, shopper: Shopper) -> None:
    assert (await shopper.post("/account/sessions/end", {})).status == 303


async def by_command(shop: Running, person: Person, _shopper: Shopper) -> None:
    assert (await shop.command("sign-out", person.email))[0] == 0


async def factor_off(shop: Running, person: Person, _shopper: Shopper) -> None:
    await shop.change(update(Account).where(Account.id == person.id).values(totp_secret="A" * 32))
    assert (await shop.command("two-step-off", person.email))[0] == 0


@pytest.mark.parametrize("done", [by_mail, by_hand, everywhere, by_command, factor_off])
async def test_an_address_that_somebody_else_asked_for_goes_with_their_sign_in(
    shop: Running, done: Done
) -> None:
    person, evil = await new_person(shop), new_email()
    async with signed_in(shop, person) as owner, signed_in(shop, person) as thief:
        await thief.post("/account/email", {"email": evil, "password": PASSWORD})
        path = await mailed(shop, evil, "account-address")
        assert (await owner.get(path)).status == 200
        await done(shop, person, owner)
        await thief.post(path, {})
        async with shopper_at(shop.url) as again:
            password = NEW if done in {by_mail, by_hand} else PASSWORD
            assert (await sign_in(again, person.email, password)).location == "/account"
            assert (await again.get(path)).status == 404
            assert (await again.post(path, {})).status == 404
    assert await account(shop, evil) is None


async def test_one_new_address_uses_up_every_link_to_one(shop: Running) -> None:
    person, emails = await new_person(shop), [new_email(), new_email()]
    async with signed_in(shop, person) as owner:
        for email in emails:
            await owner.post("/account/email", {"email": email, "password": PASSWORD})
        first, last = [await mailed(shop, email, "account-address") for email in emails]
        assert (await owner.post(last, {})).status == 303
        assert (await owner.get(first)).status == 404
        assert (await owner.post(first, {})).status == 404
        assert emails[1] in (await owner.get("/account")).words


async def test_an_address_is_changed_with_the_password_only(shop: Running) -> None:
    person, email = await new_person(shop), new_email()
    async with signed_in(shop, person) as shopper:
        for password in ("", "wrong"):
            answer = await shopper.post("/account/email", {"email": email, "password": password})
            assert answer.status == 422
            assert answer.element("email").attrs["value"] == email
        assert (await shopper.post("/account/email", {"email": "no", "password": PASSWORD})).status == 422
    assert await messages(shop, email) == []


async def test_an_unconfirmed_address_is_confirmed_by_mail(shop: Running, either: Shopper) -> None:
    person = await new_person(shop, verified=False)
    await sign_in(either, person.email)
    page = await either.get("/account")
    assert "not confirmed yet" in page.words
    plain = either.htmx
    either.htmx = False
    asked = await either.submit(page, "/account/verify")
    either.htmx = plain
    assert asked.location == "/account/check-mail"
    path = await mailed(shop, person.email, "account-address")
    done = await either.submit(await either.get(path), path)
    page = await either.follow(done)
    assert "is confirmed" in page.element("notice").text
    assert "not confirmed yet" not in page.words
    assert "session" not in set_cookies(done), "a link alone signs nobody in"
