"""Starting, or refusing to with one line: an exception that leaves an app's start is printed with its whole trace."""

from collections.abc import Awaitable, Callable
from typing import Any

from storefront.web.edge import ASGI, Receive, Scope, Send


class CannotStart(Exception):
    """The shop must not run like this. The message is one line that names the setting and what helps."""


class Start:
    """`app`, which is told to start when `prepare` has come back; what that refuses is one line in the server's log,
    and uvicorn ends with 3."""

    def __init__(self, app: ASGI, prepare: Callable[[], Awaitable[None]]) -> None:
        self._app, self._prepare = app, prepare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        waiting: list[dict[str, Any]] = [await receive()]
        try:
            await self._prepare()
        except CannotStart as error:
            await send({"type": "lifespan.startup.failed", "message": f"storefront: {error}"})
            return

        async def again() -> dict[str, Any]:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, again, send)
