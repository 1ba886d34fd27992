"""Webhooks as the post brings them: twice, at once, late, in any order, for nobody we know."""

import asyncio
import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from storefront.checkout.limits import UNKNOWN_RETURN
from storefront.database import now
from storefront.orders.models import AWAITING, PAID, PENDING
from storefront.payments import inbox
from storefront.payments.controllers import REFUSED_A_MINUTE
from storefront.payments.handlers import HANDLERS, PAYMENT_HANDLERS
from storefront.payments.inbox import MOST_TRIES, replay, retry_after, retry_due
from storefront.payments.signature import BadSignature, verified_event
from storefront.sandbox.deliveries import signed
from tests.conftest import missing
from tests.faults.house import SECRET, House, Obj
from tests.payments.stripe_objects import SHARED

VECTORS = SHARED / "webhook-vectors.json"


async def test_the_same_event_three_times_counts_once(house: House) -> None:
    thing = await house.thing()
    bought = await house.buy(thing, quantity=2)
    await house.stripe.do("pay", session=bought.session)
    completed = await house.stripe.events("checkout.session.completed")
    assert await house.deliver(*completed * 3) == [200] * 3
    assert await house.state(bought.order) == PAID
    assert await house.stock(thing) == (3, 0)
    await house.check()


async def test_the_same_event_at_once_at_two_processes_counts_once(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    completed = await house.stripe.events("checkout.session.completed")
    at = [house.shop, house.another()]
    assert await house.deliver_at_once(*completed * 6, processes=at) == [200] * 6
    assert await house.state(bought.order) == PAID
    assert len(await house.messages("order-paid")) == 1
    await house.check()


async def test_two_event_ids_for_one_payment_count_once(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    again = {**completed, "id": "evt_theOtherId"}
    assert await house.deliver(completed, again) == [200, 200]
    assert await house.deliver_at_once({**completed, "id": "evt_third"}, {**completed, "id": "evt_4th"}) == [
        200,
        200,
    ]
    assert (await house.story(bought.order)).count("paid") == 1
    await house.check()


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
async def test_everything_in_another_order_ends_the_same(house: House, order: str) -> None:
    """A decline, a payment, a dispute that is won, and a partial refund, all delivered after the fact."""
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("decline", session=bought.session)
    await house.stripe.do("pay", session=bought.session)
    disputed = await house.stripe.do("dispute", session=bought.session)
    await house.stripe.do("answer_dispute", dispute=disputed["dispute"]["id"])
    await house.stripe.do("win_dispute", dispute=disputed["dispute"]["id"])
    await house.stripe.do("refund", session=bought.session, amount=400)
    await house.deliver_new(order=order)
    await house.shop.work("retry_events")
    found = await house.order(bought.order)
    assert (found.state, found.refunded_amount, found.attention) == (PAID, 400, "")
    await house.check()


async def test_webhook_and_return_page_at_the_same_moment(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    other = house.another()
    (completed,) = await house.stripe.events("checkout.session.completed")
    results = await asyncio.gather(
        house.deliver(completed), house.come_back(bought, other), house.come_back(bought)
    )
    assert results[0] == [200]
    assert [page.status for page in results[1:]] == [303, 303]
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_the_webhook_arrives_before_the_answer_about_its_session_is_stored(house: House) -> None:
    """The shopper cannot have paid yet, but a Stripe that answers late and a quick reconciler look just so."""
    thing = await house.thing()
    shopper = house.shopper()
    await shopper.add(thing)
    answer_of_stripe = house.stripe.hold("POST /v1/checkout/sessions", "after")
    ordering = asyncio.create_task(shopper.order())
    await answer_of_stripe.reached()
    sessions = await house.stripe.objects("checkout.session")
    await house.stripe.do("pay", session=sessions[0]["id"])
    await house.deliver_new()
    answer_of_stripe.let_on()
    (order,) = await house.orders()
    assert order.state == PAID
    answer = await ordering
    assert answer.location == f"/orders/{order.token}"
    (attempt,) = await house.attempts(order.id)
    assert (attempt.state, attempt.session_id) == ("complete", sessions[0]["id"])
    await house.check()


async def test_unknown_types_are_acknowledged_and_counted(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    unknown = [one for one in await house.stripe.events() if one["type"] not in HANDLERS]
    assert unknown
    assert set(await house.deliver(*unknown)) == {200}
    assert {one.state for one in (await house.inbox()).values()} == {"ignored"}
    assert await house.state(bought.order) == PENDING


async def test_an_order_that_is_not_ours_is_kept_and_acknowledged(house: House) -> None:
    for kind in PAYMENT_HANDLERS:
        event = {**_foreign(kind), "id": f"evt_{kind}"}
        assert await house.deliver_at_once(event, event) == [200, 200]
        assert await house.deliver(event) == [200]
    inbox = await house.inbox()
    assert len(inbox) == len(PAYMENT_HANDLERS)
    assert {one.state for one in inbox.values()} == {"foreign"}


async def test_an_event_of_the_other_mode_is_kept_alerted_and_never_settled(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    completed["livemode"] = completed["data"]["object"]["livemode"] = True
    assert await house.deliver(completed, {**completed, "id": "evt_second"}) == [200, 200]
    assert await house.state(bought.order) == PENDING
    assert {one.state for one in (await house.inbox()).values()} == {"mismatch"}
    (told,) = await house.messages("owner-event")
    assert "mode" in told.data["reason"]


async def test_an_event_of_another_api_version_is_read_anew_with_ours(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    completed["api_version"] = "2019-01-01"
    completed["data"]["object"] = {"id": bought.session, "object": "checkout.session"}
    assert await house.deliver(completed) == [200]
    assert house.stripe.asked(f"GET /v1/checkout/sessions/{bought.session}") == 1
    assert await house.state(bought.order) == PAID
    assert (await house.inbox())[completed["id"]].api_version == "2019-01-01"
    await house.check()


async def test_an_event_with_an_id_that_is_none_does_not_wait_for_stripe(house: House) -> None:
    event = _foreign("charge.refunded")
    event["data"]["object"]["payment_intent"] = 12
    calls = house.stripe.asked("GET /v1")
    assert await house.deliver(event) == [200]
    row = (await house.inbox())[event["id"]]
    assert (row.state, row.tries, row.error) == ("failed", 1, "TypeError")
    assert house.stripe.asked("GET /v1") == calls


async def test_an_event_that_cannot_be_handled_is_tried_ten_times_and_then_the_owner_is_told(
    house: House,
) -> None:
    event = _foreign("checkout.session.completed")
    del event["data"]["object"]["payment_status"]
    assert await house.deliver(event) == [200]
    waits = []
    for _ in range(MOST_TRIES - 1):
        row = (await house.inbox())[event["id"]]
        assert row.state == "failed"
        assert row.next_try_at is not None
        waits.append(row.next_try_at - now())
        house.pass_time(seconds=waits[-1].total_seconds() + 1)
        await house.shop.work("retry_events")
    row = (await house.inbox())[event["id"]]
    assert (row.state, row.tries, row.next_try_at) == ("given_up", MOST_TRIES, None)
    assert waits == sorted(waits)
    assert timedelta(minutes=10) < waits[-1] < timedelta(hours=1, minutes=15)
    house.pass_time(days=1)
    await house.shop.work("retry_events")
    assert len(await house.messages("owner-event")) == 1
    await house.check()


async def test_an_event_at_which_the_process_dies_is_given_up_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = _foreign("checkout.session.completed")
    del event["data"]["object"]["payment_status"]
    await house.deliver(event)

    async def dies(*_given: Any, **_more: Any) -> str:
        raise KeyboardInterrupt  # what no handler catches

    monkeypatch.setattr(inbox, "receive", dies)
    deaths = 0
    for _ in range(MOST_TRIES + 3):
        house.pass_time(hours=1)
        try:
            await retry_due(house.database, house.shop.gateway, house.shop.settings)
        except KeyboardInterrupt:
            deaths += 1
    row = (await house.inbox())[event["id"]]
    assert (row.state, row.tries, row.next_try_at, deaths) == ("given_up", MOST_TRIES, None, MOST_TRIES - 1)
    assert len(await house.messages("owner-event")) == 1


async def test_a_replay_keeps_when_an_event_was_settled_first(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    (completed,) = await house.stripe.events("checkout.session.completed")
    first = (await house.inbox())[completed["id"]].settled_at
    house.pass_time(days=3)
    await replay(house.database, house.shop.gateway, house.shop.settings, completed["id"])
    again = (await house.inbox())[completed["id"]]
    assert (again.state, again.settled_at) == ("handled", first)


def test_stripe_lists_the_events_of_all_our_types_in_one_go() -> None:
    """At most 20 types (docs.stripe.com/api/events/list); with more it would list nothing."""
    assert len(HANDLERS) <= 20


def test_pauses_between_tries_grow_and_are_spread() -> None:
    first, last = {retry_after(1) for _ in range(20)}, {retry_after(9) for _ in range(20)}
    assert len(first) > 1
    assert timedelta(seconds=2) < min(first) <= max(first) < timedelta(seconds=10)
    assert max(last) <= timedelta(hours=1, minutes=15)


async def test_a_repeat_from_stripe_tries_a_failed_event_again_at_once(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.fault("GET /v1/checkout/sessions/*", "500", times=2)
    (completed,) = await house.stripe.events("checkout.session.completed")
    assert await house.deliver(completed) == [200]
    assert (await house.inbox())[completed["id"]].state == "failed"
    await house.deliver(completed)
    assert (await house.inbox())[completed["id"]].state == "handled"
    assert await house.state(bought.order) == "awaiting"
    await house.check()


async def test_an_event_that_is_being_handled_is_nobody_elses_for_a_minute(house: House) -> None:
    """Stripe is slow to tell the first worker what it needs; a second one passes."""
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.fault("GET /v1/checkout/sessions/*", "500", times=2)
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.deliver(completed)
    house.pass_time(minutes=1)
    other = house.another()
    slow = house.stripe.hold("GET /v1/checkout/sessions")
    first = asyncio.create_task(retry_due(house.database, house.shop.gateway, house.shop.settings))
    await slow.reached()
    for seconds in (0, 55):
        house.pass_time(seconds=seconds)
        assert await retry_due(other.database, other.gateway, other.settings) == 0
    slow.let_on()
    assert await first == 1
    assert (await house.inbox())[completed["id"]].state == "handled"
    assert await house.state(bought.order) == AWAITING
    await house.check()


async def test_replaying_an_event_of_any_state_does_nothing_twice(house: House) -> None:
    thing = await house.thing()
    bought = await house.buy(thing)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    foreign = _foreign("checkout.session.expired")
    await house.deliver(foreign)
    before = {key: one.state for key, one in (await house.inbox()).items()}
    assert set(before.values()) == {"handled", "ignored", "foreign"}
    for event_id, state in before.items():
        assert await replay(house.database, house.shop.gateway, house.shop.settings, event_id) == state
    assert {key: one.state for key, one in (await house.inbox()).items()} == before
    house.pass_time(hours=2)
    await house.shop.work("retry_events")
    assert await house.stock(thing) == (4, 0)
    await house.check()


async def test_the_time_from_stripe_to_us_is_recorded(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.deliver(completed)
    row = (await house.inbox())[completed["id"]]
    assert row.settled_at is not None
    assert int(row.created_at.timestamp()) == completed["created"]
    assert timedelta(0) <= row.settled_at - row.created_at < timedelta(minutes=1)


# What nobody signed, and what should never have been signed ---------------------------------------------------


def _vectors() -> list[Any]:
    if not VECTORS.exists():
        return [pytest.param({}, id="absent")]
    return [pytest.param(one, id=one["name"]) for one in json.loads(VECTORS.read_text())["vectors"]]


@pytest.mark.parametrize("vector", _vectors())
def test_every_signature_vector_gets_its_answer(vector: Obj) -> None:
    if not vector:
        missing("Stripe's signature vectors", f"They belong into {VECTORS}.")
    body = base64.b64decode(vector["body_b64"])
    names = {name.lower(): value for name, value in vector["headers"].items()}
    header = names.get("stripe-signature")

    def verify() -> Obj:
        return verified_event(body, header, vector["secrets"], vector["at"])

    if vector["expect"] == 200:
        assert verify()["id"]
    else:
        with pytest.raises(BadSignature):
            verify()


HOSTILE = {
    "not UTF-8": b"\xff\xfe{}",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "no JSON": b"{",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep and closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "no event": b'{"id": "evt_1"}',
    "no object": b'{"id": "evt_1", "type": "x", "data": {"object": 1}, "livemode": false, "created": 1}',
    "a type that is a number": b'{"id": "evt_1", "type": 1, "data": {"object": {}}, "livemode": false, "created": 1}',
    "not a number": b'{"id": "evt_1", "type": "x", "data": {"object": {}}, "livemode": false, "created": NaN}',
    "a moment beyond time": b'{"id": "evt_1", "type": "x", "data": {"object": {}}, "livemode": false, "created": 1e99}',
    "a number for a year that never comes": b'{"id": "e", "type": "x", "data": {"object": {}}, "livemode": false,'
    b' "created": 99999999999999999}',
}


async def test_huge_and_hostile_bodies_are_refused_and_not_stored(house: House) -> None:
    """Signed or not: what is no event is a 400, and what is too large is not read."""
    for name, body in HOSTILE.items():
        assert (await house.shop.post(body)).status_code == 400, name
        assert (await house.shop.post(body, {})).status_code == 400, name
    huge = b'{"id": "' + b"x" * 1_100_000 + b'"}'
    assert (await house.shop.post(huge)).status_code == 413
    assert await house.inbox() == {}


async def test_letters_that_a_database_cannot_keep_do_not_stop_an_event(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    (completed,) = await house.stripe.events("checkout.session.completed")
    completed["data"]["object"]["customer_details"]["name"] = "NAME"
    for number, text in enumerate(["\\u0000", "\\ud83d", "\\\\u0000", "\U0001f9fc"]):
        body = json.dumps({**completed, "id": f"evt_{number}"}).replace("NAME", f"Anna {text}").encode()
        assert (await house.shop.post(body)).status_code == 200
        assert (await house.inbox())[f"evt_{number}"].state == "handled"
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_a_clock_that_is_off_by_more_than_five_minutes_refuses(house: House) -> None:
    body = json.dumps(_foreign("checkout.session.completed")).encode()
    for age in (-310, -290, 290, 310):
        answer = await house.shop.post(body, signed(body, SECRET, int(time.time()) - age))
        assert answer.status_code == (200 if abs(age) < 300 else 400)


@pytest.mark.parametrize(
    "old", ["t=+{old}", "t= {old}", " t={old}", "t={old}=", "t=000000000000{old}", "t={old}"]
)
@pytest.mark.parametrize("swapped", [False, True])
async def test_an_old_delivery_is_not_made_new_by_a_second_time_in_its_header(
    house: House, old: str, swapped: bool
) -> None:
    at = int(time.time())
    body = json.dumps(_foreign("checkout.session.completed")).encode()
    (value,) = [
        text for name, text in signed(body, SECRET, at - 30 * 86400).items() if "signature" in name.lower()
    ]
    signature = value.partition(",")[2]
    times = [old.format(old=at - 30 * 86400), f"t={at}"]
    header = ",".join([*(reversed(times) if swapped else times), signature])
    assert (await house.shop.post(body, {"stripe-signature": header})).status_code == 400
    assert await house.inbox() == {}


async def test_refused_deliveries_are_limited_and_never_lock_stripe_out(house: House) -> None:
    """Behind a proxy everybody may look like one address: an attacker must not use up Stripe's deliveries."""
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    answers = [await house.shop.post(b"{}", {"stripe-signature": "t=1,v1=0"}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {400}
    for _ in range(0, REFUSED_A_MINUTE, 20):
        posts = [house.shop.post(b"{}", {"stripe-signature": "t=1,v1=0"}) for _ in range(20)]
        answers = await asyncio.gather(*posts)
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    await house.deliver_new()
    assert await house.state(bought.order) == PAID


async def test_only_listed_addresses_may_post_and_only_configured_proxies_are_believed(house: House) -> None:
    event = json.dumps(_foreign("checkout.session.completed")).encode()
    headers = signed(event, SECRET, int(time.time()))
    stripes = {"WEBHOOK_ALLOWED_IPS": "203.0.113.0/24"}
    settings = house.shop.settings
    listed = type(settings).model_validate({**_as_given(settings), **stripes})
    closed = house.another(**listed.model_dump())
    assert (await closed.post(event, headers)).status_code == 403
    forged = {**headers, "x-forwarded-for": "203.0.113.7"}
    assert (await closed.post(event, forged)).status_code == 403
    behind = type(settings).model_validate({**_as_given(settings), **stripes, "TRUSTED_PROXIES": "127.0.0.1"})
    proxied = house.another(**behind.model_dump())
    assert (await proxied.post(event, forged)).status_code == 200
    spoofed = {**headers, "x-forwarded-for": "203.0.113.7, 198.51.100.9"}
    assert (await proxied.post(event, spoofed)).status_code == 403


async def test_an_ipv4_address_in_ipv6_clothes_is_itself(house: House) -> None:
    event = json.dumps(_foreign("checkout.session.completed")).encode()
    headers = signed(event, SECRET, int(time.time()))
    given = {**_as_given(house.shop.settings), "WEBHOOK_ALLOWED_IPS": "203.0.113.0/24"}
    given["TRUSTED_PROXIES"] = "127.0.0.1"
    behind = house.another(**type(house.shop.settings).model_validate(given).model_dump())
    for client, status in (("::ffff:203.0.113.7", 200), ("::ffff:198.51.100.9", 403), ("2001:db8::1", 403)):
        answer = await behind.post(event, {**headers, "x-forwarded-for": client})
        assert answer.status_code == status, client


async def test_who_comes_back_from_unknown_pages_has_stripe_asked_so_often(house: House) -> None:
    bought = await house.buy(await house.thing())
    shopper = house.shopper()
    before = house.stripe.asked("GET /v1/checkout/sessions/")
    answers = [(await shopper.get(f"/checkout/return?session_id=cs_test_{n}")).status for n in range(70)]
    assert answers[0] == 404
    assert set(answers) == {404, 429}
    assert house.stripe.asked("GET /v1/checkout/sessions/") - before <= 2 * UNKNOWN_RETURN.most
    assert (await house.come_back(bought)).status == 303


def _as_given(settings: Any) -> Obj:
    """The settings by the names of their environment variables."""
    fields = type(settings).model_fields
    return {str(field.alias): getattr(settings, name) for name, field in fields.items()}


def _foreign(kind: str) -> Obj:
    """An event about something of another shop on the same Stripe account."""
    bodies: dict[str, Obj] = {
        "checkout": {
            "id": "cs_test_foreign",
            "object": "checkout.session",
            "amount_total": 100,
            "currency": "usd",
            "livemode": False,
            "payment_status": "paid",
            "status": "complete",
            "payment_intent": "pi_foreign",
            "client_reference_id": "somebody-else",
            "metadata": {},
        },
        "payment_intent": {"id": "pi_foreign", "object": "payment_intent", "metadata": {}},
        "charge": {
            "id": "ch_foreign",
            "object": "charge",
            "payment_intent": "pi_foreign",
            "amount_refunded": 100,
            "metadata": {},
        },
        "refund": {
            "id": "re_foreign",
            "object": "refund",
            "payment_intent": "pi_foreign",
            "amount": 100,
            "currency": "usd",
            "status": "succeeded",
            "metadata": {},
        },
        "dispute": {
            "id": "du_foreign",
            "object": "dispute",
            "payment_intent": "pi_foreign",
            "amount": 100,
            "currency": "usd",
            "status": "lost",
            "reason": "fraudulent",
            "metadata": {},
        },
    }
    what = "dispute" if ".dispute." in kind else kind.partition(".")[0]
    return {
        "id": "evt_foreign",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "type": kind,
        "data": {"object": bodies[what]},
    }
