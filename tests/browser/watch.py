"""What must never happen while somebody uses the shop, noticed wherever it happens."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, Response, WebError

LOOPBACK = {"127.0.0.1", "localhost"}
# Chromium repeats on the console what an answer's status said already.
REPEATED = "Failed to load resource"


class Watch:
    """Listens to browsers. Violations of the Content-Security-Policy are console errors in Chromium."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._meant: list[re.Pattern[str]] = []

    def expect(self, *patterns: str) -> None:
        """This test causes these on purpose: patterns of problems, such as "^422 "."""
        self._meant += [re.compile(pattern) for pattern in patterns]

    def over(self, context: BrowserContext) -> None:
        for event, listener in self._listeners().items():
            context.on(event, listener)  # type: ignore[call-overload]

    def leave(self, context: BrowserContext) -> None:
        for event, listener in self._listeners().items():
            context.remove_listener(event, listener)

    def _listeners(self) -> dict[str, Callable[..., None]]:
        return {
            "console": self._said,
            "weberror": self._thrown,
            "request": self._asked,
            "requestfailed": self._unanswered,
            "response": self._answered,
        }

    def verdict(self) -> list[str]:
        """What went wrong and was not meant to."""
        return [one for one in self.problems if not any(meant.search(one) for meant in self._meant)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(REPEATED):
            self.problems.append(f"console {message.type}: {message.text}")

    def _thrown(self, error: WebError) -> None:
        self.problems.append(f"page error: {error.error}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.hostname not in LOOPBACK:
            self.problems.append(f"asked another host: {request.url}")

    def _unanswered(self, request: Request) -> None:
        # Leaving a page, and htmx's newer request for the same field, abort what is under way.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"no answer ({request.failure}): {request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")
