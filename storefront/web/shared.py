"""Counts that several processes share, in Redis. Without an answer the shop goes on and counts by itself."""

import asyncio
import time
from typing import Any

import structlog

log = structlog.get_logger()

ANSWER_WITHIN = 1.0
MOST_CONNECTIONS = 10
REST = 5.0


class SharedCounts:
    """INCRBY and EXPIRE in one transaction. After a failure Redis is left alone for five seconds, so that no request
    waits for it again and again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None
        self._rest_until = 0.0
        self._making: asyncio.Task[Any] | None = None

    @property
    def away(self) -> bool:
        return time.monotonic() < self._rest_until

    async def add(self, name: str, change: int, seconds: int) -> int | None:
        """The count under `name` after `change`; it is forgotten after `seconds`. None when Redis does not answer."""
        if self.away:
            return None
        try:
            async with asyncio.timeout(None if self._client is None else ANSWER_WITHIN):
                client = await self._connected()
                pipe = client.pipeline(transaction=True)
                pipe.incrby(name, change)
                pipe.expire(name, seconds)
                count, _ = await pipe.execute()
        except Exception as error:
            # Whatever it is, the shop sells on: these limits are not worth an error page.
            self._rest_until, self._making = time.monotonic() + REST, None
            log.error("redis does not answer; limits count in this process", problem=type(error).__name__)
            return None
        return int(count)

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
