"""Who may see what staff see."""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx
import pyotp
import pytest
from sqlalchemy import update

from storefront.accounts.models import Account
from storefront.cli import main
from storefront.orders.models import Order
from tests.accounts.people import (
    PASSWORD,
    account,
    is_signed_in,
    link_in,
    messages,
    new_email,
    new_person,
    sign_in,
    signed_in,
    told,
)
from tests.accounts.test_two_step import set_up
from tests.conftest import in_thread
from tests.shop import NO_TLS, Running, Shopper, running_shop, token_of
from tests.stripe_double import KEY, SECRET, StripeDouble
from tests.web.page import Answer

HOST = "shop.example"


async def test_a_stranger_is_sent_to_sign_in(shop: Running, shopper: Shopper) -> None:
    answer = await shopper.get("/admin")
    assert (answer.status, answer.location) == (303, "/account/sign-in?next=/admin")


async def test_whoever_has_no_right_is_refused(shop: Running) -> None:
    shopper_only = await new_person(shop)
    elsewhere = await new_person(shop, role="staff", rights=["catalogue", "refunds", "settings"])
    # Rights without the role are nothing.
    demoted = await new_person(shop, role="shopper", rights=["orders"])
    for person in (shopper_only, elsewhere, demoted):
        async with signed_in(shop, person) as browser:
            answer = await browser.get("/admin")
            assert answer.status == 403
            assert "staff" in answer.words
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("role", "rights"), [("owner", []), ("staff", ["orders"])])
async def test_staff_see_what_waits_for_them_and_what_is_new(
    shop: Running, shopper: Shopper, stripe: StripeDouble, role: str, rights: list[str]
) -> None:
    await shopper.add(await shop.new_thing())
    token = token_of(stripe.session_at((await shopper.order()).location)["cancel_url"])
    order = await shop.order(token)
    await shop.change(update(Order).where(Order.token == token).values(attention="the amounts differ"))
    person = await new_person(shop, role=role, rights=rights)
    async with signed_in(shop, person) as browser:
        page = await browser.get("/admin")
        assert page.status == 200
        assert page.words.count(order.number) == 2
        assert "the amounts differ" in page.words
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex"
        assert page.root.all("meta", name="robots")
        assert page.root.all("form", action="/account/sign-out")
        assert (await browser.get("/account")).root.all("a", href="/admin")
    await shop.change(update(Order).where(Order.token == token).values(attention=""))


async def test_a_right_that_is_taken_away_is_gone_at_once(shop: Running) -> None:
    person = await new_person(shop, role="owner")
    await new_person(shop, role="owner")
    async with signed_in(shop, person) as browser:
        assert (await browser.get("/admin")).status == 200
        assert storefront(shop, "create-admin", person.email, "--role", "shopper").code == 0
        assert (await browser.get("/admin")).status == 403


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def noted(self) -> tuple[str, int | None]:
        """What it wrote into the log: what was done, to which account."""
        line = json.loads(self.err)
        assert line["event"] == "access"
        assert line["timestamp"]
        return line["what"], line["account"]

    @property
    def refused_in_one_line(self) -> bool:
        return self.code != 0 and self.out == "" and len(self.err.strip().splitlines()) == 1


def storefront(shop: Running, *words: str, typed: str = "") -> Ran:
    """The storefront command beside the shop, without a process of its own: they take long to start."""
    return in_thread(_run, shop.database_url, words, typed)


