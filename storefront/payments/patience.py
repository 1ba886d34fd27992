"""How long whoever asks Stripe may wait in all: a page answers within ten seconds, however many calls it makes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# A page has ten seconds; the rest is for the database and for rendering.
FOR_A_PAGE = 8.5
# The order page asks again by itself, so it need not wait for a slow Stripe.
FOR_A_LOOK = 2.5
# Stripe's webhooks and the worker's own claims allow more, but not for ever.
FOR_AN_EVENT = 9.0

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """All calls to Stripe inside this block share so many seconds. An outer block's end counts too."""
    end, outer = time.monotonic() + seconds, _until.get()
    token = _until.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _until.reset(token)


def time_left(most: float) -> float:
    """Seconds that the next call may take, at most `most`; zero or less when the time is up."""
    until = _until.get()
    return most if until is None else min(most, until - time.monotonic())
