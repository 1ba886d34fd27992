"""Stripe is slow, away, broken, overrun, or acts and then fails. Nothing is charged twice and no page hangs."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import stripe as sdk
from pydantic import SecretStr

from storefront import worker
from storefront.checkout import again, controllers
from storefront.orders.models import AWAITING, CANCELLED, PAID, PENDING, Order
from storefront.orders.queries import lock_order
from storefront.payments import breaker as breakers
from storefront.payments import errors, gateway, patience
from storefront.payments.errors import PaymentProblem
from storefront.payments.gateway import Gateway, as_problem
from storefront.payments.handlers import HANDLERS, on_refund
from storefront.payments.inbox import try_all_again
from storefront.payments.patience import answer_within, time_left
from storefront.payments.refund import ask_for_refund
from tests.faults.house import House, Process
from tests.faults.roads import nobody_there, served
from tests.shop import Shopper
from tests.web.page import Answer

# Stripe's SDK gives httpx a form as text, which httpx would rather be given under another name.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")
KINDS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, PaymentProblem) and one is not PaymentProblem
]
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging Stripe is given up sooner, so that the test is over sooner."""
    monkeypatch.setattr(gateway, "EACH_TRY", 0.6)


@pytest.fixture
async def over_http(house: House, quick: None) -> AsyncIterator[Process]:
    """A process that reaches Stripe over real connections."""
    async with served(house.stripe.sandbox.api) as base:
        yield house.another(stripe_api_base=base)


async def fill_cart(house: House, process: Process | None = None) -> Shopper:
    shopper = house.shopper(process)
    await shopper.add(await house.thing())
    return shopper


def says_unavailable(answer: Answer) -> None:
    """The page of the contract: unavailable, nothing charged, the cart kept."""
    assert answer.status == 503, answer
    for words in ("unavailable", "Nothing was charged", "your cart is kept"):
        assert words in answer.words


def does_not_know(answer: Answer, order: Order) -> None:
    """It may have been paid: nothing is claimed about that, and the order is one click away."""
    assert answer.status == 503, answer
    for words in ("could not find out", order.number, "cart is kept", "do not pay again"):
        assert words in answer.words
    assert "Nothing was charged" not in answer.words
    assert f"/orders/{order.token}" in answer.text


# Kinds of failures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_failure_has_a_sentence_of_its_own(kind: type[PaymentProblem]) -> None:
    same = {one for one in KINDS if one.sentence == kind.sentence}
    # To the shopper these are one: a kind and another that is made from it.
    pairs = (
        {errors.InvalidRequest, errors.NotThere},
        {errors.UnknownOutcome, errors.StillUnderWay},
        {errors.StoredFailure, errors.ReplayedFailure},
    )
    assert same == {kind} or same in pairs
    for words in ("unavailable", "othing was charged", "your cart is kept"):
        assert words in kind.sentence


def test_what_stripes_sdk_raises_becomes_one_of_a_few_kinds() -> None:
    expected = {
        errors.Misconfigured: [sdk.AuthenticationError("no"), sdk.PermissionError("no")],
        errors.RateLimited: [sdk.RateLimitError("slow")],
        errors.InvalidRequest: [sdk.InvalidRequestError("no", "param"), sdk.IdempotencyError("no")],
        errors.NotThere: [sdk.InvalidRequestError("no", "param", code="resource_missing")],
        errors.StoredFailure: [sdk.APIError("no", http_status=500), sdk.APIError("no", http_status=503)],
        errors.ReplayedFailure: [
            sdk.APIError("no", http_status=500, headers={"Idempotent-Replayed": "true"})
        ],
        errors.UnknownOutcome: [
            sdk.APIError("half a body", http_status=200),
            sdk.APIConnectionError("reset"),
            TimeoutError(),
            ValueError("something else"),
        ],
        errors.StillUnderWay: [sdk.APIError("in use", http_status=409)],
        errors.Declined: [sdk.CardError("declined", "param", "card_declined")],
    }
    for kind, raised in expected.items():
        assert [type(as_problem(one)) for one in raised] == [kind] * len(raised)


