"""The sandbox as a server of its own: uvicorn storefront.sandbox.server:app

The API and the pages share one port. Settings, all from the environment: SANDBOX_PATH (the SQLite file),
SANDBOX_WEBHOOK_URL (where webhooks go; loopback only; unset: nowhere), SANDBOX_WEBHOOK_SECRET,
SANDBOX_PAGE_BASE (the origin of the payment page; unset: localhost with this server's port).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from storefront.sandbox.asgi import Receive, Scope, Send
from storefront.sandbox.sandbox import Sandbox

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _webhook_url() -> str | None:
    url = os.environ.get("SANDBOX_WEBHOOK_URL") or None
    if url and (urlsplit(url).scheme not in ("http", "https") or urlsplit(url).hostname not in _LOOPBACK):
        raise SystemExit(f"SANDBOX_WEBHOOK_URL must be a loopback address, not {url}")
    return url


class Server:
    """The ASGI app: /v1/… is the API, everything else a page."""

    def __init__(self) -> None:
        self._url = _webhook_url()
        self._client: httpx.AsyncClient | None = None
        self.sandbox = Sandbox(
            Path(os.environ.get("SANDBOX_PATH", "var/sandbox.db")),
            self._deliver,
            webhook_secret=os.environ.get("SANDBOX_WEBHOOK_SECRET", "whsec_sandbox"),
            page_base=os.environ.get("SANDBOX_PAGE_BASE") or None,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            self.sandbox.page_base = self.sandbox.page_base or f"http://localhost:{scope['server'][1]}"
            app = self.sandbox.api if scope["path"].startswith("/v1/") else self.sandbox.pages
            await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with httpx.AsyncClient(timeout=30, trust_env=False) as self._client:
            await self.sandbox.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.sandbox.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _deliver(self, body: bytes, headers: dict[str, str]) -> int:
        if self._url is None:
            return 200
        assert self._client is not None
        return (await self._client.post(self._url, content=body, headers=headers)).status_code


app = Server()
