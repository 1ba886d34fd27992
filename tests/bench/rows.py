"""The rows of the table: what each asks, and by what a true answer is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, cycle
from urllib.parse import urlencode

from tests.bench.client import CONNECTIONS, COOKIE, Ask
from tests.bench.shop import Shop

SEARCHES = [
    "soap",
    "linen bowl",
    "oak",
    "stoneware mug",
    "lav",
    "candle beeswax",
    "small soft",
    "kitchen",
    "by hand",
]
ADDS_A_CART = 12


@dataclass(frozen=True)
class Row:
    """`goal` is the ratio to the bare app that docs/benchmarks.md sets itself."""

    name: str
    asks: Callable[[Shop], list[Ask]]
    goal: float | None = None


def get(path: str, port: int, *, host: str = "", more: str = "") -> bytes:
    """A GET as browsers send it, without what they say of themselves."""
    name = host or f"127.0.0.1:{port}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: bench\r\nAccept: text/html,*/*;q=0.8\r\n"
        f"Accept-Language: en\r\n{more}\r\n"
    ).encode()


def pages(
    marker: str, *paths: str, cart: bool = False, more: str = "", status: int = 200
) -> Callable[[Shop], list[Ask]]:
    """The same pages by turns on every connection; with `cart` each is a shopper with three lines in a cart."""

    def asks(shop: Shop) -> list[Ask]:
        found = []
        for _ in range(CONNECTIONS):
            cookie = f"Cookie: {shop.cart_of_three()}\r\n" if cart else ""
            requests = [get(path, shop.port, more=cookie + more) for path in _paths(paths, shop)]
            found.append(Ask(cycle(requests), str(status).encode(), marker.encode()))
        return found

    return asks


def _paths(paths: tuple[str, ...], shop: Shop) -> list[str]:
    known = {"LAST": [shop.last_page], "PRODUCTS": [f"/products/{slug}" for slug in shop.slugs]}
    return [real for path in paths for real in known.get(path, [path])]


def cold(marker: str, path: str) -> Callable[[Shop], list[Ask]]:
    """A page that is made anew each time: links carry the shop's host, so a page is kept by host, and every
    127.x.y.z is one in development."""

    def asks(shop: Shop) -> list[Ask]:
        hosts = (f"127.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(next(_started) << 14))
        targets = cycle(_paths((path,), shop))
        requests = (get(next(targets), shop.port, host=host) for host in hosts)
        return [Ask(requests, b"200", marker.encode())] * CONNECTIONS

    return asks


def cold_search(shop: Shop) -> list[Ask]:
    """Searches that nobody made before. A page is kept by what was typed, and no word is in dots and dashes."""

    def typed() -> Iterator[bytes]:
        for words, n in zip(cycle(SEARCHES), count(next(_started) << 20), strict=False):
            marks = f"{n:b}".translate({48: ".", 49: "-"})
            yield get(f"/search?q={words.replace(' ', '+')}+{marks}", shop.port)

    requests = typed()
    return [Ask(requests, b"200", CARDS.encode())] * CONNECTIONS


_started = count(1)


def post(path: str, port: int, form: Mapping[str, object], more: str = "") -> bytes:
    """A form as a page of the same site sends it; `more` are further lines of the head."""
    body = urlencode(form).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def field_check(shop: Shop) -> list[Ask]:
    """A wrong address is typed into the checkout form, and left; each shopper has a cart with three lines."""
    found = []
    for _ in range(CONNECTIONS):
        cookie = f"Cookie: {shop.cart_of_three()}\r\n"
        request = post("/checkout/fields/email", shop.port, {"email": "anna@"}, cookie + HTMX)
        found.append(Ask(cycle([request]), b"200", b'aria-invalid="true"'))
    return found


def stripe_session(sandbox: Shop) -> list[Ask]:
    """A checkout session is made."""
    item = "line_items[0]"
    session = {
        "mode": "payment",
        "success_url": "http://127.0.0.1/return",
        f"{item}[quantity]": 1,
        f"{item}[price_data][currency]": "usd",
        f"{item}[price_data][unit_amount]": 500,
        f"{item}[price_data][product_data][name]": "Soap",
    }
    key = "Authorization: Bearer " + "sk_test_" + "bench\r\n"
    request = post("/v1/checkout/sessions", sandbox.port, session, key)
    return [Ask(cycle([request]), b"200", b'"checkout.session"')] * CONNECTIONS


@dataclass
class Shopper:
    """Puts one piece after the other of three things into a cart, then begins a new one."""

    shop: Shop
    things: Iterator[int]
    more: str = ""
    cookies: dict[bytes, bytes] = field(default_factory=dict)
    added: int = 0

    def __iter__(self) -> "Shopper":
        return self

    def __next__(self) -> bytes:
        if self.added == ADDS_A_CART:
            self.cookies, self.added = {}, 0
        self.added += 1
        kept = b"; ".join(self.cookies.values()).decode()
        cookie = f"Cookie: {kept}\r\n" if kept else ""
        form = {"variant_id": next(self.things), "quantity": 1}
        return post("/cart/items", self.shop.port, form, self.more + cookie)

    def heed(self, head: bytes, _body: bytes) -> None:
        for cookie in COOKIE.findall(head):
            self.cookies[cookie.partition(b"=")[0]] = cookie


def adding(status: int, marker: str, more: str = "") -> Callable[[Shop], list[Ask]]:
    def asks(shop: Shop) -> list[Ask]:
        found = []
        for number in range(CONNECTIONS):
            things = shop.variants[number * 3 : number * 3 + 3]
            shopper = Shopper(shop, cycle(things), more)
            found.append(Ask(shopper, str(status).encode(), marker.encode(), shopper.heed))
        return found

    return asks


HTMX = "HX-Request: true\r\nHX-Request-Type: partial\r\n"
BADGE, CARDS = 'id="cart-badge"', 'class="card"'
ROWS = [
    Row("home", pages(CARDS, "/")),
    Row("listing", pages(CARDS, "/products"), 0.30),
    Row("listing, gzip", pages("content-encoding: gzip", "/products", more="Accept-Encoding: gzip, br\r\n")),
    Row("listing, with a cart", pages('data-count="3"', "/products", cart=True)),
    Row("listing, last page", pages(CARDS, "LAST"), 0.30),
    Row("listing, not kept", cold(CARDS, "/products"), 0.04),
    Row("product", pages('name="variant_id"', "PRODUCTS"), 0.30),
    Row("product, not kept", cold('name="variant_id"', "PRODUCTS")),
    Row("search", pages(CARDS, *(f"/search?q={words.replace(' ', '+')}" for words in SEARCHES))),
    Row("search, not kept", cold_search, 0.06),
    Row("badge", pages('data-count="3"', "/cart/badge", cart=True, more=HTMX), 0.25),
    Row("cart, 3 lines", pages("/cart/items/", "/cart", cart=True), 0.08),
    Row("add to cart", adding(303, "location: /cart"), 0.05),
    Row("add to cart, htmx", adding(200, BADGE, HTMX)),
    Row("checkout form", pages('name="email"', "/checkout", cart=True)),
    Row("checkout form, a field", field_check),
]
SANDBOX = Row("a session at the sandbox", stripe_session)
# Every page of these is made anew, so that the size of the catalogue can be felt.
SIZED = [
    Row("listing, first page", cold(CARDS, "/products"), 1.2),
    Row("listing, last page", cold(CARDS, "LAST"), 1.2),
    Row("product", cold('name="variant_id"', "PRODUCTS")),
    Row("search", cold_search, 1.3),
]
