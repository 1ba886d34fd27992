"""The SDK's way to the sandbox within this process: HTTP semantics and time limits, without a socket."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import stripe


class InProcessClient(stripe.HTTPClient):
    """Speaks to an ASGI app. httpx.ASGITransport ignores time limits, so the limit is set around it."""

    name = "in-process"

    def __init__(self, app: Any, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self._http = httpx.AsyncClient(transport=transport)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.request(method, url, headers=dict(headers or {}), content=post_data)
        except Exception as error:
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                f"The sandbox did not answer ({type(error).__name__})", should_retry=True
            ) from error
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._http.aclose()
