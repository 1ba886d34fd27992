"""Passwords by argon2id, off the loop, a few at a time.

The cost is the first of those that OWASP's password storage cheat sheet gives for 19 MiB: two rounds, one lane
(https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id). A hash with other
parameters is made anew at the next sign-in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storefront.database import Busy

T = TypeVar("T")
AT_ONCE = 2
MOST_WAITING = 200

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# What an unknown address is compared with, so that it takes as long as a known one; nobody knows its password.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AzLY4lKChsQdZDySyr5QnQ$jrXUmus2hP6BeJZ2G2dRDk9PBMnWcDV7fZapfoeh9/M"


class Hashing:
    """Two threads that hash, for at most 200 who wait; more are told to come back (Busy)."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, "argon2")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The hash to store. Raises Busy."""
        return await self._run(_hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`; without one it takes as long and is False. Raises Busy."""
        found = await self._run(_matches, stored or NOBODY, password)
        return found and stored is not None

    async def _run(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def out_of_date(stored: str) -> bool:
    """True when today's hashes are made with other parameters."""
    return _hasher.check_needs_rehash(stored)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
