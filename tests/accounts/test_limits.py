"""How often somebody may try, alone and with others, in one process and in several."""

import asyncio
import contextlib
import json
import secrets
import shutil
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storefront.checkout.limits import PLACING_ADDRESS, PLACING_NETWORK
from storefront.settings import Settings
from storefront.web.errors import Refused
from storefront.web.limits import MOST_KEYS, Limits, LocalCounts, Rule, mailbox_of
from storefront.web.request import ShopRequest
from tests.accounts.people import NEW, PASSWORD, mailed, new_email, new_person, sign_in
from tests.accounts.test_two_step import half_way, set_up
from tests.conftest import missing
from tests.faults.house import House, from_network, use_up
from tests.lines import listening
from tests.shop import HTMX, Running, Shopper, free_port, running_shop, shopper_at
from tests.stripe_double import KEY, SECRET, StripeDouble
from tests.web.page import Answer

REDIS = "redis://127.0.0.1:6379/0"
HELP = "Start one on 127.0.0.1:6379."


# How long a test of this file takes on a slow machine, and windows that are longer.
LONGEST_TEST = 25
WINDOWS = (600, 900)


@pytest.fixture(autouse=True)
def whole_window() -> None:
    """Tries are counted in fixed windows: a test that would begin in the last moments of one waits for the next."""
    for seconds in WINDOWS:
        left = seconds - time.time() % seconds
        if left < LONGEST_TEST:
            time.sleep(left)


def settings(**given: str) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type, call-arg]


def asker() -> ShopRequest:
    return ShopRequest({"type": "http", "request_id": "r1"})  # type: ignore[typeddict-item]


async def wait_after_a_try(limits: Limits, rule: Rule, key: str) -> int:
    """One try under the rule; the seconds that it is asked to wait, 0 when it may go on."""
    try:
        await limits.meet(asker(), (rule, key))
    except Refused as refused:
        return int((refused.headers or {})["retry-after"])
    return 0


def redis_url() -> str:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", 6379)):
            missing("Redis", HELP)
    return REDIS


@pytest.fixture(scope="module", params=["alone", "redis"])
def limited(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    stripe: StripeDouble,
) -> Iterator[Running]:
    """A shop behind a proxy on this machine, so that tests can come from many networks; with and without Redis."""
    folder = tmp_path_factory.mktemp("limited")
    shutil.copy(sqlite_template, folder / "shop.db")
    settings = {
        "TRUSTED_PROXIES": "127.0.0.1",
        # Its keys in a Redis that others use too are its own.
        "SECRET_KEY": secrets.token_hex(20),
        "REDIS_URL": redis_url() if request.param == "redis" else "",
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": stripe.base,
    }
    with running_shop(folder, f"sqlite+aiosqlite:///{folder / 'shop.db'}", settings) as running:
        yield running


def network() -> dict[str, str]:
    """A neighbour that nobody else in these tests has."""
    a, b = secrets.randbelow(250) + 1, secrets.randbelow(250) + 1
    return {"x-forwarded-for": f"10.{secrets.randbelow(250) + 1}.{a}.{b}"}


@pytest.fixture
async def guest(limited: Running) -> AsyncIterator[Shopper]:
    async with shopper_at(limited.url) as made:
        yield made


def refused(answers: list[Answer]) -> list[Answer]:
    return [one for one in answers if one.status == 429]


def must_wait(answer: Answer, most: int) -> None:
    """A page that says so, and for how long."""
    assert 1 <= int(answer.headers["retry-after"]) <= most
    assert "often" in answer.words
    assert answer.headers["cache-control"] == "no-store"


async def test_a_burst_of_guesses_at_one_account_is_stopped_at_ten(limited: Running, guest: Shopper) -> None:
    person, here = await new_person(limited), network()
    guess = {"email": person.email, "password": "a wrong one"}
    answers = await asyncio.gather(*(guest.post("/account/sign-in", guess, **here) for _ in range(60)))
    assert len(refused(answers)) == 50
    assert {one.status for one in answers} == {422, 429}
    must_wait(refused(answers)[0], 900)
    right = {"email": person.email.upper(), "password": PASSWORD}
    assert (await guest.post("/account/sign-in", right, **here)).status == 429, "not even the right one"
    assert (await guest.post("/account/sign-in", right, **network())).status == 303, "elsewhere it goes on"


