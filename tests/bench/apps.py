"""What the shop is measured beside: an ASGI app that can do nothing but answer, and Litestar's smallest one."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, MediaType, get

PAGE = b"<!doctype html><title>bare</title>".ljust(8_000, b".")
HEADERS = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(PAGE)).encode())]


async def bare(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": PAGE})


@get("/", media_type=MediaType.HTML, sync_to_thread=False)
def hello() -> bytes:
    return PAGE


litestar_hello = Litestar([hello], openapi_config=None, logging_config=None)
