"""Our own Stripe for tests, at STRIPE_API_BASE: it checks every request against Stripe's description, keeps what it
was asked for, fails when told to, and signs its own events. It shares no code with the shop or its sandbox."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn

from tests.payments import stripe_objects as objects
from tests.payments.stripe_api import ROUTES, Refusal
from tests.payments.stripe_objects import Obj
from tests.shop import NO_TLS, free_port

SECRET = "whsec_" + "double"
KEY = "sk_test_" + "double"
SESSIONS = "POST /v1/checkout/sessions"


@dataclass
class Fault:
    """What goes wrong with calls that begin with `call` ("POST /v1/refunds"), before or after they took effect: a
    status, or hang, slow, reset, cut (half a body), garble (no JSON)."""

    call: str
    kind: str
    after: bool
    times: int


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    call: str
    params: Obj
    headers: dict[str, str]


class StripeDouble:
    """Runs in a thread of the test process. Everything it knows may be looked at and changed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.asked: list[Asked] = []
        self.findings: list[str] = []
        self.faults: list[Fault] = []
        self.things: dict[str, Obj] = {}
        self.params: dict[str, Obj] = {}
        self.events: list[Obj] = []
        self.answers: dict[str, tuple[str, int, Obj]] = {}
        self.under_way: set[str] = set()
        self.surcharge = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # Told by tests ---------------------------------------------------------------------------------------------

    def fail(self, kind: str, *, call: str = SESSIONS, after: bool = False, times: int = 1) -> None:
        """Have the next `times` calls go wrong."""
        self.faults.append(Fault(call, kind, after, times))

    def calls(self, call: str) -> list[Asked]:
        """The requests that began so."""
        return [one for one in self.asked if one.call.startswith(call)]

    def of(self, reference: str) -> list[Obj]:
        """The sessions of one order, oldest first."""
        kind = self.kind("checkout.session")
        return [one for one in kind if one["client_reference_id"] == reference]

    def kind(self, kind: str) -> list[Obj]:
        return [one for one in list(self.things.values()) if one["object"] == kind]

    def session_at(self, url: str) -> Obj:
        """The session whose page a shopper was sent to."""
        assert url, "no page to pay on"
        return self.things[url.rpartition("/")[2]]

    def event(self, kind: str, obj: Obj) -> Obj:
        """A new event about an object as it is now."""
        made = objects.sample("event", id=objects.new_id("evt"), type=kind)
        made["data"] = {"object": json.loads(json.dumps(obj))}
        self.events.append(made)
        return made

    # The server ------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Listen."""
        options: dict[str, Any] = {"interface": "asgi3", "lifespan": "off", "proxy_headers": False}
        config = uvicorn.Config(self.app, port=self.port, log_level="critical", **options)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def down(self) -> None:
        """Stop listening: connections are refused."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers at that address for a while."""
        self.down()
        try:
            yield
        finally:
            self.up()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._serve(scope, receive, send)
        except Exception as error:
            self.findings.append(f"the double itself failed at {scope['path']}: {error!r}")
            raise

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["raw_path"].decode()
        query = scope["query_string"].decode()
        call = f"{scope['method']} {path}"
        key = headers.get("idempotency-key", "")
        if key in self.under_way:
            # https://docs.stripe.com/error-low-level#idempotency: two requests with one key at once
            busy = Refusal(409, "There is another request in progress", "idempotency_key_in_use")
            return await _give(send, busy.status, busy.body)
        self.under_way |= {key} - {""}
        try:
            fault = self._fault(call)
            request = (scope["method"], path, query, body.decode(), headers)
            if fault is None or fault.after:
                status, answer = self._answer(*request)
            if fault is not None and fault.kind.isdigit():
                refusal = Refusal(int(fault.kind), "As ordered", kind="api_error")
                status, answer = refusal.status, refusal.body
            elif fault is not None:
                if not await _misbehave(fault.kind, receive, send):
                    return None
                if not fault.after:
                    status, answer = self._answer(*request)
        finally:
            self.under_way.discard(key)
        return await _give(send, status, answer)

    def _fault(self, call: str) -> Fault | None:
        for fault in self.faults:
            if call.startswith(fault.call) and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _answer(
        self, method: str, path: str, query: str, body: str, headers: dict[str, str]
    ) -> tuple[int, Obj]:
        whole = f"{path}?{query}" if query else path
        found = objects.description().request(method, whole, body, headers, rules=True)
        self.findings += [f"{method} {path}: {one}" for one in found]
        params = objects.validator().parse_form("&".join(filter(None, [query, body])))
        self.asked.append(Asked(f"{method} {path}", params, headers))
        key = headers.get("idempotency-key", "")
        known = self.answers.get(key)
        if known is not None:
            if known[0] != whole + body:
                return 400, Refusal(400, "Keys for idempotent requests", kind="idempotency_error").body
            return known[1], known[2]
        try:
            if found:
                raise Refusal(400, "; ".join(found), "parameter_unknown")
            if headers.get("authorization") != f"Bearer {KEY}":
                raise Refusal(401, "Invalid API Key provided")
            status, answer = 200, self._route(method, path, params)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        answer = json.loads(json.dumps(answer))
        if key and status < 400:
            self.answers[key] = (whole + body, status, answer)
        return status, answer

    def _route(self, method: str, path: str, params: Obj) -> Obj:
        for pattern, handler in ROUTES:
            match = re.fullmatch(pattern, f"{method} {path}")
            if match:
                return handler(self, params, *match.groups())
        raise Refusal(404, f"Unrecognized request URL ({method}: {path})")

    def find(self, identity: str) -> Obj:
        if identity not in self.things:
            raise Refusal(404, f"No such object: '{identity}'", "resource_missing")
        return self.things[identity]

    def keep(self, obj: Obj) -> Obj:
        self.things[obj["id"]] = obj
        return obj


async def _give(send: Any, status: int, answer: Obj) -> None:
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"request-id", objects.new_id("req").encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _misbehave(kind: str, receive: Any, send: Any) -> bool:
    """True when an answer is still to be given."""
    transport = send.__self__.transport
    if kind == "slow":
        await asyncio.sleep(1)
        return True
    if kind == "hang":
        while (await receive())["type"] != "http.disconnect":
            pass
    elif kind == "cut":
        head = [(b"content-type", b"application/json"), (b"content-length", b"900")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b'{"id": "cs_te', "more_body": True})
        await asyncio.sleep(0.05)
        transport.abort()
    elif kind == "garble":
        head = [(b"content-type", b"application/json"), (b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b'{"id": "c'})
    elif kind == "reset":
        transport.abort()
    else:
        raise ValueError(kind)
    return False


def signed(event: Obj | bytes, secret: str = SECRET, at: float | None = None) -> tuple[bytes, str]:
    """The body and the Stripe-Signature header of a delivery (https://docs.stripe.com/webhooks#verify-manually)."""
    body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
    stamp = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={stamp},v1={digest}"


async def deliver(
    url: str, event: Obj | bytes, secret: str = SECRET, at: float | None = None
) -> httpx.Response:
    """Post an event to the shop at `url` as Stripe does."""
    body, signature = signed(event, secret, at)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
    address = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/webhooks/stripe"
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=NO_TLS) as client:
        return await client.post(address, content=body, headers=headers)
