"""Counts that several processes share, in Redis. Without an answer the shop goes on and counts by itself."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

log = structlog.get_logger()

ANSWER_WITHIN = 2.0
MOST_CONNECTIONS = 10
REST = 5.0


# A script runs alone: nobody counts between the look at the counts and the change of them.
TAKE = """
local counts, enough = {}, false
for n, key in ipairs(KEYS) do
  counts[n] = tonumber(redis.call('GET', key) or '0')
  enough = enough or counts[n] >= tonumber(ARGV[2 * n - 1])
end
if not enough then
  for n, key in ipairs(KEYS) do
    redis.call('INCR', key)
    redis.call('EXPIRE', key, ARGV[2 * n])
  end
end
return counts
"""
GIVE_BACK = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 1
"""


FORGET = "return redis.call('DEL', KEYS[1])"


class SharedCounts:
    """Counts under names, changed by scripts. After a failure Redis is left alone for five seconds, so that no request
    waits for it again and again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None
        self._rest_until = 0.0
        self._making: asyncio.Task[Any] | None = None

    @property
    def away(self) -> bool:
        return time.monotonic() < self._rest_until

    async def take(self, wanted: Sequence[tuple[str, int, int]]) -> list[int] | None:
        """Count one under each (name, most, seconds), forgotten after `seconds`, or under none when one of them has
        reached its `most`; gives the counts before. None when Redis does not answer."""
        names = [name for name, _, _ in wanted]
        arguments = [number for _, most, seconds in wanted for number in (most, seconds)]
        counts = await self._run(TAKE, names, arguments)
        return None if counts is None else [int(count) for count in counts]

    async def give_back(self, name: str) -> bool:
        """Take one back, unless there is none. False when Redis does not answer."""
        return await self._run(GIVE_BACK, [name], []) is not None

    async def forget(self, name: str) -> None:
        await self._run(FORGET, [name], [])

    async def _run(self, script: str, names: list[str], arguments: list[int]) -> Any:
        if self.away:
            return None
        try:
            async with asyncio.timeout(None if self._client is None else ANSWER_WITHIN):
                client = await self._connected()
                return await client.eval(script, len(names), *names, *arguments)
        except Exception as error:
            # Whatever it is, the shop sells on: these limits are not worth an error page.
            self._rest_until, self._making = time.monotonic() + REST, None
            log.error("redis does not answer; limits count in this process", problem=type(error).__name__)
            return None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _connected(self) -> Any:
        if self._client is None:
            # The library takes long to import, which neither a start nor the other requests should wait for.
            self._making = self._making or asyncio.create_task(asyncio.to_thread(_client, self._url))
            self._client = await asyncio.shield(self._making)
        return self._client


def _client(url: str) -> Any:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=ANSWER_WITHIN,
        socket_timeout=ANSWER_WITHIN,
        socket_connect_timeout=ANSWER_WITHIN,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