@pytest.mark.parametrize("where", ["refused", "DNS"])
async def test_stripe_cannot_be_reached(house: House, where: str) -> None:
    base = nobody_there() if where == "refused" else "http://stripe.invalid"
    shopper = await fill_cart(house, house.another(stripe_api_base=base))
    answer = await shopper.order()
    says_unavailable(answer)
    assert "cannot be reached" in answer.words
    (order,) = await house.orders()
    assert order.state == PENDING
    (told,) = await house.messages("finish-order")
    assert f"/orders/{order.token}" in told.data["url"]
    for path in ("/", "/products", "/cart", f"/orders/{order.token}"):
        assert (await shopper.get(path)).status == 200
    assert "anna.larsson@example.org" in (await shopper.get("/checkout")).text
    # Stripe is back: the link in the message leads to its page, and ordering again finds the same order.
    finished = await house.placed(shopper, await house.shopper().post(f"/orders/{order.token}/pay", {}))
    assert finished.order == order.id
    await house.check()


async def test_a_5xx_before_the_call_took_effect(house: House) -> None:
    for number, kind in enumerate(("500", "503"), 1):
        shopper = await fill_cart(house)
        await house.stripe.fault("POST /v1/checkout/sessions", kind, times=2)
        says_unavailable(await shopper.order())
        bought = await house.placed(shopper, await shopper.order())
        assert len(await house.orders()) == number
        assert await house.state(bought.order) == PENDING
    await house.check()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_answer_that_is_lost_on_a_real_connection(
    house: House, over_http: Process, when: str
) -> None:
    """Whether Stripe acted is unknown: the same is asked again with the stored key, and there is one page."""
    for number, kind in enumerate(("reset", "cut", "hang"), 1):
        await _lost_answer(house, over_http, kind, when, number)
    await house.check()


async def _lost_answer(house: House, process: Process, kind: str, when: str, number: int) -> None:
    shopper = await fill_cart(house, process)
    await house.stripe.fault("POST /v1/checkout/sessions", kind, when, times=2, seconds=1)
    answer = await shopper.order()
    says_unavailable(answer)
    assert "did not open in time" in answer.words
    order = (await house.orders())[-1]
    assert [one.state for one in await house.attempts(order.id)] == ["asking"]
    bought = await house.placed(shopper, await shopper.order())
    assert len(await house.attempts(order.id)) == 1
    assert len(await house.stripe.objects("checkout.session")) == number
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(order.id) == PAID


async def test_a_single_lost_answer_is_not_even_noticed(house: House, over_http: Process) -> None:
    for number, kind in enumerate(("reset", "cut", "hang"), 1):
        shopper = await fill_cart(house, over_http)
        await house.stripe.fault("POST /v1/checkout/sessions", kind, "after", seconds=1)
        await house.placed(shopper, await shopper.order())
        assert len(await house.stripe.objects("checkout.session")) == number


async def test_an_unknown_outcome_is_settled_even_if_nobody_asks_again(house: House) -> None:
    """The page exists at Stripe and nobody was given its address: when its time is over, the goods are free."""
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", "after", times=2)
    says_unavailable(await shopper.order())
    (order,) = await house.orders()
    await house.pass_time_everywhere(minutes=46)
    await house.shop.work("release_holds")
    assert await house.state(order.id) == CANCELLED
    assert await house.stock(thing) == (1, 0)
    await house.deliver_new()
    await house.check()


async def test_an_attempt_whose_id_was_never_learnt_ends_with_the_hold_without_stripe(house: House) -> None:
    thing = await house.thing(on_hand=1)
    shopper = house.shopper()
    await shopper.add(thing)
    await house.stripe.fault("* *", "reset", times=None)
    says_unavailable(await shopper.order())
    (order,) = await house.orders()
    house.pass_time(minutes=50)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (PENDING, (1, 1))
    house.pass_time(minutes=6)
    await house.shop.work("release_holds")
    assert (await house.state(order.id), await house.stock(thing)) == (CANCELLED, (1, 0))


# Time -----------------------------------------------------------------------------------------------------------


