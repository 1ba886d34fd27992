"""The little of HTTP that the sandbox needs, on bare ASGI: read a request, give an answer, break off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
MOST_BYTES = 1_000_000
# Until the server has seen that the connection is gone, so that it does not complain of a missing answer.
_NOTICED = 0.02
_LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")


@dataclass(frozen=True)
class Request:
    """A request that was read whole. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str | None

    def form(self) -> dict[str, str]:
        """The fields of a plain form; raises ValueError for a body that is none."""
        if not self.body:
            return {}
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise ValueError("not a form")
        pairs = parse_qsl(self.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise ValueError("a field was given twice")
        return fields

    @property
    def is_local(self) -> bool:
        """Sent from this machine to a loopback name: nobody else may steer the sandbox."""
        host = self.headers.get("host", "localhost").rsplit(":", 1)[0].strip("[]").lower()
        return self.client in (None, *_LOOPBACK) and host in _LOOPBACK

    @property
    def is_cross_site(self) -> bool:
        """A write that another site's page makes the browser send."""
        site, origin = self.headers.get("sec-fetch-site"), self.headers.get("origin")
        if site is not None:
            return site not in ("same-origin", "none")
        return origin is not None and origin.partition("://")[2] != self.headers.get("host")


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def as_json(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    """JSON, printed as Stripe prints it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return Answer(status, text.encode(), {"content-type": "application/json"} | (headers or {}))


async def read(scope: Scope, receive: Receive) -> Request | None:
    """The request, or None when its body is larger than a megabyte or the client left while sending."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope.get("query_string", b"").decode("latin-1")
    client = scope.get("client")
    return Request(scope["method"], scope["path"], query, headers, bytes(body), client[0] if client else None)


async def give(send: Send, answer: Answer, *, head: bool = False) -> None:
    """Sends the whole answer."""
    headers = answer.headers | {"content-length": str(len(answer.body))}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


async def cut_off(send: Send, answer: Answer) -> None:
    """Half a body. Over HTTP the connection breaks there; in process half the JSON is all there is."""
    half = answer.body[: max(1, len(answer.body) // 2)]
    connection = _connection(send)
    if connection is None:
        await give(send, Answer(200, half, answer.headers))
        return
    headers = answer.headers | {"content-length": str(len(answer.body))}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    await send({"type": "http.response.body", "body": half, "more_body": True})
    connection.close()
    await asyncio.sleep(_NOTICED)


async def break_off(send: Send, message: str) -> None:
    """No answer at all: the connection is reset, or in process a ConnectionResetError is raised."""
    connection = _connection(send)
    if connection is None:
        raise ConnectionResetError(message)
    connection.abort()
    await asyncio.sleep(_NOTICED)


async def wait_or_leave(receive: Receive, seconds: float) -> None:
    """Waits, at most until the client has gone."""
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({leaving}, timeout=seconds)
    finally:
        leaving.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _connection(send: Send) -> asyncio.Transport | None:
    """The socket below uvicorn's `send`: ASGI has no message for a connection that breaks."""
    connection: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    return connection if hasattr(connection, "abort") else None
