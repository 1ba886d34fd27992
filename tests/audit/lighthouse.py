"""Lighthouse on a phone, as it is by default: a slow line and a slow processor, simulated."""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from tests.audit.tools import LIGHTHOUSE, run

SCORES = {
    "performance": 95,
    "accessibility": 100,
    "best-practices": 100,
    "seo": 100,
}
TIMES = {
    "largest-contentful-paint": 1800,
    "total-blocking-time": 100,
    "cumulative-layout-shift": 0,
}
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
)
ROUNDS = 3


@dataclass(frozen=True)
class Verdict:
    """One page: scores of 100, times in milliseconds (the layout shift has no unit), bytes on the wire, and the titles
    of what cost points. Scores and times are medians over the rounds."""

    name: str
    scores: dict[str, int]
    times: dict[str, float]
    weight: int
    problems: list[str]

    @property
    def missed(self) -> list[str]:
        low = [
            f"{name} {self.scores[name]} < {goal}"
            for name, goal in SCORES.items()
            if self.scores[name] < goal
        ]
        slow = [
            f"{name} {self.times[name]:.0f} > {goal}"
            for name, goal in TIMES.items()
            if self.times[name] > goal
        ]
        return low + slow


def judge(name: str, url: str, cookies: str, chromium: str, folder: Path) -> Verdict:
    """`cookies` is the Cookie header that every request carries. What is not for search engines is not asked whether it
    lets them in."""
    private = name in {"cart", "checkout"}
    headers = folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": cookies} if cookies else {}))
    reports = []
    for number in range(2 * ROUNDS):
        file = folder / f"{name}-{number}.json"
        said = run(
            (LIGHTHOUSE,),
            "lighthouse",
            url,
            "--quiet",
            "--output=json",
            f"--output-path={file}",
            f"--extra-headers={headers}",
            f"--only-categories={','.join(SCORES)}",
            *(["--skip-audits=is-crawlable"] if private else []),
            f"--chrome-flags={FLAGS}",
            folder=folder,
            CHROME_PATH=chromium,
        )
        if not file.exists():
            raise RuntimeError(f"Lighthouse said of {name}: {said[-800:]}")
        report = json.loads(file.read_text())
        # Now and then Lighthouse itself sees no page (NO_FCP); such a round says nothing about the shop.
        failed = [report["audits"][one].get("errorMessage") for one in TIMES]
        if any(failed):
            print(f"{name}, once more: {', '.join(filter(None, failed))}")
            continue
        reports.append(report)
        if len(reports) == ROUNDS:
            return _verdict(name, reports)
    raise RuntimeError(f"Lighthouse could not look at {name} in {2 * ROUNDS} rounds")


def _verdict(name: str, reports: list[dict[str, dict[str, dict[str, float]]]]) -> Verdict:
    last = reports[-1]
    wrong = [
        f"{audit['title']}"
        for audit in last["audits"].values()
        if audit.get("score") is not None
        and audit["score"] < 0.9
        and audit["scoreDisplayMode"] != "informative"
    ]
    return Verdict(
        name,
        {
            one: round(100 * statistics.median(report["categories"][one]["score"] or 0 for report in reports))
            for one in SCORES
        },
        {
            one: statistics.median(report["audits"][one]["numericValue"] for report in reports)
            for one in TIMES
        },
        round(last["audits"]["total-byte-weight"]["numericValue"]),
        wrong,
    )
