"""A Stripe whose lists are whatever a test puts into them, for rows and pages that the sandbox would never give."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Answers:
    """Answers GETs. Lists are one page; `given` answers a path with something else."""

    def __init__(self) -> None:
        self.products: list[Any] = []
        self.prices: list[Any] = []
        self.given: dict[str, Any] = {}
        self.asked = 0

    def product(self, identity: str, **more: Any) -> dict[str, Any]:
        """A product with a price of $5.00; gives the product, which is on the list."""
        product = {"id": identity, "object": "product", "active": True, "name": identity, "metadata": {}}
        self.products.append(product | more)
        self.price(f"price_of_{identity}", identity)
        return self.products[-1]  # type: ignore[no-any-return]

    def price(self, identity: str, product: Any, **more: Any) -> dict[str, Any]:
        price = {"id": identity, "object": "price", "active": True, "product": product, "currency": "usd"}
        self.prices.append(price | {"unit_amount": 500, "created": 1, "type": "one_time"} | more)
        return self.prices[-1]  # type: ignore[no-any-return]

    async def __call__(self, scope: dict[str, Any], _receive: Receive, send: Send) -> None:
        self.asked += 1
        assert self.asked < 50, "asked without an end"
        path, query = scope["path"], parse_qs(scope["query_string"].decode())
        if path in self.given:
            body = self.given[path]
        elif path == "/v1/products":
            body = {"object": "list", "has_more": False, "data": self.products}
        elif path == "/v1/prices":
            whose = query.get("product", [None])[0]
            data = [one for one in self.prices if whose is None or not _of_another(one, whose)]
            body = {"object": "list", "has_more": False, "data": data}
        else:
            body = next(one for one in self.products if one["id"] == path.rpartition("/")[2])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def _of_another(price: Any, whose: str) -> bool:
    return isinstance(price, dict) and isinstance(price.get("product"), str) and price["product"] != whose
