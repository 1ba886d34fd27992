"""The sandbox Stripe, built in: where its state lies, how its webhooks reach the shop, and its pages in front."""

from typing import Any

from storefront.settings import Settings
from storefront.web.edge import ASGI, Receive, Scope, Send

SANDBOX_SECRET = "whsec_" + "sandbox"
PAGES = "/sandbox/"


def make_sandbox(settings: Settings, deliver_to: list[ASGI]) -> Any:
    """The sandbox of this shop, its file beside the database's, its webhooks posted in process to `deliver_to`."""
    from storefront.sandbox import Sandbox

    host = settings.base_url or "http://127.0.0.1"

    async def deliver(body: bytes, signed: dict[str, str]) -> int:
        import httpx

        headers = {**signed, "host": httpx.URL(host).netloc.decode()}
        transport = httpx.ASGITransport(app=deliver_to[0], client=("127.0.0.1", 0))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=host, timeout=20) as client:
            answer = await client.post("/webhooks/stripe", content=body, headers=headers)
        return answer.status_code

    return Sandbox(settings.sandbox_file, deliver, webhook_secret=secret_of(settings))


def secret_of(settings: Settings) -> str:
    """What the sandbox signs with: the configured secret if there is one, else its own."""
    return settings.webhook_secrets[0] if settings.webhook_secrets else SANDBOX_SECRET


class SandboxInFront:
    """Gives /sandbox/ to the sandbox's own pages and everything else to the shop."""

    def __init__(self, app: ASGI, sandbox: Any) -> None:
        self._app, self._sandbox = app, sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PAGES):
            await self._sandbox.pages(scope, receive, send)
        else:
            await self._app(scope, receive, send)
