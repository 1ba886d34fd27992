"""The circuit breaker: after repeated failures Stripe is left alone, one call being let through every 10 seconds."""

import time

FAILURES = 5
ONE_CALL_EVERY = 10.0


class Breaker:
    """Per process. Closed until five calls in a row failed; open until one that was let through works."""

    def __init__(self) -> None:
        self._failures = 0
        self._next_call_at = 0.0

    @property
    def open(self) -> bool:
        """True while Stripe is left alone: pages then say at once that payment is unavailable."""
        return self._failures >= FAILURES and time.monotonic() < self._next_call_at

    @property
    def tripped(self) -> bool:
        """True from the fifth failure on until a call works again."""
        return self._failures >= FAILURES

    def lets_through(self) -> bool:
        """Whether this call may be made; when open, one caller every 10 seconds may."""
        if self._failures < FAILURES:
            return True
        if time.monotonic() < self._next_call_at:
            return False
        self._next_call_at = time.monotonic() + ONE_CALL_EVERY
        return True

    def worked(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._next_call_at = time.monotonic() + ONE_CALL_EVERY

    def abandoned(self) -> None:
        """The caller went away before an answer: that says nothing of Stripe, so the next may try at once."""
        self._next_call_at = min(self._next_call_at, time.monotonic())