@one_database
async def test_no_page_takes_more_than_ten_seconds_whatever_stripe_does(house: House) -> None:
    """A Stripe that takes every request and never answers. Each page at a process of its own, so that no circuit
    breaker helps; the longest ways (closing, reading, asking) are among them."""
    bought = [await house.buy(await house.thing()) for _ in range(4)]
    tokens = [(await house.order(one.order)).token for one in bought]
    new = await fill_cart(house, house.another())
    other = await house.thing()
    replacing = house.same_shopper(bought[0].shopper, house.another())
    await replacing.add(other)
    unknown = await fill_cart(house)
    await house.stripe.fault("POST /v1/checkout/sessions", "reset", times=2)
    says_unavailable(await unknown.order())
    await unknown.add(other)
    replacing_unknown = house.same_shopper(unknown, house.another())
    await house.stripe.fault("* *", "timeout", times=None)

    async def timed(page: object) -> tuple[float, Answer]:
        started = time.monotonic()
        answer = await page  # type: ignore[misc]
        return time.monotonic() - started, answer

    def at(number: int) -> Shopper:
        return house.same_shopper(bought[number].shopper, house.another())

    pages = {
        "placing": new.order(),
        "replacing": replacing.order(),
        "replacing what is unknown": replacing_unknown.order(),
        "paying again": at(1).post(f"/orders/{tokens[1]}/pay", {}),
        "cancelling": at(2).post(f"/orders/{tokens[2]}/cancel", {}),
        "coming back": house.come_back(bought[3], house.another()),
        "the order page": at(3).get(f"/orders/{tokens[3]}"),
        "the form": new.get("/checkout"),
        "a product": new.get("/products"),
    }
    results = dict(zip(pages, await asyncio.gather(*(timed(page) for page in pages.values())), strict=True))
    slow = {name: round(seconds, 1) for name, (seconds, _) in results.items() if seconds > 10}
    assert not slow
    statuses = {name: answer.status for name, (_, answer) in results.items()}
    expected = {"placing": 503, "replacing": 503, "replacing what is unknown": 503, "paying again": 303}
    expected |= {
        "cancelling": 503,
        "coming back": 303,
        "the order page": 200,
        "the form": 200,
        "a product": 200,
    }
    assert statuses == expected
    await house.stripe.heal()
    await house.check()


async def test_a_page_of_several_slow_calls_is_within_its_ten_seconds_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is Stripe back? Then the old page is closed, then a new one asked for; each first try hangs, each second one is
    answered late. All limits are half of what they are."""
    for name in ("EACH_TRY", "ALL_TRIES", "SHORTEST_TRY"):
        monkeypatch.setattr(gateway, name, getattr(gateway, name) / 2)
    monkeypatch.setattr(controllers, "FOR_A_PAGE", patience.FOR_A_PAGE / 2)
    monkeypatch.setattr(breakers, "ONE_CALL_EVERY", 0.0)
    bought = await house.buy(await house.thing())
    process = house.another()
    shopper = house.same_shopper(bought.shopper, process)
    await shopper.add(await house.thing())
    page = await shopper.get("/checkout")
    for _ in range(breakers.FAILURES):
        process.gateway.breaker.failed()
    tries = itertools.count()

    async def slow(_call: str) -> None:
        await asyncio.sleep(1.2 if next(tries) % 2 else 60)

    house.stripe.before = slow
    started = time.monotonic()
    answer = await shopper.submit(page, "/checkout", email="anna@example.org", name="Anna")
    # What the page needs for itself is not half of what it was.
    assert time.monotonic() - started < patience.FOR_A_PAGE / 2 + (10 - patience.FOR_A_PAGE)
    assert next(tries) > 2
    does_not_know(answer, await house.order(bought.order))
    house.stripe.before = None
    assert await house.state(bought.order) == PENDING
    await house.check()


async def test_a_page_that_is_looked_at_does_not_wait_for_a_slow_stripe(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = await house.buy(await house.thing())
    monkeypatch.setattr(again, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(again, "FOR_A_LOOK", 0.4)
    await house.page(bought.order)
    await house.stripe.fault("GET /v1/checkout/sessions/*", "hang", seconds=20)
    started = time.monotonic()
    assert (await house.page(bought.order)).status_of_order == PENDING
    assert time.monotonic() - started < 2
    assert not house.shop.gateway.breaker.tripped
    await house.stripe.do("pay", session=bought.session)
    assert (await house.page(bought.order)).status_of_order == PAID
    await house.check()


async def test_calls_share_the_time_of_their_page() -> None:
    with answer_within(5):
        assert 4 < time_left(9) <= 5
        with answer_within(60):
            assert time_left(9) <= 5
        with answer_within(1):
            assert time_left(9) <= 1
    assert time_left(9) == 9


async def test_with_no_time_left_stripe_is_not_asked(house: House) -> None:
    with answer_within(0), pytest.raises(errors.Unreachable):
        await house.shop.gateway.ping()
    assert house.stripe.calls == []
    assert not house.shop.gateway.breaker.tripped


# Slowing down ---------------------------------------------------------------------------------------------------


def _pauses_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the gateway wants to wait, which it then does not. It alone: others in this process sleep too."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(gateway, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    return pauses


async def test_a_429_is_asked_again_after_growing_pauses(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = _pauses_of_the_gateway(monkeypatch)
    await house.stripe.fault("GET /v1/balance", "429", times=2)
    await house.shop.gateway.ping()
    assert house.stripe.asked("GET /v1/balance") == 3
    first, second = [pause for pause in pauses if pause]
    assert 0.2 <= first <= 0.6 <= second <= 1.8
    assert not house.shop.gateway.breaker.tripped


async def test_pauses_after_a_429_are_spread_and_never_too_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that processes that were slowed down together do not come back together."""
    pauses = _pauses_of_the_gateway(monkeypatch)
    for _ in range(15):
        await house.stripe.fault("GET /v1/balance", "429", times=2)
        await house.shop.gateway.ping()
    waited = [pause for pause in pauses if pause]
    assert len(waited) == 30
    for these, planned in zip((waited[::2], waited[1::2]), gateway.PAUSES_WHEN_SLOWED, strict=True):
        assert planned / 2 <= min(these) < max(these) <= planned * 1.5
        assert max(these) - min(these) > planned / 10