async def test_a_rule_that_refuses_keeps_the_others_from_counting() -> None:
    limits, narrow, wide = Limits(settings()), Rule("narrow", 2, 3600), Rule("wide", 3, 3600)
    for _ in range(10):
        with contextlib.suppress(Refused):
            await limits.meet(asker(), (narrow, "one"), (wide, "all"))
    await limits.meet(asker(), (narrow, "other"), (wide, "all"))
    for _ in range(10):
        with pytest.raises(Refused):
            await limits.meet(asker(), (narrow, "third"), (wide, "all"))
    assert [await wait_after_a_try(limits, narrow, "third") == 0 for _ in range(3)] == [True, True, False]


async def test_the_log_says_whose_limit_was_reached(limited: Running, guest: Shopper) -> None:
    here = network()
    guess = {"email": new_email(), "password": "a wrong one"}
    answers = [await guest.post("/account/sign-in", guess, **here) for _ in range(11)]
    identity = answers[-1].headers["x-request-id"]
    lines = [json.loads(line) for line in limited.log.read_text().splitlines() if line.startswith("{")]
    reached = [one for one in lines if one["event"] == "limit reached" and one["id"] == identity]
    assert [(one["rules"], one["route"]) for one in reached] == [(["sign-in-here"], "/account/sign-in")]


async def test_an_unknown_address_is_stopped_the_same(limited: Running, guest: Shopper) -> None:
    here = network()
    guess = {"email": new_email(), "password": "a wrong one"}
    answers = [await guest.post("/account/sign-in", guess, **here) for _ in range(12)]
    assert [one.status for one in answers] == [422] * 10 + [429] * 2


async def test_a_refusal_to_htmx_is_a_notice(limited: Running, guest: Shopper) -> None:
    email = {"email": new_email()}
    for _ in range(5):
        await guest.post("/account/reset", email, **network())
    answer = await guest.post("/account/reset", email, **network(), **HTMX)
    assert answer.status == 429
    assert answer.headers["hx-retarget"] == "#notice"
    assert "<html" not in answer.text
    must_wait(answer, 3600)


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_refused_sign_in_says_how_long_and_the_way_out(
    limited: Running, *, htmx: bool, known: bool
) -> None:
    """The same for an address that has no account, in the form itself, and of no earlier mistake."""
    email = (await new_person(limited)).email if known else new_email()
    here = network()
    async with shopper_at(limited.url, htmx=htmx) as shopper:
        for _ in range(10):
            await shopper.post("/account/sign-in", {"email": email, "password": "a wrong one"}, **here)
        right = {"email": email, "password": PASSWORD, "next": "/checkout"}
        answer = await shopper.post("/account/sign-in", right, **here)
    assert answer.status == 429
    must_wait(answer, 900)
    assert "hx-retarget" not in answer.headers
    form = answer.element("account-form")
    assert dict(answer.form("/account/sign-in").filled({}, None)) == {
        "email": email,
        "password": "",
        "next": "/checkout",
    }
    minutes = -(-int(answer.headers["retry-after"]) // 60)
    assert f"wait {minutes} minute" in form.text
    assert form.all("a", href="/account/reset")
    assert "is not right" not in answer.words


async def test_guesses_from_many_networks_at_one_account_are_stopped(
    limited: Running, guest: Shopper
) -> None:
    person = await new_person(limited)
    guess = {"email": person.email, "password": "a wrong one"}
    answers = await asyncio.gather(*(guest.post("/account/sign-in", guess, **network()) for _ in range(60)))
    assert len(refused(answers)) == 10


async def test_networks_of_one_site_do_not_keep_the_owner_out(limited: Running, guest: Shopper) -> None:
    person, site = await new_person(limited), f"2001:db8:{secrets.randbelow(65536):x}"
    guess = {"email": person.email, "password": "a wrong one"}
    lines = [{"x-forwarded-for": f"{site}:{n % 6:x}::{n + 1:x}"} for n in range(60)]
    answers = await asyncio.gather(*(guest.post("/account/sign-in", guess, **line) for line in lines))
    assert len(refused(answers)) == 40
    right = {"email": person.email, "password": PASSWORD}
    assert (await guest.post("/account/sign-in", right, **network())).status == 303


async def test_whoever_proves_the_mailbox_may_sign_in_after_others_mistakes(
    limited: Running, guest: Shopper
) -> None:
    person, here = await new_person(limited), network()
    guess = {"email": person.email, "password": "a wrong one"}
    await asyncio.gather(*(guest.post("/account/sign-in", guess, **here) for _ in range(10)))
    await asyncio.gather(*(guest.post("/account/sign-in", guess, **network()) for _ in range(50)))
    right = {"email": person.email, "password": NEW}
    for known in (here, network()):
        assert (await guest.post("/account/sign-in", right, **known)).status == 429
    await guest.post("/account/reset", {"email": person.email}, **here)
    path = await mailed(limited, person.email, "account-reset")
    assert (await guest.post(path, {"new_password": NEW}, **here)).status == 303
    for known in (here, network()):
        assert (await guest.post("/account/sign-in", right, **known)).status == 303


async def test_right_passwords_are_not_counted(limited: Running) -> None:
    person, here = await new_person(limited), network()
    async with shopper_at(limited.url) as shopper:
        for _ in range(15):
            data = {"email": person.email, "password": PASSWORD}
            assert (await shopper.post("/account/sign-in", data, **here)).status == 303


async def test_a_hundred_people_behind_one_address_sign_in_within_seconds(limited: Running) -> None:
    people = [await new_person(limited) for _ in range(100)]
    here = network()

    async def once(email: str) -> int:
        async with shopper_at(limited.url) as shopper:
            data = {"email": email, "password": PASSWORD}
            return (await shopper.post("/account/sign-in", data, **here)).status

    assert set(await asyncio.gather(*(once(one.email) for one in people))) == {303}


async def test_one_network_that_tries_many_accounts_is_stopped(limited: Running, guest: Shopper) -> None:
    here, statuses = network(), []
    for _ in range(16):
        tries = (
            guest.post("/account/sign-in", {"email": new_email(), "password": "a wrong one"}, **here)
            for _ in range(20)
        )
        statuses += [one.status for one in await asyncio.gather(*tries)]
    assert statuses.count(422) == 300
    assert statuses.count(429) == 20
    last = await guest.post("/account/sign-in", {"email": new_email(), "password": "a wrong one"}, **here)
    assert "from your network" in last.words
    assert not last.element("account-form").all("a", href="/account/reset"), "that would not help"


@pytest.mark.parametrize("path", ["/account/register", "/account/reset"])
async def test_one_address_is_sent_five_messages_an_hour(limited: Running, guest: Shopper, path: str) -> None:
    for email in ((await new_person(limited)).email, new_email()):
        tagged = email.replace("@", "+{}@")
        spelled = [email, email.upper(), email.title(), *(tagged.format(n) for n in range(9))]
        answers = await asyncio.gather(*(guest.post(path, {"email": one}, **network()) for one in spelled))
        assert len(refused(list(answers))) == 7
        must_wait(refused(list(answers))[0], 3600)


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("Anna+1@Example.org", "anna@example.org"),
        ("anna+a+b@example.org", "anna@example.org"),
        ("ａｎｎａ＋１@example.org", "anna@example.org"),
        ("+1@example.org", "+1@example.org"),
        ("anna@sub+domain.org", "anna@sub+domain.org"),
    ],
)
def test_what_counts_as_one_mailbox(email: str, mailbox: str) -> None:
    assert mailbox_of(email) == mailbox


