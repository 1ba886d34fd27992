"""The second factor, from setting it up to losing the telephone."""

import asyncio
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select, update

from storefront.accounts.models import Account, AccountSession, RecoveryCode
from storefront.accounts.second import step_of
from storefront.database import now
from tests.accounts.people import (
    PASSWORD,
    Person,
    account,
    is_signed_in,
    new_person,
    noted,
    set_cookies,
    sign_in,
    signed_in,
    told,
)
from tests.shop import Running, Shopper, shopper_at
from tests.web.page import Answer

TWO_STEP = "/account/two-step"


async def set_up(shop: Running, shopper: Shopper, person: Person) -> tuple[str, list[str]]:
    """Turn the second step on, as its page says; gives the secret and the recovery codes."""
    begun = await shopper.submit(await shopper.get(TWO_STEP), TWO_STEP, password=PASSWORD)
    page = await shopper.follow(begun)
    secret = page.root.all("code")[0].text.replace(" ", "")
    link = next(one for one in page.root.all("a") if one.attrs["href"].startswith("otpauth://"))
    assert f"secret={secret}" in link.attrs["href"]
    done = await shopper.submit(page, f"{TWO_STEP}/set-up", code=pyotp.TOTP(secret).now())
    assert_only_codes(done, secret)
    codes = [one.text for one in done.root.all("code")]
    # The code of this moment is used up; tests need not wait for the next.
    await shop.change(update(Account).where(Account.id == person.id).values(totp_last_step=0))
    return secret, codes


def assert_only_codes(answer: Answer, secret: str = "") -> None:
    """A whole page of codes, also to htmx: nothing of the page before it is left standing."""
    assert answer.status == 200, answer
    assert [one.text for one in answer.root.all("h1")] == ["Your recovery codes"]
    assert answer.root.all("title")[0].text.startswith("Your recovery codes")
    assert not secret or secret not in answer.text.replace(" ", "")
    if "<html" not in answer.text:
        assert answer.headers["hx-retarget"] == ".account-page"
        assert len(answer.root.all("div", class_name="page account-page")) == 1


async def half_way(shopper: Shopper, person: Person, to: str = "") -> Answer:
    answer = await sign_in(shopper, person.email, to=to)
    assert answer.location.startswith("/account/sign-in/code")
    return await shopper.follow(answer)


async def enter(shopper: Shopper, page: Answer, code: str) -> Answer:
    return await shopper.submit(page, "/account/sign-in/code", code=code)


