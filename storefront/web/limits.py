"""How often somebody may do something: counts per key and window of time, bounded, shared through Redis when there is
one (web.shared)."""

import hashlib
import hmac
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import structlog

from storefront.language import ngettext
from storefront.settings import Settings
from storefront.web.errors import Refused
from storefront.web.request import ShopRequest
from storefront.web.shared import SharedCounts

log = structlog.get_logger()

MOST_KEYS = 10_000
WINDOW = 60


class Limit:
    """`most` per key and minute, in this process. Counting and asking are apart, so that only what deserves it is
    counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts = LocalCounts()

    def count(self, key: str) -> None:
        self._counts.add(key, int(time.time()) // WINDOW)

    def wait(self, key: str) -> int:
        """Seconds until the key may try again; 0 when it may now."""
        now = time.time()
        if self._counts.of(key, int(now) // WINDOW) < self._most:
            return 0
        return max(1, int((int(now) // WINDOW + 1) * WINDOW - now))


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `most` times in a window of `seconds`; `name` tells the rule from others."""

    name: str
    most: int
    seconds: int


@dataclass
class TooOften(Refused):
    """429: the `rules` of these names have had enough, and it is so many `minutes` until they let through again."""

    rules: tuple[str, ...] = ()
    minutes: int = 1


class Limits:
    """Counts for every rule of the shop. Windows are fixed: around the end of one, twice as many may pass."""

    def __init__(self, settings: Settings) -> None:
        url = settings.redis_url.get_secret_value()
        self._secret = settings.secret_keys[0].encode()
        self._shared = SharedCounts(url) if url else None
        # Each rule's by themselves: what floods one does not push out another's.
        self._local: defaultdict[str, LocalCounts] = defaultdict(LocalCounts)

    @property
    def away(self) -> bool:
        """True when counts should be shared and are not, since Redis does not answer."""
        return self._shared is not None and self._shared.away

    async def give_back(self, rule: Rule, key: str) -> None:
        """Take back one count: the try was none of those that the rule is about."""
        window = int(time.time()) // rule.seconds
        name = self._name(rule, key)
        if self._shared is None or not await self._shared.give_back(f"{name}:{window}"):
            self._local[rule.name].take_back(name, window)

    async def forget(self, rule: Rule, key: str) -> None:
        """Take back all counts of the window."""
        window = int(time.time()) // rule.seconds
        name = self._name(rule, key)
        # Here too, where counts may be of a time without Redis.
        self._local[rule.name].forget(name)
        if self._shared is not None:
            await self._shared.forget(f"{name}:{window}")

    async def meet(self, request: ShopRequest, *pairs: tuple[Rule, str]) -> None:
        """Count one try under each rule and key, or under none when one has had enough: whoever is over their own
        limit uses up nobody else's. Raises TooOften with Retry-After then."""
        waits = await self._take(pairs)
        if any(waits):
            reached = [rule.name for (rule, _), wait in zip(pairs, waits, strict=True) if wait]
            where = {"id": request.scope.get("request_id"), "route": request.scope.get("path_template")}
            log.warning("limit reached", rules=reached, **where)
            wait = max(waits)
            minutes = -(-wait // 60)
            text = ngettext(
                "Please wait %(n)s minute and try again.", "Please wait %(n)s minutes and try again.", minutes
            )
            headers = {"retry-after": str(wait)}
            raise TooOften(429, text=text, headers=headers, rules=tuple(reached), minutes=minutes)

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()

    async def _take(self, pairs: Sequence[tuple[Rule, str]]) -> list[int]:
        """The seconds to wait for each; counted only when all of them are 0."""
        now = time.time()
        windows = [int(now) // rule.seconds for rule, _ in pairs]
        names = [self._name(rule, key) for rule, key in pairs]
        counts = None
        if self._shared is not None:
            asked = zip(names, windows, pairs, strict=True)
            counts = await self._shared.take(
                [(f"{name}:{window}", rule.most, rule.seconds) for name, window, (rule, _) in asked]
            )
        if counts is None:
            counts = self._take_here(pairs, names, windows)
        return [
            0 if count < rule.most else max(1, int((window + 1) * rule.seconds - now))
            for count, window, (rule, _) in zip(counts, windows, pairs, strict=True)
        ]

    def _take_here(
        self, pairs: Sequence[tuple[Rule, str]], names: Sequence[str], windows: Sequence[int]
    ) -> list[int]:
        own = [self._local[rule.name] for rule, _ in pairs]
        found = list(zip(own, names, windows, strict=True))
        counts = [local.of(name, window) for local, name, window in found]
        if all(count < rule.most for count, (rule, _) in zip(counts, pairs, strict=True)):
            for local, name, window in found:
                local.add(name, window)
        return counts

    def _name(self, rule: Rule, key: str) -> str:
        # Keys are addresses of people: what lies in Redis is not readable without the shop's secret.
        digest = hmac.digest(self._secret, key.encode(), hashlib.sha256).hex()[:32]
        return f"storefront:{rule.name}:{digest}"


class LocalCounts:
    """Counts of one rule in this process. When there are too many, windows that are over go first, then the keys that
    were counted least: filling it with fresh keys makes it forget none that is near its limit."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def of(self, key: str, window: int) -> int:
        """The count of `key` in this window. Asking keeps nothing."""
        known, number = self._counts.get(key, (window, 0))
        return number if known == window else 0

    def add(self, key: str, window: int) -> None:
        if key not in self._counts and len(self._counts) >= MOST_KEYS:
            self._make_room(window)
        self._counts[key] = (window, self.of(key, window) + 1)

    def take_back(self, key: str, window: int) -> None:
        number = self.of(key, window)
        if number > 1:
            self._counts[key] = (window, number - 1)
        else:
            self.forget(key)

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)

    def _make_room(self, window: int) -> None:
        # Half at once, so that it is not sorted for every key that comes. Of equals the older go.
        alive = sorted(
            (item for item in self._counts.items() if item[1][0] == window), key=lambda item: item[1][1]
        )
        self._counts = dict(alive[-MOST_KEYS // 2 :])


def network_of(request: ShopRequest, *, bits: int = 64) -> str:
    """The network that a request came from: an IPv4 address, or the /64 that one IPv6 line is given; with fewer `bits`
    what a provider gives to a customer who wants many lines."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 128 - bits << 128 - bits)}/{bits}"
    return str(address)


def mailbox_of(email: str) -> str:
    """The mailbox that an address leads to at most providers: one spelling of its letters, no tag after a plus. For
    counting alone, since elsewhere these are different addresses."""
    local, _, domain = unicodedata.normalize("NFKC", email).lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