async def test_one_network_cannot_have_messages_sent_to_everybody(limited: Running, guest: Shopper) -> None:
    here, statuses = network(), []
    for _ in range(16):
        tries = (guest.post("/account/register", {"email": new_email()}, **here) for _ in range(20))
        statuses += [one.status for one in await asyncio.gather(*tries)]
    assert statuses.count(303) == 300
    assert statuses.count(429) == 20


async def test_the_password_asked_for_once_more_cannot_be_guessed(limited: Running, guest: Shopper) -> None:
    person = await new_person(limited)
    await sign_in(guest, person.email)
    for path in ("/account/email", "/account/password", "/account/two-step", "/account/delete"):
        data = {"password": "a wrong one", "new_password": "seven other lamps", "email": new_email()}
        answers = [await guest.post(path, data) for _ in range(3)]
        assert {one.status for one in answers} <= {422, 429}
    answer = await guest.post("/account/delete", {"password": PASSWORD})
    assert answer.status == 429
    must_wait(answer, 900)
    minutes = -(-int(answer.headers["retry-after"]) // 60)
    assert f"wait {minutes} minute" in answer.words, "no moment, which would soon be over"


async def test_codes_of_the_second_factor_cannot_be_guessed(limited: Running, guest: Shopper) -> None:
    person = await new_person(limited)
    async with shopper_at(limited.url) as owner:
        await sign_in(owner, person.email)
        await set_up(limited, owner, person)
    await half_way(guest, person)
    tries = (guest.post("/account/sign-in/code", {"code": f"{n:06}"}) for n in range(14))
    answers = await asyncio.gather(*tries)
    assert len(refused(list(answers))) == 4
    must_wait(refused(list(answers))[0], 900)


async def test_orders_are_placed_twenty_times_from_one_cart(limited: Running, guest: Shopper) -> None:
    await guest.add(await limited.new_thing())
    page = await guest.get("/checkout")
    form = page.form("/checkout")
    statuses = []
    for n in range(22):
        typed = {"email": "not an address", "note": str(n)}
        statuses.append((await guest.post("/checkout", form.filled(typed, None))).status)
    assert set(statuses) == {422}, "a form with mistakes places nothing"
    answers = [await guest.order(note=str(n % 5)) for n in range(7)]
    assert {one.status for one in answers} == {303}
    statuses = [(await guest.order(note=f"{n}")).status for n in range(100, 118)]
    assert statuses.count(429) == 5
    again = [(await guest.order(note="117")).status for _ in range(3)]
    assert again == [429] * 3, "a refused form is refused however often it is sent"


async def test_another_cart_under_the_same_form_is_another_order(limited: Running, guest: Shopper) -> None:
    """The form says nothing of what is bought: things of one price make the same one."""
    statuses = []
    for _ in range(22):
        line = await guest.add(await limited.new_thing())
        statuses.append((await guest.order()).status)
        for form in (await guest.get("/cart")).root.all("form"):
            if form.attrs["action"].startswith("/cart/items/"):
                await guest.post(form.attrs["action"], {"quantity": "0"})
        assert line
    assert statuses == [303] * 20 + [429] * 2


async def test_orders_under_one_address_and_from_one_network_are_limited(house: House) -> None:
    async def order(email: str, shopper: Shopper) -> int:
        await shopper.add(thing)
        return (await shopper.order(email=email)).status

    thing = await house.thing(on_hand=20)
    await use_up(house, PLACING_ADDRESS, "anna@example.org", left=1)
    assert await order("anna@example.org", house.shopper()) == 303
    assert await order("Anna+2@Example.org", from_network(house, "198.51.100.7")) == 429
    assert await order("berta@example.org", house.shopper()) == 303
    await use_up(house, PLACING_NETWORK, "127.0.0.1", left=3)
    assert await order("carla@example.org", house.shopper()) == 303
    assert await order("dora@example.org", house.shopper()) == 429
    assert await order("dora@example.org", from_network(house, "198.51.100.7")) == 303


async def test_a_double_click_counts_once(limited: Running, guest: Shopper) -> None:
    await guest.add(await limited.new_thing())
    answers = await asyncio.gather(*(guest.order() for _ in range(10)))
    assert {one.status for one in answers} == {303}
    assert [(await guest.order()).status for _ in range(15)] == [303] * 15


async def test_a_payment_page_is_asked_for_thirty_times(limited: Running, guest: Shopper) -> None:
    await guest.add(await limited.new_thing())
    await guest.order()
    async with limited.database() as database, database.reads() as session:
        from sqlalchemy import select

        from storefront.orders.models import Order

        token = await session.scalar(select(Order.token).order_by(Order.id.desc()).limit(1))
    statuses = [(await guest.post(f"/orders/{token}/pay", {})).status for _ in range(32)]
    assert statuses == [303] * 30 + [429] * 2


async def test_links_of_orders_cannot_be_guessed(limited: Running, guest: Shopper) -> None:
    here = network()

    async def guess() -> int:
        return (await guest.get(f"/orders/{uuid.uuid4().hex}", **here)).status

    statuses = []
    for _ in range(16):
        statuses += await asyncio.gather(*(guess() for _ in range(20)))
    # A minute may end meanwhile.
    assert 404 in statuses
    assert statuses.count(429) >= 20 or time.time() % 60 < 30


async def test_refused_webhooks_count_by_network(limited: Running, guest: Shopper) -> None:
    async def forge(n: int) -> int:
        headers = {"x-forwarded-for": f"2001:db8:1:2::{n:x}", "content-type": "application/json"}
        return (await guest.client.post("/webhooks/stripe", content=b"{}", headers=headers)).status_code

    statuses: list[int] = []
    # A minute may end meanwhile.
    for begin in range(1, 661, 20):
        statuses += await asyncio.gather(*(forge(n) for n in range(begin, begin + 20)))
    assert set(statuses) == {400, 429}


async def test_processes_share_their_counts_through_redis() -> None:
    url = redis_url()
    same = settings(REDIS_URL=url, SECRET_KEY=secrets.token_hex(20))
    one, other = Limits(same), Limits(same)
    rule, wide = Rule("test", 10, 3600), Rule("wide", 11, 3600)
    waits = await asyncio.gather(
        *(wait_after_a_try(limits, rule, "anna@example.org") for limits in (one, other) * 10)
    )
    assert sum(wait == 0 for wait in waits) == 10
    assert all(0 < wait <= 3600 for wait in waits if wait)
    await other.give_back(rule, "anna@example.org")
    assert await wait_after_a_try(one, rule, "berta@example.org") == 0
    assert await wait_after_a_try(other, rule, "anna@example.org") == 0, "one was given back"
    tries = (
        limits.meet(asker(), (rule, "anna@example.org"), (wide, "everybody")) for limits in (one, other) * 10
    )
    problems = await asyncio.gather(*tries, return_exceptions=True)
    assert {getattr(problem, "status", None) for problem in problems} == {429}
    waits = [await wait_after_a_try(one, wide, "everybody") for _ in range(12)]
    assert [wait == 0 for wait in waits] == [True] * 11 + [False], "what another rule refused is not counted"
    await one.give_back(rule, "nobody@example.org")
    waits = [await wait_after_a_try(one, rule, "nobody@example.org") for _ in range(11)]
    assert [wait == 0 for wait in waits] == [True] * 10 + [False], (
        "nothing is given back that was not counted"
    )
    await one.close()
    await other.close()


async def test_what_lies_in_redis_names_nobody_and_ends() -> None:
    from redis.asyncio import Redis

    url = redis_url()
    own = settings(REDIS_URL=url, SECRET_KEY=secrets.token_hex(20))
    limits, name = Limits(own), f"test-{uuid.uuid4().hex}"
    await wait_after_a_try(limits, Rule(name, 5, 60), "anna@example.org")
    await limits.close()
    client = Redis.from_url(url)
    keys = [key async for key in client.scan_iter(f"storefront:{name}:*")]
    assert len(keys) == 1
    assert b"anna" not in keys[0]
    assert 0 < await client.ttl(keys[0]) <= 60
    await client.aclose()


@pytest.mark.parametrize("kind", ["nobody there", "silent", "no redis"])
async def test_without_an_answer_from_redis_the_shop_counts_by_itself(kind: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if kind == "no redis":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        else:
            await reader.read(-1)

    rule = Rule("test", 3, 3600)
    started = time.monotonic()
    async with listening(speak) as port:
        where = free_port() if kind == "nobody there" else port
        limits = Limits(settings(REDIS_URL=f"redis://127.0.0.1:{where}/0"))
        with capture_logs() as log:
            waits = [await wait_after_a_try(limits, rule, "anna@example.org") for _ in range(5)]
        await limits.close()
    assert [wait == 0 for wait in waits] == [True, True, True, False, False]
    assert time.monotonic() - started < 8
    assert limits.away
    assert any("redis does not answer" in one["event"] for one in log)


async def test_counts_end_with_their_window() -> None:
    limits = Limits(settings())
    rule = Rule("test", 1, 1)
    while await wait_after_a_try(limits, rule, "k") == 0:
        pass
    wait = await wait_after_a_try(limits, rule, "k")
    assert wait == 1
    await asyncio.sleep(1.05)
    assert await wait_after_a_try(limits, rule, "k") == 0


async def test_memory_for_counts_is_bounded() -> None:
    counts = LocalCounts()
    for n in range(2 * MOST_KEYS):
        counts.add(str(n), 0)
        assert len(counts) <= MOST_KEYS
    assert counts.of(str(2 * MOST_KEYS - 1), 0) == 1, "the newest is known"


async def test_what_comes_anew_does_not_flush_what_was_tried_often() -> None:
    limits, rule, other = Limits(settings()), Rule("test", 3, 86400), Rule("other", 3, 86400)
    for _ in range(3):
        await wait_after_a_try(limits, rule, "guessed")
    for n in range(2 * MOST_KEYS):
        await wait_after_a_try(limits, rule, str(n))
        await wait_after_a_try(limits, other, str(n))
    assert await wait_after_a_try(limits, rule, "guessed") > 0


async def test_a_refused_try_adds_nothing() -> None:
    counts = LocalCounts()
    for n in range(100):
        assert counts.of(str(n), 0) == 0
        counts.take_back(str(n), 0)
    assert len(counts) == 0


async def test_windows_that_are_over_make_room_first() -> None:
    counts = LocalCounts()
    for n in range(MOST_KEYS - 1):
        for _ in range(3):
            counts.add(str(n), 1)
    counts.add("new", 2)
    counts.add("newer", 2)
    assert (counts.of("new", 2), counts.of("newer", 2), len(counts)) == (1, 1, 2)