async def test_signing_in_takes_a_code_once_it_is_set_up(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    before = either.client.cookies["session"]
    async with signed_in(shop, person) as other:
        secret, codes = await set_up(shop, either, person)
        assert not await is_signed_in(other), "who has not shown the second factor is out"
    assert len(codes) == 10
    assert either.client.cookies["session"] != before
    assert "The second step is on. 10 of your recovery codes" in (await either.get(TWO_STEP)).words
    assert await told(shop, person.email) == ["second-on"]
    async with shopper_at(shop.url, htmx=either.htmx) as again:
        page = await half_way(again, person, "/account/orders")
        assert page.element("code").attrs["autocomplete"] == "one-time-code"
        assert not await is_signed_in(again), "the password alone opens nothing"
        waiting = again.client.cookies["session"]
        done = await enter(again, page, pyotp.TOTP(secret).now())
        assert done.location == "/account/orders"
        assert again.client.cookies["session"] != waiting
        assert await is_signed_in(again)


async def test_a_wrong_code_is_said(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as owner:
        await set_up(shop, owner, person)
    page = await half_way(either, person)
    for code in ("", "000000", "12345", "abcdef", "0" * 200, "１２３４５６"):
        answer = await enter(either, page, code)
        assert answer.status == 422
        assert answer.element("field-code").all(id="code-error")
    assert not await is_signed_in(either)


async def test_a_code_is_good_once_even_at_the_same_moment(shop: Running) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as owner:
        secret, _ = await set_up(shop, owner, person)
    code = pyotp.TOTP(secret).now()

    async def once() -> int:
        async with shopper_at(shop.url) as shopper:
            return (await enter(shopper, await half_way(shopper, person), code)).status

    statuses = await asyncio.gather(*(once() for _ in range(4)))
    assert sorted(statuses) == [303, 422, 422, 422]


async def test_a_recovery_code_is_good_once(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as owner:
        _, codes = await set_up(shop, owner, person)
    typed = codes[3].lower().replace("-", " ")
    assert (await enter(shopper, await half_way(shopper, person), typed)).status == 303
    assert "9 of your recovery codes are left" in (await shopper.get(TWO_STEP)).words
    async with shopper_at(shop.url) as other:
        assert (await enter(other, await half_way(other, person), codes[3])).status == 422
        assert (await enter(other, await half_way(other, person), codes[4])).status == 303
    async with shop.database() as database, database.reads() as session:
        stored = (await session.scalars(select(RecoveryCode.code_hash))).all()
    assert not set(codes) & set(stored)
    assert not {one.replace("-", "") for one in codes} & set(stored)


async def test_new_recovery_codes_take_the_place_of_the_old(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    _, old = await set_up(shop, either, person)
    page = await either.get(TWO_STEP)
    assert (await either.submit(page, f"{TWO_STEP}/codes", password="wrong")).status == 422
    answer = await either.submit(page, f"{TWO_STEP}/codes", password=PASSWORD)
    fresh = [one.text for one in answer.root.all("code")]
    assert len(fresh) == 10
    assert await told(shop, person.email) == ["second-on", "codes"]
    assert noted(shop, person)[-1] == "new recovery codes"
    assert not set(fresh) & set(old)
    async with shopper_at(shop.url) as other:
        page = await half_way(other, person)
        assert (await enter(other, page, old[0])).status == 422
        assert (await enter(other, page, fresh[0])).status == 303


async def test_it_is_turned_off_with_the_password(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    await set_up(shop, either, person)
    page = await either.get(TWO_STEP)
    off = {"press": f"{TWO_STEP}/off"}
    assert (await either.submit(page, f"{TWO_STEP}/codes", **off, password="")).status == 422
    done = await either.submit(page, f"{TWO_STEP}/codes", **off, password=PASSWORD)
    assert done.location == TWO_STEP
    # The page that was open when it was turned off is sent once more.
    again = await either.post(f"{TWO_STEP}/off", {"password": PASSWORD})
    assert again.location == TWO_STEP
    async with signed_in(shop, person):
        pass
    assert await told(shop, person.email) == ["second-on", "second-off"]


async def test_setting_up_takes_the_password_and_a_right_code(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    assert (await shopper.get(f"{TWO_STEP}/set-up")).location == TWO_STEP
    page = await shopper.get(TWO_STEP)
    assert (await shopper.submit(page, TWO_STEP, password="wrong")).status == 422
    page = await shopper.follow(await shopper.submit(page, TWO_STEP, password=PASSWORD))
    answer = await shopper.submit(page, f"{TWO_STEP}/set-up", code="000000")
    assert answer.status == 422
    assert "not the code" in answer.element("field-code").text
    async with signed_in(shop, person):
        pass


async def begin(shopper: Shopper) -> str:
    """Begin to set it up; gives the code that would finish it."""
    page = await shopper.follow(
        await shopper.submit(await shopper.get(TWO_STEP), TWO_STEP, password=PASSWORD)
    )
    return pyotp.TOTP(page.root.all("code")[0].text.replace(" ", "")).now()


async def test_what_was_begun_is_finished_within_ten_minutes(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    code = await begin(shopper)
    mine = update(Account).where(Account.id == person.id)
    await shop.change(mine.values(totp_pending_at=now() - timedelta(minutes=11)))
    assert (await shopper.get(f"{TWO_STEP}/set-up")).location == TWO_STEP
    assert (await shopper.post(f"{TWO_STEP}/set-up", {"code": code})).location == TWO_STEP
    await shop.change(mine.values(totp_pending_at=now() - timedelta(minutes=9)))
    assert (await shopper.post(f"{TWO_STEP}/set-up", {"code": code})).status == 200


async def test_what_was_begun_elsewhere_is_not_finished_here(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    code = await begin(shopper)
    async with signed_in(shop, person) as other:
        assert (await other.get(f"{TWO_STEP}/set-up")).location == TWO_STEP
        assert (await other.post(f"{TWO_STEP}/set-up", {"code": code})).location == TWO_STEP
    assert (await shopper.post(f"{TWO_STEP}/set-up", {"code": code})).status == 200


async def test_a_new_password_ends_what_was_begun(shop: Running, shopper: Shopper) -> None:
    from tests.accounts.people import NEW

    person = await new_person(shop)
    await sign_in(shopper, person.email)
    await begin(shopper)
    done = await shopper.post("/account/password", {"password": PASSWORD, "new_password": NEW})
    assert done.location == "/account"
    found = await account(shop, person.email)
    assert found is not None
    assert (found.totp_pending, found.totp_pending_at, found.totp_pending_by) == (None, None, None)
    assert (await shopper.get(f"{TWO_STEP}/set-up")).location == TWO_STEP


async def test_a_new_password_by_mail_does_not_get_around_it(shop: Running, shopper: Shopper) -> None:
    from tests.accounts.people import NEW, mailed

    person = await new_person(shop)
    async with signed_in(shop, person) as owner:
        await set_up(shop, owner, person)
    await shopper.post("/account/reset", {"email": person.email})
    path = await mailed(shop, person.email, "account-reset")
    assert (await shopper.post(path, {"new_password": NEW})).location == "/account/sign-in"
    answer = await sign_in(shopper, person.email, NEW)
    assert answer.location == "/account/sign-in/code"
    assert not await is_signed_in(shopper)


async def test_the_half_way_house_is_open_for_ten_minutes(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as owner:
        secret, _ = await set_up(shop, owner, person)
    page = await half_way(shopper, person)
    mine = AccountSession.waiting & (AccountSession.account_id == person.id)
    await shop.change(update(AccountSession).where(mine).values(created_at=now() - timedelta(minutes=11)))
    answer = await enter(shopper, page, pyotp.TOTP(secret).now())
    assert answer.location == "/account/sign-in"
    assert "session" not in set_cookies(answer)


async def test_without_a_password_there_is_no_code_to_enter(shop: Running, shopper: Shopper) -> None:
    assert (await shopper.get("/account/sign-in/code")).location == "/account"
    assert (await shopper.post("/account/sign-in/code", {"code": "1"})).location == "/account/sign-in"


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (-30, True), (30, True), (-90, False), (90, False)])
def test_clocks_may_differ_by_half_a_minute(ahead: int, good: bool) -> None:
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(now() + timedelta(seconds=ahead))
    assert (step_of(secret, code) is not None) is good
