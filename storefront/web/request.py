"""The request as handlers see it: Litestar's, plus what htmx says of it."""

from functools import cached_property
from typing import Any

from litestar import Request

# The option of routes that want to know who is signed in (ShopRequest.account_id).
ASKS_WHO = {"asks_who": True}


class ShopRequest(Request[Any, Any, Any]):
    """htmx 4 sends HX-Request with every request of its own, and HX-Request-Type: full where it wants a page."""

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
