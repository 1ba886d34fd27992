"""What was proved before a change of the account is worth nothing after it, however close the two are.

A request is stopped between two of its steps, where it counts a try; meanwhile the owner does something from another
browser; then it goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from storefront.accounts.change import create_account, delete_account, locked
from storefront.accounts.limits import CODE, MAIL_ADDRESS, PASSWORD, SIGN_IN_HERE
from storefront.accounts.models import OWNER, Account, AccountSession, MailedLink, RecoveryCode
from storefront.outbox.models import Message
from storefront.web.limits import Limits, Rule
from storefront.web.request import ShopRequest
from tests.accounts.people import HASH, NEW, is_signed_in, sign_in
from tests.accounts.people import PASSWORD as OLD
from tests.faults.house import Held, House
from tests.shop import Shopper
from tests.web.page import Answer

EMAIL, EVIL = "olga@example.org", "evil@example.org"


class Stopping(Limits):
    """The shop's own counts, at which the next request that comes to a place waits until it is let on."""

    def __init__(self, house: House) -> None:
        super().__init__(house.shop.settings)
        self.held: list[Held] = []

    def hold(self, what: str, rule: Rule) -> Held:
        self.held.append(made := Held(rule.name, what))
        return made

    async def meet(self, request: ShopRequest, *pairs: tuple[Rule, str]) -> None:
        await super().meet(request, *pairs)
        await self._wait("counted", pairs[0][0])

    async def give_back(self, rule: Rule, key: str) -> None:
        await super().give_back(rule, key)
        await self._wait("given back", rule)

    async def _wait(self, what: str, rule: Rule) -> None:
        for one in self.held:
            if (one.when, one.call) == (what, rule.name):
                self.held.remove(one)
                await one.wait()
                return


@pytest.fixture
def stopping(house: House) -> Stopping:
    made = Stopping(house)
    house.shop._parts = replace(house.shop._parts, limits=made)
    return made


@pytest.fixture
async def olga(house: House) -> Account:
    async with house.database.writes() as session:
        return await create_account(session, EMAIL, HASH, verified=True)


async def entered(house: House) -> Shopper:
    shopper = house.shopper()
    assert (await sign_in(shopper, EMAIL, OLD)).location == "/account"
    return shopper


@asynccontextmanager
async def stopped(held: Held, thief: Shopper, path: str, **typed: str) -> AsyncIterator[list[Answer]]:
    """Post a form, and be in the middle of it; at the end the list holds its answer."""
    answers: list[Answer] = []
    task = asyncio.create_task(thief.post(path, typed))
    await held.reached()
    yield answers
    held.let_on()
    answers.append(await task)


async def reset(house: House) -> None:
    owner = house.shopper()
    await owner.post("/account/reset", {"email": EMAIL})
    async with house.database.reads() as session:
        found = select(Message).where(Message.template == "account-reset").order_by(Message.id.desc())
        path = (await session.scalars(found.limit(1))).one().data["url"].removeprefix(owner.origin)
    assert (await owner.post(path, {"new_password": NEW})).location == "/account/sign-in"


async def new_password(owner: Shopper) -> None:
    done = await owner.post("/account/password", {"password": OLD, "new_password": NEW})
    assert done.location == "/account"


async def second_factor(house: House, account: Account) -> str:
    """Turn it on behind the shop's back; gives its secret."""
    secret = pyotp.random_base32()
    async with house.database.writes() as session:
        await session.execute(update(Account).where(Account.id == account.id).values(totp_secret=secret))
    return secret


async def open_sign_ins(house: House) -> int:
    async with house.database.reads() as session:
        found = await session.scalars(select(AccountSession.id).where(AccountSession.ended_at.is_(None)))
        return len(found.all())


def columns(account: Account) -> dict[str, Any]:
    return {column.name: getattr(account, column.name) for column in Account.__table__.c}


@pytest.mark.parametrize("factor", [False, True])
async def test_an_old_password_opens_nothing_after_a_reset(
    house: House, stopping: Stopping, olga: Account, factor: bool
) -> None:
    if factor:
        await second_factor(house, olga)
    thief, held = house.shopper(), stopping.hold("given back", SIGN_IN_HERE)
    async with stopped(held, thief, "/account/sign-in", email=EMAIL, password=OLD) as answers:
        await reset(house)
    assert answers[0].location == "/account/sign-in"
    assert await open_sign_ins(house) == 0, "not even one that waits for a code"