async def test_a_stripe_that_stays_overrun_is_left_alone_for_longer_and_longer(house: House) -> None:
    shopper = await fill_cart(house)
    await house.stripe.fault("POST /v1/checkout/sessions", "429", times=3)
    answer = await shopper.order()
    says_unavailable(answer)
    assert "very many people" in answer.words
    (order,) = await house.orders()
    bought = await house.placed(shopper, await shopper.order())
    assert len(await house.attempts(order.id)) == 1
    assert bought.order == order.id
    await house.check()


def test_the_workers_jobs_back_off_with_jitter() -> None:
    rounds = [[worker.pause_after(5, failures) for _ in range(30)] for failures in range(8)]
    assert all(max(one) - min(one) > 0.5 for one in rounds)
    assert 4 <= min(rounds[0]) <= max(rounds[0]) <= 6
    assert min(rounds[3]) > max(rounds[1])
    assert max(rounds[7]) <= 72
    assert worker.pause_after(600, 5) <= 720


# The circuit breaker --------------------------------------------------------------------------------------------


async def trip(house: House, process: Process | None = None) -> None:
    process = process or house.shop
    await house.stripe.fault("* *", "503", times=None)
    for _ in range(breakers.FAILURES):
        with pytest.raises(PaymentProblem):
            await process.gateway.ping()
    assert process.gateway.breaker.tripped


async def test_with_the_circuit_open_the_checkout_says_so_at_once_and_places_nothing(house: House) -> None:
    shopper = await fill_cart(house)
    page = await shopper.get("/checkout")
    typed = {"email": "anna.larsson@example.org", "name": "Anna Larsson"}
    await trip(house)
    before = len(house.stripe.calls)
    answer = await shopper.submit(page, "/checkout", **typed)
    says_unavailable(answer)
    assert answer.headers["retry-after"]
    assert await house.orders() == []
    says_unavailable(await shopper.get("/checkout"))
    assert len(house.stripe.calls) == before
    await house.stripe.heal()
    house.shop.gateway.breaker.worked()
    assert "anna.larsson@example.org" in (await shopper.get("/checkout")).text


