"""Faults on API calls, before and after the call took effect, in process and over a real connection."""

import asyncio
import time
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import KEY, Served, order
from tests.sandbox.test_api_rules import GOOD, SESSIONS
from tests.shop import NO_TLS

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


async def made(client: stripe.StripeClient) -> int:
    """How many sessions there are."""
    return len((await client.v1.checkout.sessions.list_async()).data)


async def fault(browser: httpx.AsyncClient, kind: str, when: str, **more: Any) -> None:
    wanted = {"match": "POST /v1/checkout/sessions", "kind": kind, "when": when} | more
    assert (await browser.post("/sandbox/faults", json=wanted)).status_code == 201


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["503", "429", "reset", "cut"])
async def test_a_call_that_went_wrong_can_be_repeated_with_its_key(
    client: stripe.StripeClient, browser: httpx.AsyncClient, kind: str, when: str
) -> None:
    await fault(browser, kind, when)
    with pytest.raises(stripe.StripeError) as trouble:
        await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "k"})
    if kind in ("503", "429"):
        assert trouble.value.http_status == int(kind)
    assert await made(client) == (1 if when == "after" else 0)
    again = await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "k"})
    assert again.status == "open"
    assert await made(client) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_500_is_saved_under_its_key(
    client: stripe.StripeClient, browser: httpx.AsyncClient, when: str
) -> None:
    await fault(browser, "500", when)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as trouble:
            await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "k"})
        assert trouble.value.http_status == 500
    assert trouble.value.headers is not None
    assert trouble.value.headers["idempotent-replayed"] == "true"
    assert await made(client) == (1 if when == "after" else 0)
    await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "new"})


async def test_a_fault_hits_as_often_as_ordered(
    client: stripe.StripeClient, browser: httpx.AsyncClient
) -> None:
    await fault(browser, "reset", "after", times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIConnectionError):
            await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "k"})
    await client.v1.checkout.sessions.create_async(order(), {"idempotency_key": "k"})
    assert await made(client) == 1
    assert (await browser.get("/sandbox/faults")).json() == {"faults": []}


async def test_the_sdk_gets_over_a_reset_by_itself(
    client: stripe.StripeClient, browser: httpx.AsyncClient
) -> None:
    await fault(browser, "reset", "after")
    await client.v1.checkout.sessions.create_async(order(), {"max_network_retries": 1})
    assert await made(client) == 1


async def test_a_second_request_with_the_key_of_a_slow_one_conflicts(
    raw: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await fault(browser, "delay", "before", seconds=0.3)
    headers = {"Idempotency-Key": "slow"}
    slow = asyncio.create_task(raw.post(SESSIONS, data=GOOD, headers=headers))
    await asyncio.sleep(0.1)
    meanwhile = await raw.post(SESSIONS, data=GOOD, headers=headers)
    assert meanwhile.status_code == 409
    assert meanwhile.json()["error"]["code"] == "idempotency_key_in_use"
    assert (await slow).status_code == 200
    assert (await raw.post(SESSIONS, data=GOOD, headers=headers)).json() == (await slow).json()


async def test_what_was_received_happens_though_nobody_waits(
    client: stripe.StripeClient, browser: httpx.AsyncClient
) -> None:
    await fault(browser, "delay", "before", seconds=0.2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.v1.checkout.sessions.create_async(order())
    assert await made(client) == 0
    await asyncio.sleep(0.3)
    assert await made(client) == 1


@pytest.mark.parametrize("kind", ["hang", "timeout"])
async def test_no_answer_comes(client: stripe.StripeClient, browser: httpx.AsyncClient, kind: str) -> None:
    await fault(browser, kind, "after", seconds=0.1)
    began = time.perf_counter()
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.checkout.sessions.create_async(order())
    assert time.perf_counter() - began >= 0.1
    assert await made(client) == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "match is"),
        ({"match": "POST /v1/refunds", "kind": "explode"}, "kind is one of"),
        ({"match": "webhook *", "kind": "reset"}, "kind is one of duplicate"),
        ({"match": "POST /v1/refunds", "kind": "500", "when": "never"}, "before or after"),
        ({"match": "POST /v1/refunds", "kind": "500", "times": "many"}, "times is a number"),
        ({"match": "POST /v1/refunds", "kind": "500", "often": 2}, "Unknown field: often"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    browser: httpx.AsyncClient, wanted: dict[str, Any], said: str
) -> None:
    answer = await browser.post("/sandbox/faults", json=wanted)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "cut", "hang"])
async def test_over_a_connection_it_really_breaks(served: Served, kind: str, when: str) -> None:
    async with httpx.AsyncClient(
        base_url=served.url, headers=AUTHORIZED, trust_env=False, verify=NO_TLS
    ) as raw:
        before = len((await raw.get(SESSIONS, params={"limit": 100})).json()["data"])
        wanted = {"match": "POST /v1/checkout/sessions", "kind": kind, "when": when, "seconds": 0.1}
        await raw.post("/sandbox/faults", json=wanted)
        with pytest.raises(httpx.TransportError):
            await raw.post(SESSIONS, data=GOOD)
        after = len((await raw.get(SESSIONS, params={"limit": 100})).json()["data"])
    assert after - before == (1 if when == "after" else 0)


async def test_the_client_that_gives_up_ends_the_hanging(served: Served) -> None:
    async with httpx.AsyncClient(
        base_url=served.url, headers=AUTHORIZED, trust_env=False, verify=NO_TLS
    ) as raw:
        await raw.post("/sandbox/faults", json={"match": "GET /v1/balance", "kind": "timeout"})
        with pytest.raises(httpx.ReadTimeout):
            await raw.get("/v1/balance", timeout=0.2)
        assert (await raw.get("/v1/balance")).status_code == 200
