"""The outermost room: every request passes here before anything else and every answer after everything else.

Header size, host check, proxies, request id, HEAD as GET, security headers, one log line. Plain ASGI, because it
also covers static files and paths that no route knows.
"""

import os
import re
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from storefront.settings import LOOPBACK_NAMES, Settings
from storefront.web.headers import SecurityHeaders
from storefront.web.logs import log_request

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
ASGI: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_HEADER_BYTES = 16_384
MOST_ADDRESS_BYTES = 8_192
PROBES = ("/healthz", "/readyz")
# A name or an IPv6 address in brackets, and a port or none (RFC 9110, 7.2). What only begins like this, other
# readers take for other hosts.
HOST = re.compile(r"([0-9a-z._-]+|\[[0-9a-f]*:[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
HIGHEST_PORT = 65_535
# Where open pages ask whether something was saved, in development: too often for the log.
LIVE = "/_live"


class Edge:
    """Wraps the shop."""

    def __init__(self, app: ASGI, settings: Settings) -> None:
        self.app = app
        self.proxies = settings.trusted_proxies
        self.base = urlsplit(settings.base_url) if settings.base_url else None
        self.sandbox = settings.uses_sandbox
        self.headers = SecurityHeaders(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = scope["headers"]
        request_id = os.urandom(8).hex()
        scope["request_id"] = request_id
        host = _one(headers, b"host")
        if self.proxies:
            host = self._through_proxies(scope, headers, host)
        status = 500
        head = scope["method"] == "HEAD"
        extra = self.headers.for_host(scope["scheme"], host)

        async def answer(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = message["headers"] = list(message.get("headers", ()))
                names = {name for name, _ in sent}
                sent += [pair for pair in extra if pair[0] not in names]
                sent.append((b"x-request-id", request_id.encode()))
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            refusal = self._refusal(scope, headers, host)
            if refusal is not None:
                await _plain(answer, *refusal)
                return
            if head and not scope["path"].startswith("/static/"):
                # A scope of its own: the server goes by the first one's method when it sends no body.
                scope = {**scope, "method": "GET"}
            await self.app(scope, receive, answer)
        finally:
            # The route, not the path: order links are secrets.
            route = scope.get("path_template") or (
                "static" if scope["path"].startswith("/static/") else "none"
            )
            took = (time.perf_counter() - started) * 1000
            if route != LIVE:
                log_request(request_id, "HEAD" if head else scope["method"], route, status, took)

    def _refusal(
        self, scope: Scope, headers: list[tuple[bytes, bytes]], host: str
    ) -> tuple[int, str, str] | None:
        if sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
            return (
                431,
                "Your browser sent too much with this request. Clear this site's cookies and try again.",
                "",
            )
        if len(scope["raw_path"]) + len(scope["query_string"]) > MOST_ADDRESS_BYTES:
            return 414, "That address is too long.", ""
        if "\0" in scope["path"] or not _readable(scope["query_string"]):
            return 400, "The shop could not read that address.", ""
        if scope["path"] in PROBES:
            return None
        name = _hostname(host)
        if self.base is None:
            if _is_loopback(name.removesuffix(".")):
                return None
        elif host.lower() == self.base.netloc or (
            name == self.base.hostname and not self.base.port and ":" not in host
        ):
            return None
        elif self.sandbox and self.base.hostname in LOOPBACK_NAMES and name in LOOPBACK_NAMES:
            # The sandbox's pages are on the other loopback name, as Stripe's are elsewhere; the shop is not.
            if scope["path"].startswith("/sandbox/"):
                return None
            query = scope["query_string"].decode("latin-1")
            to = f"{self.base.scheme}://{self.base.netloc}{scope['raw_path'].decode('latin-1')}"
            return 307, "The shop is at its own address.", to + (f"?{query}" if query else "")
        return 400, "There is no shop under this name.", ""

    def _through_proxies(self, scope: Scope, headers: list[tuple[bytes, bytes]], host: str) -> str:
        """Believe X-Forwarded-* only when the neighbour is a configured proxy; gives the host to go by."""
        client = scope.get("client")
        if client is None or not self._trusted(client[0]):
            return host
        hops = [_address(hop) for hop in _all(headers, b"x-forwarded-for").split(",") if hop.strip()]
        while hops and self._trusted(hops[-1]):
            hops.pop()
        # What is no address was not written by a proxy of ours: the neighbour itself counts.
        if hops and hops[-1]:
            scope["client"] = (hops[-1], 0)
        scheme = _all(headers, b"x-forwarded-proto").rpartition(",")[2].strip()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme
        forwarded = _all(headers, b"x-forwarded-host").rpartition(",")[2].strip()
        if not forwarded:
            return host
        scope["headers"] = [(k, v) for k, v in headers if k != b"host"] + [
            (b"host", forwarded.encode("latin-1"))
        ]
        return forwarded

    def _trusted(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self.proxies)


def _readable(query: bytes) -> bool:
    """Whether it is UTF-8 without the one character that PostgreSQL cannot look for."""
    if b"%" not in query and query.isascii():
        return True
    try:
        return "\0" not in unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False


def _one(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def _all(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """A list that may come in several lines (RFC 9110, 5.3): some proxies add to the last, others add a line."""
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def _address(hop: str) -> str:
    """The address of a hop, which may come with a port and an IPv6 one in brackets; "" for what is none."""
    hop = hop.strip()
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(hop))
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return name in LOOPBACK_NAMES or ip_address(name).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    """The name in a Host header, in small letters and without a port; empty when it is none."""
    found = HOST.fullmatch(host.lower())
    if found is None or int(found[2] or 0) > HIGHEST_PORT:
        return ""
    return found[1].strip("[]")


async def _plain(send: Send, status: int, text: str, location: str) -> None:
    # Bare text has no place in a page, no more than what a proxy says.
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-shop", b""),
    ]
    if location:
        headers.append((b"location", location.encode("latin-1")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
