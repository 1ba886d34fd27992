"""Running a test on a phone and on a desktop."""

import functools
import inspect
from asyncio import TaskGroup
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from tests.browser.chromium import DESKTOP, PHONE

Test: TypeAlias = Callable[..., Awaitable[None]]
OPTIONS: dict[str, dict[str, Any]] = {"page": {}, "plain_page": {"java_script_enabled": False}}


def at_both_widths(test: Test) -> Test:
    """Gives a test its `page` (or `plain_page`, without JavaScript) in two clean browsers, a phone's and a wide one,
    both at the same time. It may ask for its `width` too."""
    signature = inspect.signature(test)
    name = next(name for name in OPTIONS if name in signature.parameters)

    @functools.wraps(test)
    async def at_both(open_browser: Any, **given: Any) -> None:
        async def at(width: int) -> None:
            own: dict[str, Any] = {name: await open_browser(width, **OPTIONS[name])}
            if "width" in signature.parameters:
                own["width"] = width
            try:
                await test(**given, **own)
            except Exception as error:
                error.add_note(f"(in a window of {width} px)")
                raise

        async with TaskGroup() as group:
            for width in (PHONE, DESKTOP):
                group.create_task(at(width))

    others = [one for one in signature.parameters.values() if one.name not in {name, "width", "open_browser"}]
    opener = inspect.Parameter("open_browser", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    at_both.__signature__ = inspect.Signature([opener, *others])  # type: ignore[attr-defined]
    return at_both