def _run(url: str, words: tuple[str, ...], typed: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {"DATABASE_URL": url}),
        mock.patch.object(sys, "argv", ["storefront", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(typed)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


async def test_the_first_owner_comes_from_the_command_line(shop: Running, shopper: Shopper) -> None:
    email = new_email()
    for weak in ("short\n", "password123\n", "x" * 129 + "\n"):
        assert storefront(shop, "create-admin", email, typed=weak).refused_in_one_line
    assert await account(shop, email) is None
    made = storefront(shop, "create-admin", email, typed=f"{PASSWORD}\n")
    assert (made.code, made.out) == (0, f"{email} created: owner\n")
    found = await account(shop, email)
    assert found is not None
    assert made.noted == ("role given", found.id)
    assert json.loads(made.err)["role"] == "owner"
    assert email not in made.err
    assert (await sign_in(shopper, email)).status == 303
    assert (await shopper.get("/admin")).status == 200
    assert "not confirmed" in (await shopper.get("/account")).words


async def test_the_command_line_gives_roles_to_accounts_that_are_there(shop: Running) -> None:
    person = await new_person(shop)
    rights = ["--right", "refunds", "--right", "orders", "--right", "orders"]
    made = storefront(shop, "create-admin", person.email.upper(), "--role", "staff", *rights)
    assert made.out.endswith("changed: staff with orders, refunds\n")
    found = await account(shop, person.email)
    assert found is not None
    assert (found.role, found.rights) == ("staff", ["orders", "refunds"])
    assert made.noted == ("role given", person.id)
    line = json.loads(made.err)
    assert (line["role"], line["rights"]) == ("staff", "orders, refunds")
    for wrong in (["--role", "staff"], ["--right", "orders"], ["--role", "king"], ["--right", "all"]):
        assert storefront(shop, "create-admin", person.email, *wrong).refused_in_one_line
    assert storefront(shop, "create-admin", "nonsense").refused_in_one_line


async def test_the_command_line_keeps_the_last_owner(shop: Running) -> None:
    await shop.change(update(Account).where(Account.role == "owner").values(role="shopper"))
    owner = await new_person(shop, role="owner")
    for other in (["--role", "shopper"], ["--role", "staff", "--right", "orders"]):
        ran = storefront(shop, "create-admin", owner.email, *other)
        assert ran.refused_in_one_line
        assert "only owner" in ran.err
    await new_person(shop, role="owner")
    assert storefront(shop, "create-admin", owner.email, "--role", "shopper").code == 0


async def test_the_command_line_signs_people_out(shop: Running) -> None:
    one, other = await new_person(shop), await new_person(shop)
    async with signed_in(shop, one) as first, signed_in(shop, other) as second:
        for shopper in (first, second):
            await shopper.add(await shop.new_thing())
        ended = storefront(shop, "sign-out", one.email)
        assert (ended.code, ended.noted) == (0, ("every sign-in ended", one.id))
        assert not await is_signed_in(first)
        assert await in_cart(first) == 0, "shut out of the cart too"
        assert await is_signed_in(second)
        ended = storefront(shop, "sign-out", "--everybody")
        assert (ended.code, ended.noted) == (0, ("everybody signed out", None))
        assert not await is_signed_in(second)
        assert await in_cart(second) == 0
    for person in (one, other):
        async with signed_in(shop, person) as again:
            assert await in_cart(again) == 1, "the cart is the account's as before"
    for wrong in ([], [one.email, "--everybody"], [new_email()]):
        assert storefront(shop, "sign-out", *wrong).refused_in_one_line


async def in_cart(shopper: Shopper) -> int:
    return int((await shopper.get("/api/cart/count")).response.json()["count"])


async def test_the_command_line_takes_a_lost_second_step_off(shop: Running, shopper: Shopper) -> None:
    person, other = await new_person(shop), await new_person(shop)
    async with signed_in(shop, person) as owner:
        await set_up(shop, owner, person)
        done = storefront(shop, "two-step-off", person.email.upper())
        assert (done.code, done.noted) == (0, ("second factor off", person.id))
        assert not await is_signed_in(owner)
    assert (await sign_in(shopper, person.email)).location == "/account"
    assert "0 of your" not in (await shopper.get("/account/two-step")).words
    assert await told(shop, person.email) == ["second-on", "second-lost"]
    for wrong in (other.email, new_email(), "nonsense"):
        assert storefront(shop, "two-step-off", wrong).refused_in_one_line


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, stripe: StripeDouble
) -> Iterator[Running]:
    """A shop as it runs for real, behind https that somebody else ends."""
    folder = tmp_path_factory.mktemp("production")
    path = folder / "shop.db"
    shutil.copy(sqlite_template, path)
    settings = {
        "STOREFRONT_ENV": "production",
        "BASE_URL": f"https://{HOST}",
        "SECRET_KEY": "s" * 40,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": stripe.base,
    }
    with running_shop(folder, f"sqlite+aiosqlite:///{path}", settings) as running:
        yield running


class Https:
    """A browser at the shop in production: secure cookies, which no client sends over http, are carried by hand."""

    def __init__(self, shop: Running) -> None:
        self.shop = shop
        self.jar: dict[str, str] = {}
        self.flags: dict[str, set[str]] = {}

    async def ask(self, method: str, path: str, data: dict[str, str] | None = None) -> Answer:
        headers = {"host": HOST, "origin": f"https://{HOST}", "sec-fetch-site": "same-origin"}
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        async with httpx.AsyncClient(base_url=self.shop.url, trust_env=False, verify=NO_TLS) as client:
            answer = Answer(await client.request(method, path, data=data, headers=headers))
        for line in answer.headers.get_list("set-cookie"):
            pair, *flags = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            self.flags[name] = {flag.lower() for flag in flags}
            self.jar[name] = value
        return answer

    async def post(self, path: str, **data: str) -> Answer:
        return await self.ask("POST", path, data)


async def test_in_production_the_cookie_is_bound_to_https_and_to_the_host(production: Running) -> None:
    person = await new_person(production)
    browser = Https(production)
    assert (await browser.post("/account/sign-in", email=person.email, password=PASSWORD)).status == 303
    assert "session" not in browser.jar
    for name in ("__Host-session", "__Host-cart"):
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= browser.flags[name]
        assert not any(flag.startswith("domain") for flag in browser.flags[name])
    assert (await browser.ask("GET", "/account")).status == 200
    await browser.post("/account/sign-out")
    assert browser.jar["__Host-session"] == ""
    assert "secure" in browser.flags["__Host-session"]


async def test_in_production_staff_need_the_second_factor(production: Running) -> None:
    person = await new_person(production, role="owner")
    browser = Https(production)
    await browser.post("/account/sign-in", email=person.email, password=PASSWORD)
    assert (await browser.ask("GET", "/admin")).location == "/account/two-step"
    await browser.post("/account/two-step", password=PASSWORD)
    page = await browser.ask("GET", "/account/two-step/set-up")
    secret = page.root.all("code")[0].text.replace(" ", "")
    code = pyotp.TOTP(secret).now()
    assert (await browser.post("/account/two-step/set-up", code=code)).status == 200
    assert (await browser.ask("GET", "/admin")).status == 200
    await browser.post("/account/two-step/off", password=PASSWORD)
    assert (await browser.ask("GET", "/admin")).location == "/account/two-step"


async def test_in_production_a_shopper_without_the_right_is_refused_first(production: Running) -> None:
    person = await new_person(production)
    browser = Https(production)
    await browser.post("/account/sign-in", email=person.email, password=PASSWORD)
    assert (await browser.ask("GET", "/admin")).status == 403


async def test_links_in_messages_lead_to_the_public_address(production: Running) -> None:
    person = await new_person(production)
    await Https(production).post("/account/reset", email=person.email)
    left = await messages(production, person.email)
    assert link_in(production, left[0]).startswith(f"https://{HOST}/account/reset/")