def test_while_the_circuit_is_open_one_call_every_ten_seconds_is_let_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(breakers, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    breaker = breakers.Breaker()
    for _ in range(5):
        assert breaker.lets_through()
        assert not breaker.tripped
        breaker.failed()
    assert breaker.tripped
    let_through = []
    for second in range(1, 61):
        clock[0] += 1
        let_through += [second for _ in range(3) if breaker.lets_through()]
        if second % 10 == 0:
            assert breaker.open
            breaker.failed()
    assert let_through == [10, 20, 30, 40, 50, 60]
    clock[0] += 10
    assert not breaker.open
    assert breaker.lets_through()
    breaker.worked()
    assert not breaker.tripped
    assert all(breaker.lets_through() for _ in range(3))


async def test_when_ten_seconds_are_over_one_call_finds_out_before_anything_is_placed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the SDK's own pause before it repeats a call, as the real ten seconds are.
    monkeypatch.setattr(breakers, "ONE_CALL_EVERY", 1.5)
    shoppers = [await fill_cart(house) for _ in range(4)]
    pages = [await one.get("/checkout") for one in shoppers]
    typed = {"email": "anna.larsson@example.org", "name": "Anna Larsson"}

    async def order_all() -> list[int]:
        orders = (one.submit(page, "/checkout", **typed) for one, page in zip(shoppers, pages, strict=True))
        return sorted(answer.status for answer in await asyncio.gather(*orders))

    await trip(house)
    before = len(house.stripe.calls)
    await asyncio.sleep(1.51)
    assert await order_all() == [503] * 4
    # One call, and the SDK's own repeat of it.
    assert len(house.stripe.calls) - before == 2
    assert await house.orders() == []
    await house.stripe.heal()
    await asyncio.sleep(1.51)
    assert 303 in await order_all()
    assert not house.shop.gateway.breaker.tripped
    assert await order_all() == [303] * 4
    await house.check()


async def test_what_failed_meanwhile_is_settled_as_soon_as_stripe_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long Stripe was away: neither an event nor a refund waits for its turn, and none is given up."""
    monkeypatch.setattr(breakers, "ONE_CALL_EVERY", 0.0)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await trip(house)
    (completed,) = await house.stripe.events("checkout.session.completed")
    assert await house.deliver(completed) == [200]
    for _ in range(12):
        house.pass_time(minutes=30)
        await house.shop.work("retry_events")
    row = (await house.inbox())[completed["id"]]
    assert (row.state, row.tries) == ("failed", 0)
    await house.stripe.heal()
    await house.shop.work("ask_whether_stripe_is_back")
    await house.shop.work("retry_events")
    assert await house.state(bought.order) == AWAITING
    await house.check()


async def test_stripe_is_back_while_the_event_of_a_refund_is_settled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever settles holds the refund and then wants the event: hurrying both must not wait the other way round."""
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    async with house.database.writes() as session:
        order = await lock_order(session, Order.id == bought.order)
        assert order is not None
        await ask_for_refund(session, order, 600)
    await house.stripe.fault("POST /v1/refunds", "reset", "after", times=2)
    await house.shop.work("refund")
    (created,) = await house.stripe.events("refund.created")
    await house.stripe.fault("GET /v1/*", "503", times=9)
    await house.deliver(created)
    assert (await house.inbox())[created["id"]].state == "failed"
    await house.stripe.heal()
    house.shop.gateway.breaker.worked()
    settled = asyncio.Event()

    async def slowly(*given: Any) -> Any:
        apply = await on_refund(*given)

        async def applied(session: Any) -> Any:
            done = await apply(session)
            settled.set()
            await asyncio.sleep(0.5)
            return done

        return applied

    monkeypatch.setitem(HANDLERS, "refund.created", slowly)
    delivery = asyncio.create_task(house.deliver(created))
    await settled.wait()
    await try_all_again(house.another().database)
    assert await delivery == [200]
    row = (await house.inbox())[created["id"]]
    assert (row.state, row.error) == ("handled", "")
    await house.check()


async def test_what_no_webhook_told_is_settled_as_soon_as_stripe_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its webhooks were lost too while Stripe was away: nobody waits five minutes for the next comparison."""
    monkeypatch.setattr(breakers, "ONE_CALL_EVERY", 0.0)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await trip(house)
    await house.shop.work("ask_whether_stripe_is_back")
    assert await house.state(bought.order) == PENDING
    await house.stripe.heal()
    await house.shop.work("ask_whether_stripe_is_back")
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_events_and_refunds_are_tried_again_as_soon_as_stripe_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that no comparison takes up: a refund of ours, and news of the catalogue."""
    monkeypatch.setattr(breakers, "ONE_CALL_EVERY", 0.0)
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    async with house.database.writes() as session:
        order = await lock_order(session, Order.id == bought.order)
        assert order is not None
        await ask_for_refund(session, order, 600)
    (event,) = await house.stripe.events("checkout.session.completed")
    product = {"id": "prod_gone", "object": "product"}
    event |= {"id": "evt_product", "type": "product.updated", "data": {"object": product}}
    await trip(house)
    for _ in range(9):
        house.pass_time(seconds=400)
        await house.shop.work("refund")
    await house.deliver(event)
    await house.stripe.heal()
    await house.shop.work("retry_events", "refund")
    assert (await house.inbox())["evt_product"].state == "failed"
    assert [one.state for one in await house.refunds(bought.order)] == ["wanted"]
    await house.shop.work("ask_whether_stripe_is_back")
    await house.shop.work("retry_events", "refund")
    assert (await house.inbox())["evt_product"].state == "handled"
    assert [one.state for one in await house.refunds(bought.order)] == ["succeeded"]
    await house.check()


async def test_an_event_that_waits_for_stripe_is_tried_again_within_thirty_seconds(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.stripe.fault("GET /v1/checkout/sessions/*", "reset", times=8)
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.deliver(completed)
    for _ in range(3):
        house.pass_time(seconds=30)
        house.shop.gateway.breaker.worked()
        await house.shop.work("retry_events")
    await house.stripe.heal()
    house.pass_time(seconds=30)
    await house.shop.work("retry_events")
    assert await house.state(bought.order) == AWAITING


async def test_an_event_does_not_wait_for_stripe_for_ever(house: House) -> None:
    bought = await house.buy(await house.thing())
    await house.stripe.do("pay_delayed", session=bought.session)
    await trip(house)
    (completed,) = await house.stripe.events("checkout.session.completed")
    await house.deliver(completed)
    house.pass_time(days=4)
    await house.shop.work("retry_events")
    assert (await house.inbox())[completed["id"]].state == "given_up"
    assert len(await house.messages("owner-event")) == 1
    await house.stripe.heal()
    assert bought


async def test_a_caller_who_goes_away_says_nothing_of_stripe(house: House) -> None:
    await house.stripe.fault("GET /v1/balance", "hang", seconds=5, times=9)
    for _ in range(breakers.FAILURES + 1):
        asking = asyncio.create_task(house.shop.gateway.ping())
        await asyncio.sleep(0.02)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert not house.shop.gateway.breaker.tripped


# Clocks ---------------------------------------------------------------------------------------------------------


async def test_a_clock_that_is_off_is_measured_by_stripes_answers(house: House, over_http: Process) -> None:
    assert over_http.gateway.clock_skew is None
    await over_http.gateway.ping()
    assert over_http.gateway.clock_skew is not None
    assert abs(over_http.gateway.clock_skew) < 5
    house.pass_time(minutes=10)
    await over_http.gateway.ping()
    assert over_http.gateway.clock_skew == pytest.approx(600, abs=5)
    assert [one for one in house.log if one["event"] == "this clock is off Stripe's"]


async def test_a_clock_that_is_far_behind_sells_nothing_and_says_so(house: House) -> None:
    """Stripe takes no page that ends within 30 minutes (docs.stripe.com/api/checkout/sessions/create)."""
    shopper = await fill_cart(house)
    house.pass_time(minutes=-20)
    answer = await shopper.order()
    says_unavailable(answer)
    assert "mistake of ours" in answer.words
    await house.check()


async def test_a_key_that_stripe_refuses(house: House) -> None:
    wrong = Gateway(
        house.shop.settings.model_copy(update={"stripe_secret_key": SecretStr("sk_live_" + "x" * 24)}),
        house.stripe.watched(),
    )
    with pytest.raises(errors.Misconfigured):
        await wrong.ping()
    await wrong.close()


async def test_nothing_is_said_about_an_earlier_payment_that_stripe_does_not_tell_of(house: House) -> None:
    """No webhook came, and its page cannot be closed: the shopper may have paid on it."""
    bought = await house.buy(await house.thing())
    order = await house.order(bought.order)
    await house.stripe.do("pay", session=bought.session)
    await bought.shopper.add(await house.thing())
    form = await bought.shopper.get("/checkout")
    await house.stripe.fault("* /v1/*", "reset", times=None)
    does_not_know(await bought.shopper.order_from(form), order)
    while not house.shop.gateway.breaker.open:
        await bought.shopper.order_from(form)
    does_not_know(await bought.shopper.get("/checkout"), order)
    does_not_know(await bought.shopper.order_from(form), order)
    # Its own page does not know better, when the payment page's time is over by our clock.
    house.pass_time(minutes=50)
    paying = await bought.shopper.post(f"/orders/{order.token}/pay", {})
    assert paying.status == 503
    assert "Nothing was charged" not in paying.words
    assert "could not find out" in paying.words
    await house.stripe.heal()
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()
