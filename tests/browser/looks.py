"""What can be measured of an open page: axe's rules, sizes of targets, room for text, the way of the focus."""

from pathlib import Path
from typing import Any, TypeAlias

from playwright.async_api import Page

HERE = Path(__file__).parent
SCRIPTS = [(HERE / "vendor" / "axe-4.14.1.min.js").read_text(), (HERE / "looks.js").read_text()]
# A dark scheme changes colours and nothing else in the page.
COLOURS = ["color-contrast", "link-in-text-block"]
Findings: TypeAlias = list[str]


async def _ask(page: Page, question: str, *args: Any) -> Any:
    if not await page.evaluate("'looks' in window"):
        for script in SCRIPTS:
            await page.evaluate(script)
    return await page.evaluate(f"(args) => looks.{question}(...args)", args)


async def axe(page: Page, rules: list[str] | None = None) -> Findings:
    """axe's violations, of all its rules or of these."""
    return [*await _ask(page, "violations", rules)]


async def small_targets(page: Page) -> Findings:
    """Targets below 24 px, and those that matter below 44 px."""
    return [*await _ask(page, "smallTargets")]


async def too_wide(page: Page) -> Findings:
    """What makes the page scroll sideways."""
    return [*await _ask(page, "tooWide")]


async def broken_words(page: Page) -> Findings:
    """Words of headings, labels and buttons of which a letter or two stand alone on a line."""
    return [*await _ask(page, "brokenWords")]


async def tab_walk(page: Page) -> Findings:
    """Press Tab through the whole page: every stop once, in order, visible, and out again at the end."""
    found: Findings = []
    number = await _ask(page, "findStops")
    first = (await _ask(page, "whereIsFocus"))["place"] + 1
    for expected in range(first, number):
        await page.keyboard.press("Tab")
        at = await _ask(page, "whereIsFocus")
        if at["place"] != expected:
            return [*found, f"Tab {expected + 1} led to stop {at['place'] + 1}: {at['element']}"]
        found += [f"the focus {wrong}: {at['element']}" for wrong in at["wrong"]]
    await page.keyboard.press("Tab")
    after = await _ask(page, "whereIsFocus")
    return [*found, f"the focus is held at {after['element']}"] if after["place"] > 0 else found
