"""The one way to Stripe: the official SDK's client, made once, under time limits and behind a circuit breaker.

The SDK is slow to import, so it is imported at the first use (and in the background after start).
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import structlog

from storefront.database import now
from storefront.payments.breaker import Breaker
from storefront.payments.errors import (
    Declined,
    InvalidRequest,
    Misconfigured,
    NotThere,
    PaymentProblem,
    RateLimited,
    ReplayedFailure,
    StillUnderWay,
    StoredFailure,
    UnknownOutcome,
    Unreachable,
)
from storefront.payments.facts import SessionFacts, session_facts, with_intent
from storefront.payments.patience import time_left
from storefront.settings import Settings

if TYPE_CHECKING:
    import stripe

log = structlog.get_logger()

EACH_TRY = 3.0
ALL_TRIES = 9.0
SHORTEST_TRY = 0.3
# Stripe's SDK never repeats a 429 (docs.stripe.com/rate-limits): seconds before the second and the third try.
PAUSES_WHEN_SLOWED = (0.4, 1.2)
SKEW_THAT_MATTERS = 60.0
SANDBOX_KEY = "sk_test_" + "sandbox"


class Gateway:
    """Stripe's API as the shop uses it. `sandbox` is the built-in sandbox's ASGI app, or None for a real address.

    Every method raises a PaymentProblem and nothing else when Stripe does not do what was asked. None may be called
    with a transaction open.
    """

    def __init__(self, settings: Settings, sandbox: Any = None) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._client: stripe.StripeClient | None = None
        self._creating: dict[str, asyncio.Task[SessionFacts]] = {}
        self.breaker = Breaker()
        # How many seconds our clock is ahead of Stripe's, by the Date of its last answer; None before the first.
        self.clock_skew: float | None = None

    @property
    def client(self) -> "stripe.StripeClient":
        if self._client is None:
            import stripe

            from storefront.payments.transport import InProcessClient

            stripe.enable_telemetry = False
            key = self._settings.stripe_secret_key.get_secret_value() or SANDBOX_KEY
            base = self._settings.stripe_api_base
            self._client = stripe.StripeClient(
                key,
                http_client=InProcessClient(self._sandbox, EACH_TRY)
                if self._sandbox is not None
                else stripe.HTTPXClient(timeout=EACH_TRY),
                base_addresses={"api": base} if base else None,
                max_network_retries=1,
            )
        return self._client

    def warm_up(self) -> None:
        """Import the SDK and make the client, for a thread after start."""
        _ = self.client

    async def create_session(self, parameters: dict[str, Any], key: str) -> SessionFacts:
        """Ask for a Checkout Session under a stored idempotency key. Who asks while the same is being asked waits
        for that answer, since Stripe refuses a key that is in use."""
        task = self._creating.get(key)
        if task is None:
            task = self._creating[key] = asyncio.ensure_future(self._create_session(parameters, key))
            task.add_done_callback(
                lambda done: (self._creating.pop(key), done.cancelled() or done.exception())
            )
        return await asyncio.shield(task)

    async def _create_session(self, parameters: dict[str, Any], key: str) -> SessionFacts:
        params: Any = parameters
        answer = await self._call(
            "create session",
            lambda: self.client.v1.checkout.sessions.create_async(
                params=params, options={"idempotency_key": key}
            ),
        )
        return session_facts(answer)

    async def create_coupon(self, parameters: dict[str, Any], key: str) -> str:
        """Ask for a coupon under a stored idempotency key; gives its id."""
        params: Any = parameters
        answer = await self._call(
            "create coupon",
            lambda: self.client.v1.coupons.create_async(params=params, options={"idempotency_key": key}),
        )
        return str(answer["id"])

    async def session(self, session_id: str) -> SessionFacts:
        """A session with its payment intent's state."""
        params: Any = {"expand": ["payment_intent"]}
        answer = await self._call(
            "read session",
            lambda: self.client.v1.checkout.sessions.retrieve_async(session_id, params=params),
        )
        return await self._with_intent(session_facts(answer))

    async def expire_session(self, session_id: str) -> SessionFacts:
        """Expire an open session; for one that is not open any more, what it has become. Asking twice is safe.

        Raises NotThere, or another PaymentProblem while its page may still be open.
        """
        try:
            return session_facts(
                await self._call(
                    "expire session",
                    # Without a stored key: a stored 500 would keep the page open, and to expire twice does no harm.
                    lambda: self.client.v1.checkout.sessions.expire_async(session_id),
                )
            )
        except NotThere:
            raise
        except (InvalidRequest, StoredFailure) as problem:
            # "Only Checkout Sessions with a status in ["open"] can be expired": then reading says which it is.
            facts = await self.session(session_id)
            if facts.status == "open":
                raise UnknownOutcome("the page could not be closed") from problem
            return facts

    async def find_sessions(self, reference: str, since: int, until: int) -> list[SessionFacts]:
        """Sessions created between two Unix times whose client_reference_id is `reference`."""
        params = {"created": {"gte": since, "lte": until}}
        return [facts async for facts in self.sessions(params) if facts.reference == reference]

    async def sessions(self, params: dict[str, Any]) -> AsyncIterator[SessionFacts]:
        """Sessions by Stripe's own filters, newest first, each with its payment intent's state."""
        asked: Any = {**params, "limit": 100, "expand": ["data.payment_intent"]}
        async for session in self._pages(
            "list sessions", lambda after: self.client.v1.checkout.sessions.list_async(params=asked | after)
        ):
            try:
                facts = session_facts(session)
            except (KeyError, TypeError) as error:
                # One that cannot be read must not keep those behind it.
                log.error("session cannot be read", session=session.get("id"), exc_info=error)
                continue
            yield await self._with_intent(facts)

    async def _with_intent(self, facts: SessionFacts) -> SessionFacts:
        """What a session's payment intent says, where it is needed and came as its id alone, though it was asked for
        in full: a proxy or another double of Stripe may not expand."""
        if facts.paid or facts.status != "complete" or facts.intent_status or not facts.payment_intent:
            return facts
        with suppress(NotThere):
            return with_intent(facts, await self.payment_intent(facts.payment_intent))
        return facts

    async def payment_intent(self, intent_id: str) -> dict[str, Any]:
        return await self._call(
            "read payment intent", lambda: self.client.v1.payment_intents.retrieve_async(intent_id)
        )

    async def create_refund(
        self, *, payment_intent: str, amount: int, metadata: dict[str, str], key: str
    ) -> dict[str, Any]:
        """Ask for a refund of `amount` minor units under a stored key."""
        params: Any = {"payment_intent": payment_intent, "amount": amount, "metadata": metadata}
        return await self._call(
            "create refund",
            lambda: self.client.v1.refunds.create_async(params=params, options={"idempotency_key": key}),
        )

    async def refunds_of(self, payment_intent: str) -> list[dict[str, Any]]:
        return [refund async for refund in self.refunds({"payment_intent": payment_intent})]

    def refunds(self, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Refunds by Stripe's own filters, newest first."""
        asked: Any = {**params, "limit": 100}
        return self._pages(
            "list refunds", lambda after: self.client.v1.refunds.list_async(params=asked | after)
        )

    def disputes(self, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Disputes by Stripe's own filters, newest first."""
        asked: Any = {**params, "limit": 100}
        return self._pages(
            "list disputes", lambda after: self.client.v1.disputes.list_async(params=asked | after)
        )

    async def dispute(self, dispute_id: str) -> dict[str, Any]:
        return await self._call("read dispute", lambda: self.client.v1.disputes.retrieve_async(dispute_id))

    def products(self, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Products by Stripe's own filters, newest first, a page of 100 at a time."""
        asked: Any = {**params, "limit": 100}
        return self._pages(
            "list products", lambda after: self.client.v1.products.list_async(params=asked | after)
        )

    def prices(self, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Prices by Stripe's own filters, newest first, a page of 100 at a time."""
        asked: Any = {**params, "limit": 100}
        return self._pages("list prices", lambda after: self._as_it_came("/v1/prices", asked | after))

    async def product(self, product_id: str) -> dict[str, Any]:
        """A product; one that was deleted says so, or raises NotThere."""
        return await self._call("read product", lambda: self.client.v1.products.retrieve_async(product_id))

    def events_since(self, since: int, types: list[str]) -> AsyncIterator[dict[str, Any]]:
        """Stripe's events created since a Unix time, newest first, as far back as Stripe keeps them."""
        params: Any = {"created": {"gte": since}, "types": types, "limit": 100}
        return self._pages(
            "list events", lambda after: self.client.v1.events.list_async(params=params | after)
        )

    async def ping(self) -> None:
        """The cheapest call that proves key and network."""
        await self._call("ping", lambda: self.client.v1.balance.retrieve_async())

    async def answers(self) -> bool:
        """Whether to begin something with Stripe. While the circuit is open that costs nothing and is False; when
        its ten seconds are over, one caller finds out."""
        if self.breaker.tripped:
            with suppress(PaymentProblem):
                await self.ping()
        return not self.breaker.tripped

    async def close(self) -> None:
        if self._client is not None:
            client: Any = self._client._requestor._client  # noqa: SLF001 - the SDK has no other way
            await client.close_async()

    async def _pages(self, what: str, ask: Callable[[Any], Awaitable[Any]]) -> AsyncIterator[dict[str, Any]]:
        """Every row of a list. One that has no end, or is none, is a Stripe that does not answer as it should."""
        after: dict[str, str] = {}
        ends: set[str] = set()
        while True:
            page = await self._call(what, lambda after=after: ask(after))  # type: ignore[misc]
            rows, more = page.get("data"), page.get("has_more")
            if not isinstance(rows, list) or not isinstance(more, bool):
                raise UnknownOutcome("a list that is none")
            for row in rows:
                yield row
            if not more:
                return
            last = next(
                (str(row["id"]) for row in reversed(rows) if isinstance(row, dict) and row.get("id")), ""
            )
            if not last or last in ends:
                raise UnknownOutcome("a list without an end")
            ends.add(last)
            after = {"starting_after": last}

    async def _as_it_came(self, path: str, params: dict[str, Any]) -> "AsItCame":
        """An answer that the SDK does not turn into objects of its own: it makes Decimals of decimal strings, and where
        one is none nothing of the page is left."""
        return AsItCame(await self.client.raw_request_async("get", path, **params))

    async def _call(self, what: str, ask: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        for pause in PAUSES_WHEN_SLOWED:
            try:
                return await self._once(what, ask)
            except (RateLimited, StillUnderWay):
                pause *= random.uniform(0.5, 1.5)  # noqa: S311 - only spreads processes apart
                spare = time_left(ALL_TRIES) - EACH_TRY
                if spare <= 0:
                    raise
                await asyncio.sleep(min(pause, spare))
        return await self._once(what, ask)

    async def _once(self, what: str, ask: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        limit = time_left(ALL_TRIES)
        if limit < SHORTEST_TRY:
            raise Unreachable("no time left to ask")
        if not self.breaker.lets_through():
            raise Unreachable("the circuit is open")
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                made = await ask()
            # Through JSON, since the SDK makes Decimals of decimal strings (fx_rate), which no JSON column takes.
            answer: dict[str, Any] = json.loads(json.dumps(made.to_dict(), default=str))
        except Exception as error:
            problem = as_problem(error)
            self._note(problem, in_haste=limit < EACH_TRY)
            self._look_at_clock(getattr(error, "headers", None))
            log.warning(
                "stripe",
                what=what,
                problem=type(problem).__name__,
                detail=_detail(error),
                stripe_request=getattr(error, "request_id", None),
                ms=round((time.monotonic() - started) * 1000),
            )
            raise problem from error
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.worked()
        self._look_at_clock(made.last_response.headers if made.last_response else None)
        return answer

    def _note(self, problem: PaymentProblem, *, in_haste: bool) -> None:
        if not isinstance(problem, BREAKING) or isinstance(problem, StillUnderWay):
            self.breaker.worked()
        elif in_haste and isinstance(problem, UnknownOutcome):
            self.breaker.abandoned()
        else:
            self.breaker.failed()

    def _look_at_clock(self, headers: Mapping[str, str] | None) -> None:
        """Expiries and signatures compare our clock with Stripe's: both must agree to the minute."""
        said = (headers or {}).get("date")
        if said is None:
            return
        with suppress(ValueError, TypeError):
            skew = (now() - parsedate_to_datetime(said)).total_seconds()
            if abs(skew) > SKEW_THAT_MATTERS >= abs(self.clock_skew or 0):
                log.error("this clock is off Stripe's", seconds=round(skew))
            self.clock_skew = skew


class AsItCame:
    """JSON from Stripe, read as the SDK's objects are."""

    def __init__(self, response: "stripe.StripeResponse") -> None:
        self.last_response = response

    def to_dict(self) -> dict[str, Any]:
        if not isinstance(self.last_response.data, dict):
            raise UnknownOutcome("an answer that is no object")
        return self.last_response.data


BREAKING = (Unreachable, UnknownOutcome, StoredFailure)


def as_problem(error: Exception) -> PaymentProblem:
    """An exception of the SDK (or a time limit) as one of ours."""
    import stripe

    if isinstance(error, PaymentProblem):
        return error
    if isinstance(error, TimeoutError):
        return UnknownOutcome("no answer in time")
    if isinstance(error, stripe.CardError):
        return Declined(str(error.code))
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return Misconfigured("Stripe refused the key")
    if isinstance(error, stripe.RateLimitError):
        return RateLimited("Stripe asked us to slow down")
    if isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError):
        missing = error.http_status == 404 or error.code == "resource_missing"
        return (NotThere if missing else InvalidRequest)(str(error.user_message), str(error.code or ""))
    if isinstance(error, stripe.APIConnectionError):
        return (
            Unreachable("no connection")
            if _never_connected(error)
            else UnknownOutcome("the connection broke")
        )
    if isinstance(error, stripe.APIError):
        status = error.http_status or 0
        if status >= 500:
            return (ReplayedFailure if _replayed(error) else StoredFailure)(f"HTTP {status}")
        if status == 409:
            return StillUnderWay("another process asks the same")
        # HTTP 200 with a body that is no JSON arrives here: Stripe may well have done it.
        return UnknownOutcome(f"HTTP {status} with a broken body")
    return UnknownOutcome(type(error).__name__)


def _replayed(error: "stripe.StripeError") -> bool:
    """Whether the answer is the one that Stripe stored for the key, https://docs.stripe.com/api/idempotent_requests"""
    headers: Mapping[str, str] = error.headers or {}
    return any(name.lower() == "idempotent-replayed" and said == "true" for name, said in headers.items())


def _never_connected(error: Exception) -> bool:
    import httpx

    cause = error.__cause__
    never = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | ConnectionRefusedError
    return isinstance(cause, never)


def _detail(error: Exception) -> str:
    return (getattr(error, "user_message", "") or type(error).__name__)[:300]
