"""Stripe's API as an ASGI app: key, endpoint, parameters, idempotency, faults, and then the work itself."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from storefront.sandbox import asgi, faults, idempotency, requests, routes
from storefront.sandbox.asgi import Answer, Request, as_json
from storefront.sandbox.books import Books
from storefront.sandbox.errors import ApiError, refuse
from storefront.sandbox.expand import expand
from storefront.sandbox.faults import Fault
from storefront.sandbox.forms import parse_form
from storefront.sandbox.ids import new_id
from storefront.sandbox.shapes import API_VERSION

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox

logger = logging.getLogger(__name__)
DELAY = 2.0
_BROKEN = ("reset", "cut", "hang", "timeout")
_TROUBLE = {
    "500": ("api_error", None, "Sandbox fault: something went wrong on Stripe's end."),
    "503": ("api_error", None, "Sandbox fault: Stripe is temporarily unavailable."),
    "429": ("invalid_request_error", "rate_limit", "Sandbox fault: request rate limit exceeded."),
}


@dataclass(frozen=True)
class Job:
    """A request that came in."""

    request: Request
    key: str | None
    request_id: str
    began: float


@dataclass(frozen=True)
class Ask:
    """A request that was understood."""

    job: Job
    endpoint: routes.Endpoint
    call: routes.Call
    raw: dict[str, Any]


async def serve(sandbox: Sandbox, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """One API request. What was received is carried out even when the client does not wait for it."""
    request = await asgi.read(scope, receive)
    if request is None:
        await asgi.give(
            send, as_json(413, {"error": {"message": "Too large.", "type": "invalid_request_error"}})
        )
        return
    answer, fault = await asyncio.shield(sandbox.spawn(_carry_out(sandbox, request)))
    if fault is not None and fault.kind in _BROKEN:
        if fault.kind == "cut":
            await asgi.cut_off(send, answer)
            return
        if fault.kind != "reset":
            await asgi.wait_or_leave(receive, fault.seconds or (30.0 if fault.kind == "hang" else 600.0))
        await asgi.break_off(send, f"sandbox fault: {fault.kind}")
        return
    await asgi.give(send, answer)


async def _carry_out(sandbox: Sandbox, request: Request) -> tuple[Answer, Fault | None]:
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    job = Job(request, key, new_id("req_"), time.monotonic())
    try:
        ask = _understand(sandbox, job)
    except ApiError as error:
        refusal = as_json(error.status, {"error": error.error})
        return await sandbox.store.write(lambda books: _finish(books, job, refusal, None)), None
    answer, fault = await sandbox.store.write(lambda books: _begin(books, ask))
    if fault is not None and fault.kind == "delay":
        await asyncio.sleep(fault.seconds or DELAY)
        late = answer
        answer = await sandbox.store.write(
            lambda books: _finish(books, job, late or _execute(books, ask), fault)
        )
    assert answer is not None  # only a delayed request has none yet
    return answer, fault


def _understand(sandbox: Sandbox, job: Job) -> Ask:
    """Everything that is checked before the work begins; what fails here is not saved under the key."""
    request, key = job.request, job.key
    _check_key(sandbox, request.headers.get("authorization", ""))
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise refuse(f"Invalid Stripe API version: {version[:40]}. The sandbox speaks {API_VERSION}.")
    if key is not None and not 0 < len(key) <= 255:
        raise refuse("Idempotency keys are between 1 and 255 characters long.", kind="idempotency_error")
    endpoint, object_id = routes.find(request.method, request.path)
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        raise refuse("Invalid request: the body is not UTF-8.") from None
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if body and not is_form:
        raise refuse(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
        )
    raw = parse_form("&".join(filter(None, (request.query, body))))
    params = endpoint.check(raw, "")
    call = routes.Call(request.method, request.path, object_id, params, sandbox.page_base)
    return Ask(job, endpoint, call, raw)


def _check_key(sandbox: Sandbox, header: str) -> None:
    scheme, _, value = header.partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if scheme.lower() not in ("bearer", "basic") or not key:
        raise refuse(
            "You did not provide an API key. Send it as: Authorization: Bearer YOUR_SECRET_KEY", status=401
        )
    if "_live_" in key[:8]:
        raise refuse("This is a live key. The sandbox moves no money and takes test keys only.", status=401)
    if not key.startswith(sandbox.api_key_prefixes):
        raise refuse(f"Invalid API Key provided: {key[:8]}***", status=401)


def _begin(books: Books, ask: Ask) -> tuple[Answer | None, Fault | None]:
    """The first transaction, and for all but delayed requests the only one."""
    try:
        with books.savepoint():
            answer, fault = _start(books, ask)
    except ApiError as error:
        answer, fault = as_json(error.status, {"error": error.error}), None
    if fault is not None and fault.kind == "delay":
        return answer, fault
    return _finish(books, ask.job, answer, fault), fault


def _start(books: Books, ask: Ask) -> tuple[Answer | None, Fault | None]:
    """The ordered fault, the key, and the work unless the fault comes before it."""
    job = ask.job
    fault = faults.take_one(books, f"{job.request.method} {job.request.path}")
    kind = fault.kind if fault is not None and fault.when == "before" else None
    if kind is not None and kind not in ("500", "delay"):
        return None, fault
    if job.key is not None:
        wait = (fault.seconds or DELAY) if fault is not None and kind == "delay" else 0.0
        path, wall = job.request.path, time.time()
        saved = idempotency.begin(books, job.key, path, ask.raw, job.request_id, wall, wait=wait)
        if saved is not None:
            return saved, fault
    if kind == "delay":
        return None, fault
    if fault is None or fault.kind != "500":
        return _execute(books, ask), fault
    if kind is None:
        _execute(books, ask)
    trouble = _trouble("500")
    if job.key is not None:
        idempotency.finish(books, job.key, trouble)
    return trouble, fault


def _execute(books: Books, ask: Ask) -> Answer:
    job = ask.job
    books.request_id, books.key = job.request_id, job.key
    try:
        with books.savepoint():
            shown = ask.endpoint.verb(books, ask.call)
            answer = as_json(200, expand(books, shown, ask.call.params.get("expand", [])))
    except ApiError as error:
        answer = as_json(error.status, {"error": error.error})
    except Exception:
        logger.exception("the sandbox failed at %s %s", job.request.method, job.request.path)
        answer = _trouble("500")
    if job.key is not None:
        idempotency.finish(books, job.key, answer)
    return answer


def _finish(books: Books, job: Job, answer: Answer | None, fault: Fault | None) -> Answer:
    """The answer as it is sent, and noted in the log. None: the work was never begun."""
    if fault is not None and fault.kind in ("503", "429"):
        answer = _trouble(fault.kind)
    answer = answer or as_json(200, {"object": ""})
    headers = {
        "request-id": job.request_id,
        "stripe-version": API_VERSION,
        "content-type": "application/json",
    }
    headers |= {"idempotency-key": job.key} if job.key else {}
    answer = replace(answer, headers=headers | answer.headers)
    words = ["replayed"] if "idempotent-replayed" in answer.headers else []
    words += [f"fault: {fault.kind} {fault.when}"] if fault is not None else []
    requests.note(books, job.request, job.request_id, job.key, answer, ", ".join(words), job.began)
    return answer


def _trouble(kind: str) -> Answer:
    error_type, code, message = _TROUBLE[kind]
    error = {"message": message, "type": error_type} | ({"code": code} if code else {})
    return as_json(int(kind), {"error": error})