async def test_a_code_ends_no_waiting_that_a_reset_has_ended(
    house: House, stopping: Stopping, olga: Account
) -> None:
    secret, thief = await second_factor(house, olga), house.shopper()
    assert (await sign_in(thief, EMAIL, OLD)).location == "/account/sign-in/code"
    held = stopping.hold("counted", CODE)
    code = pyotp.TOTP(secret).now()
    async with stopped(held, thief, "/account/sign-in/code", code=code) as answers:
        await reset(house)
    assert answers[0].location == "/account/sign-in"
    assert await open_sign_ins(house) == 0


async def test_a_second_factor_that_comes_meanwhile_is_asked_for(
    house: House, stopping: Stopping, olga: Account
) -> None:
    owner, thief = await entered(house), house.shopper()
    held = stopping.hold("given back", SIGN_IN_HERE)
    async with stopped(held, thief, "/account/sign-in", email=EMAIL, password=OLD) as answers:
        page = await owner.follow(await owner.post("/account/two-step", {"password": OLD}))
        secret = page.root.all("code")[0].text.replace(" ", "")
        done = await owner.post("/account/two-step/set-up", {"code": pyotp.TOTP(secret).now()})
        assert done.status == 200
    assert answers[0].location == "/account/sign-in"
    assert not await is_signed_in(thief)
    assert await is_signed_in(owner)
    assert (await sign_in(thief, EMAIL, OLD)).location == "/account/sign-in/code"


async def test_an_account_that_is_deleted_meanwhile_lets_nobody_in(
    house: House, stopping: Stopping, olga: Account
) -> None:
    owner, thief = await entered(house), house.shopper()
    held = stopping.hold("given back", SIGN_IN_HERE)
    async with stopped(held, thief, "/account/sign-in", email=EMAIL, password=OLD) as answers:
        assert (await owner.post("/account/delete", {"password": OLD})).location == "/"
    assert answers[0].location == "/account/sign-in"
    assert await open_sign_ins(house) == 0


@pytest.mark.parametrize(
    ("path", "typed", "factor"),
    [
        ("/account/password", {"new_password": "a thief's own lamp post"}, False),
        ("/account/email", {"email": EVIL}, False),
        ("/account/verify", {}, False),
        ("/account/delete", {}, False),
        ("/account/two-step", {}, False),
        ("/account/two-step/codes", {}, True),
        ("/account/two-step/off", {}, True),
    ],
)
async def test_whoever_is_signed_out_by_a_new_password_changes_nothing_with_the_old_one(
    house: House, stopping: Stopping, olga: Account, path: str, typed: dict[str, str], factor: bool
) -> None:
    owner, thief = await entered(house), await entered(house)
    if factor:
        await second_factor(house, olga)
    where = ("counted", MAIL_ADDRESS) if path == "/account/verify" else ("given back", PASSWORD)
    held = stopping.hold(*where)
    async with stopped(held, thief, path, password=OLD, **typed) as answers:
        await new_password(owner)
        async with house.database.reads() as session:
            before = await session.get_one(Account, olga.id)
    assert answers[0].location == "/account/sign-in"
    assert not await is_signed_in(thief)
    assert await is_signed_in(owner)
    async with house.database.reads() as session:
        after = await session.get_one(Account, olga.id)
        assert columns(after) == columns(before)
        assert (await session.scalars(select(MailedLink))).all() == []
        assert (await session.scalars(select(RecoveryCode))).all() == []


async def test_of_two_owners_who_leave_at_once_one_stays(house: House, olga: Account) -> None:
    async with house.database.writes() as session:
        await session.execute(update(Account).values(role=OWNER))
        other = await create_account(session, EVIL, HASH, verified=True, role=OWNER)
    owner, settings = await entered(house), house.shop.settings
    async with house.database.writes() as session:
        account = await locked(session, settings, other.id, owners=True)
        await delete_account(session, settings, account, owner.origin)
        leaving = asyncio.create_task(owner.post("/account/delete", {"password": OLD}))
        await house.until_waiting()
    assert (await leaving).status == 409
    assert await is_signed_in(owner)


async def test_of_two_new_passwords_at_once_from_one_sign_in_the_first_holds(
    house: House, stopping: Stopping, olga: Account
) -> None:
    owner = await entered(house)
    thief = house.same_shopper(owner)
    held = stopping.hold("given back", PASSWORD)
    typed = {"password": OLD, "new_password": "a thief's own lamp post"}
    async with stopped(held, thief, "/account/password", **typed) as answers:
        await new_password(owner)
    assert answers[0].location == "/account/sign-in"
    assert await open_sign_ins(house) == 1
    assert (await sign_in(house.shopper(), EMAIL, NEW)).location == "/account"
