"""The sandbox Stripe, put together: two ASGI apps, a file, and a courier for webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from storefront.sandbox import api, asgi, control, mail, pages
from storefront.sandbox.books import Obj
from storefront.sandbox.deliveries import Courier
from storefront.sandbox.store import Store

T = TypeVar("T")


class Sandbox:
    """A small Stripe whose state lies in the SQLite file `path`; several processes may share it.

    `deliver` posts one webhook (raw body, headers with Stripe-Signature) to the shop and gives the HTTP
    status; it raises when the shop cannot be reached. `page_base` is the origin of the payment page;
    None means the other loopback name of success_url's origin. Nothing is sent and no session expires by
    itself before `start`.
    """

    def __init__(
        self,
        path: Path,
        deliver: Callable[[bytes, dict[str, str]], Awaitable[int]],
        webhook_secret: str = "whsec_sandbox",  # noqa: S107 - known to everybody, on purpose
        page_base: str | None = None,
        api_key_prefixes: tuple[str, ...] = ("sk_test_", "rk_test_"),
    ) -> None:
        self.deliver = deliver
        self.webhook_secret = webhook_secret
        self.page_base = page_base
        self.api_key_prefixes = api_key_prefixes
        self.store = Store(path, self._wake)
        self._courier: Courier | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def api(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Stripe's API, /v1/…, as an ASGI app. Faults that break the connection raise in process."""
        await api.serve(self, scope, receive, send)

    async def pages(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Everything under /sandbox/ as an ASGI app: payment page, Dashboard, faults, clock, log, control."""
        await pages.serve(self, scope, receive, send)

    async def control(self, action: str, **fields: Any) -> Obj:
        """What POST /sandbox/control/{action} does; raises ApiError for what is refused."""
        return await self.store.write(lambda books: control.act(books, action, fields))

    async def start(self) -> None:
        """Begins to send webhooks and to watch the clock. Raises when the file cannot be used."""
        if self._courier is None:
            await self.store.write(mail.take_from_the_dead)
            self._courier = Courier(self)

    async def stop(self) -> None:
        """Stops the background work and closes the file."""
        courier, self._courier = self._courier, None
        if courier is not None:
            await courier.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that goes on when its caller is cancelled."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wake(self) -> None:
        courier = self._courier
        if courier is not None:
            courier.wake()
