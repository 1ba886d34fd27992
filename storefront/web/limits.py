"""How often somebody may do something: counts per key and window of time, bounded, shared through Redis when there is
one (web.shared)."""

import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import structlog

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
        self._counts.add(key, 1, int(time.time()) // WINDOW)

    def wait(self, key: str) -> int:
        """Seconds until the key may try again; 0 when it may now."""
        now = time.time()
        if self._counts.add(key, 0, int(now) // WINDOW) < self._most:
            return 0
        return max(1, int((int(now) // WINDOW + 1) * WINDOW - now))


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `most` times in a window of `seconds`; `name` tells the rule from others."""

    name: str
    most: int
    seconds: int


class Limits:
    """Counts for every rule of the shop. Windows are fixed: around the end of one, twice as many may pass."""

    def __init__(self, settings: Settings) -> None:
        url = settings.redis_url.get_secret_value()
        self._secret = settings.secret_keys[0].encode()
        self._shared = SharedCounts(url) if url else None
        self._local = LocalCounts()

    @property
    def away(self) -> bool:
        """True when counts should be shared and are not, since Redis does not answer."""
        return self._shared is not None and self._shared.away

    async def take(self, rule: Rule, key: str) -> int:
        """Count one try of `key`, refused ones too: 0 when it may go on, else the seconds to wait."""
        return await self._look(rule, key, 1)

    async def give_back(self, rule: Rule, key: str) -> None:
        """Take back one count: the try was none of those that the rule is about."""
        await self._look(rule, key, -1)

    async def meet(self, *pairs: tuple[Rule, str]) -> None:
        """Count one try under each rule and key. Raises Refused 429 with Retry-After when one has had enough."""
        waits = [await self.take(rule, key) for rule, key in pairs]
        if any(waits):
            log.warning(
                "limit reached", rules=[pair[0].name for pair, wait in zip(pairs, waits, strict=True) if wait]
            )
            raise Refused(429, headers={"retry-after": str(max(waits))})

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()

    async def _look(self, rule: Rule, key: str, change: int) -> int:
        now = time.time()
        window = int(now) // rule.seconds
        # Keys are addresses of people: what lies in Redis is not readable without the shop's secret.
        digest = hmac.digest(self._secret, key.encode(), hashlib.sha256).hex()[:32]
        name = f"storefront:{rule.name}:{digest}"
        number = None
        if self._shared is not None:
            number = await self._shared.add(f"{name}:{window}", change, rule.seconds)
        if number is None:
            number = self._local.add(name, change, window)
        return 0 if number <= rule.most else max(1, int((window + 1) * rule.seconds - now))


class LocalCounts:
    """Counts of this process; the keys that were not used for longest are forgotten first."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def add(self, key: str, change: int, window: int) -> int:
        """The count of `key` in this window after `change`."""
        known, number = self._counts.pop(key, (window, 0))
        number = (number if known == window else 0) + change
        self._counts[key] = (window, number)
        while len(self._counts) > MOST_KEYS:
            self._counts.popitem(last=False)
        return number


def network_of(request: ShopRequest) -> str:
    """The network that a request came from: an IPv4 address, or the /64 that one IPv6 line is given."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
