"""storefront check: what it finds before a shopper does."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from storefront.cli.checks import Row, run_checks
from storefront.database import move_clock
from storefront.settings import Settings, WrongSettings, load_settings
from tests.faults.house import SECRET, House
from tests.faults.roads import nobody_there, served
from tests.faults.test_refunds import paid

LIVE = "sk_" + "live_" + "x" * 24
TEST = "sk_" + "test_" + "x" * 24


def found(rows: list[Row], words: str) -> bool | str | None:
    """How the one check that speaks of `words` ended; "absent" when there is none."""
    same = [passed for passed, text in rows if words in text]
    assert len(same) <= 1, rows
    return same[0] if same else "absent"


async def check(house: House, **settings: object) -> list[Row]:
    rows = await run_checks(house.shop.settings.model_copy(update=settings))
    text = "\n".join(text for _, text in rows)
    assert SECRET not in text
    assert "x" * 24 not in text
    return rows


async def test_a_sound_shop_passes(house: House) -> None:
    await paid(house)
    await house.shop.work("beat", "reconcile_now_and_then")
    async with served(house.stripe.sandbox.api) as base:
        rows = await check(house, stripe_api_base=base)
    assert not [text for passed, text in rows if passed is False]
    for words in (
        "STRIPE_SECRET_KEY is a test secret key",
        "STRIPE_WEBHOOK_SECRET is set",
        "Stripe answers",
        "this clock agrees",
        "a worker loop is alive",
        "was compared with Stripe",
        "the last webhook came",
        "the database is up to date",
    ):
        assert found(rows, words) is True, (words, rows)


async def test_folders_that_cannot_be_written_to(house: House, tmp_path: Path) -> None:
    nowhere = tmp_path / "file" / "folder"
    nowhere.parent.touch()
    rows = await check(house, outbox_dir=nowhere, media_dir=nowhere)
    assert found(rows, "no message goes out") is False
    # The shop may be served where pictures are only read.
    assert found(rows, "no picture can be added") is None
    rows = await check(house, outbox_dir=nowhere, smtp_url=SecretStr("smtp://127.0.0.1"))
    assert found(rows, "no message goes out") == "absent"


async def test_keys_that_do_not_go_together(house: House) -> None:
    away = nobody_there()
    live = await check(house, stripe_secret_key=SecretStr(LIVE), stripe_api_base=away)
    assert found(live, "would charge real cards") is False
    assert found(live, "STRIPE_API_BASE") is False
    assert found(live, "Stripe cannot be used: Unreachable") is False
    production = {"env": "production", "stripe_secret_key": SecretStr(TEST), "stripe_api_base": away}
    rows = await check(house, **production)
    assert found(rows, "takes no real money") is None
    assert found(rows, "SECRET_KEY is the development key") is False
    assert found(rows, "BASE_URL is not set") is False
    cut = await check(house, stripe_secret_key=SecretStr("sk_" + "test_1"), stripe_api_base=away)
    assert found(cut, "keys are: was it cut off") is None
    none = await check(house, stripe_webhook_secret=SecretStr(""), stripe_api_base=away)
    assert found(none, "every webhook is refused") is False
    listed = await check(house, webhook_allowed_ips=("203.0.113.0/24",), stripe_api_base=away)
    assert found(listed, "TRUSTED_PROXIES") is None


async def test_a_key_that_stripe_refuses_and_a_clock_that_is_off(house: House) -> None:
    async with served(house.stripe.sandbox.api) as base:
        rows = await check(house, stripe_secret_key=SecretStr(LIVE), stripe_api_base=base)
        assert found(rows, "Stripe refuses STRIPE_SECRET_KEY") is False
        house.pass_time(minutes=7)
        rows = await check(house, stripe_api_base=base)
        assert found(rows, "this clock is off") is False
        assert "+42" in next(text for _, text in rows if "this clock" in text)


async def test_what_went_wrong_with_webhooks_and_orders(house: House) -> None:
    bought = await paid(house)
    refund = (await house.stripe.do("refund", session=bought.session, amount=100))["refund"]
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()
    events = await house.stripe.events("checkout.session.completed")
    other_mode = {**events[0], "id": "evt_live", "livemode": True}
    other_version = {**events[0], "id": "evt_old", "api_version": "2019-01-01"}
    broken = {**events[0], "id": "evt_broken", "data": {"object": {"id": "cs_x"}}}
    await house.deliver(other_mode, other_version, broken)
    rows = await check(house, stripe_api_base=nobody_there())
    assert found(rows, "other mode: test and live are mixed") is False
    assert found(rows, "another API version") is None
    assert found(rows, "could not be handled") is None
    assert found(rows, "wait for a decision") is None
    assert found(rows, "no worker loop") is None
    assert found(rows, "never compared") is None


async def test_a_database_that_is_away(house: House, tmp_path: Path) -> None:
    url = "postgresql+asyncpg://nobody@127.0.0.1:9/none"
    rows = await check(house, database_url=SecretStr(url), stripe_api_base=nobody_there())
    assert found(rows, "does not answer") is False
    move_clock(house.ahead)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "pk_" + "test_" + "x" * 24),
        ("STRIPE_SECRET_KEY", "x" * 24),
        ("STRIPE_WEBHOOK_SECRET", "x" * 24),
        ("STRIPE_WEBHOOK_SECRET", SECRET + ",x"),
    ],
)
def test_a_key_of_another_form_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=name) as raised:
        load_settings()
    assert value not in str(raised.value)
