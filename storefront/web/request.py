"""The request as handlers see it: Litestar's, plus what htmx says of it."""

import asyncio
from functools import cached_property
from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, HTTPException, InternalServerException

# Seconds within which a whole body must have come, 1 MB at most: uvicorn itself waits for ever.
LONGEST_BODY = 30.0
# The option of routes that want to know who is signed in (ShopRequest.account_id).
ASKS_WHO = {"asks_who": True}


class ShopRequest(Request[Any, Any, Any]):
    """htmx 4 sends HX-Request with every request of its own, and HX-Request-Type: full where it wants a page."""

    async def body(self) -> bytes:
        """The whole body. Raises HTTPException with 408 when it does not come in time, and ClientException when
        the client goes away in the middle of it, for which Litestar has an error of the server's own."""
        try:
            async with asyncio.timeout(LONGEST_BODY):
                return await super().body()
        except TimeoutError:
            # The rest of it, should it ever come, is not the next request.
            headers = {"connection": "close"}
            raise HTTPException("The body took too long.", status_code=408, headers=headers) from None
        except InternalServerException:
            if not self.is_connected:
                raise  # the other one: somebody here has read the stream before
            raise ClientException("The client went away.") from None

    @cached_property
    def htmx(self) -> bool:
        """True when htmx asks, whatever it asks for."""
        return self.headers.get("hx-request") == "true"

    @cached_property
    def wants_fragment(self) -> bool:
        """True when the answer is put into a page that is already open."""
        return (
            self.htmx
            and self.headers.get("hx-request-type") != "full"
            and "hx-history-restore-request" not in self.headers
        )

    @property
    def account_id(self) -> int | None:
        """Who is signed in, as the guard of the accounts' room found it: None for a guest, and on routes that did not
        ask (option `asks_who`)."""
        found: int | None = self.scope.get("account_id")  # type: ignore[assignment] # our own key in the scope
        return found

    @property
    def origin(self) -> str:
        """scheme://host[:port] under which the shopper reached the shop (checked by the edge)."""
        return f"{self.scope['scheme']}://{self.headers.get('host', '')}"
