"""storefront promotions: what the owner types, beside a running shop."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.forks import storefront
from tests.promotions.codes import enter, sums
from tests.shop import Running, shopper_at


def name() -> str:
    """A code of this test alone."""
    return f"T{uuid.uuid4().hex[:8].upper()}"


def run(shop: Running, *words: str) -> tuple[int, str]:
    done = storefront("promotions", *words, environment=shop.environment)
    return done.returncode, (done.stdout + done.stderr).strip()


async def test_a_code_is_given_out_used_and_ended(shop: Running) -> None:
    code = name()
    assert run(shop, "offer", code.lower(), "--amount", "4.90", "--from", "20", "--most", "3") == (
        0,
        f"{code}  $4.90 off, from $20.00, 0 of 3 orders",
    )
    async with shopper_at(shop.url) as shopper:
        await shopper.add(await shop.new_thing(price=1500), 2)
        assert sums(await enter(shopper, code))["Discount"] == "-$4.90"
        assert (await shopper.order()).status == 303
    assert f"{code}  $4.90 off, from $20.00, 1 of 3 orders" in run(shop, "list")[1].splitlines()
    status, said = run(shop, "end", code)
    assert (status, "ended" in said, "1 of 3 orders" in said) == (0, True, True)
    assert run(shop, "end", code) == (status, said), "it ended when it ended"
    async with shopper_at(shop.url) as shopper:
        await shopper.add(await shop.new_thing(price=1500), 2)
        assert (await shopper.post("/cart/promotion", {"code": code})).status == 422


async def test_its_last_day_is_a_whole_one(shop: Running) -> None:
    today = datetime.now(UTC).date()
    status, said = run(shop, "offer", name(), "--percent", "10", "--until", f"{today}")
    assert (status, f"until {today + timedelta(days=1)} 00:00 UTC" in said) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what comes off"),
        (("--percent", "10", "--amount", "5"), "say what comes off"),
        (("--percent", "0"), "no whole number from 1 to 100"),
        (("--percent", "101"), "no whole number from 1 to 100"),
        (("--percent", "½"), "no whole number"),
        (("--amount", "0"), "more than nothing"),
        (("--amount", "-3"), "no amount in USD"),
        (("--amount", "3.005"), "no amount in USD"),
        (("--amount", "1e3"), "no amount in USD"),
        (("--percent", "10", "--from", "much"), "no amount in USD"),
        (("--percent", "10", "--most", "0"), "no whole number from 1"),
        (("--percent", "10", "--until", "2020-01-01"), "over already"),
        (("--percent", "10", "--until", "soon"), "soon"),
    ],
)
async def test_what_is_no_offer_is_refused_in_one_line(
    shop: Running, words: tuple[str, ...], said: str
) -> None:
    code = name()
    status, line = run(shop, "offer", code, *words)
    assert status != 0
    assert said in line
    assert "\n" not in line
    assert code not in run(shop, "list")[1]


async def test_a_code_is_given_out_once(shop: Running) -> None:
    code = name()
    assert run(shop, "offer", code, "--percent", "10")[0] == 0
    assert "there is a code" in run(shop, "offer", code, "--percent", "20")[1]
    assert "is no code" in run(shop, "offer", "a b", "--percent", "20")[1]
    assert run(shop, "end", "NOBODYS")[1].endswith("there is no code NOBODYS")
