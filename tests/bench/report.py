"""The tables, on the screen and as a page of the documentation."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Figure

# The last parts of the page: the storm's, and `make audit`'s.
STORM = "## Checkout storm"
AUDITS = "## What others' tools say"
START_GOAL, MEMORY_GOAL = 1.0, 110
COLUMNS = ["", "answers/s", "p50 ms", "p99 ms", "ratio", "goal"]
INTRODUCTION = """\
# Benchmarks

How fast the shop is, as ratios to an ASGI app that can do nothing but answer with a fixed page of 8 kB. Only ratios
mean something on another machine, and only those of one run may be compared.

To repeat this: `make bench`, or `make bench ARGS="--big --write docs/benchmarks.md"` for all of this page. It ends by
itself. `ARGS="--rows cart,badge"` measures some rows only.

The shop runs as `uvicorn storefront.asgi:app --workers 2` with its default settings (development, the sandbox Stripe,
the worker inside, one JSON line logged a request) on a fresh SQLite file with 1,000 products; the bare app and
Litestar's hello run with two processes too. One client process keeps 16 connections busy, first with the bare app,
then with the shop, row by row; a row's figures are medians over the rounds. Every answer's status and a mark in its
body are checked. "Not kept" are pages that no process has made before; the others are in the page cache. Adding to
the cart is durable: SQLite syncs the disk before the answer is sent.
"""


@dataclass(frozen=True)
class Facts:
    """Seconds from spawn to ready; megabytes (PSS) of both processes when started and after the load."""

    start: float
    memory: float
    memory_after: float


def show(figures: list[Figure], sized: list[Figure], facts: Facts) -> None:
    """One table (and, for the big catalogue, a second one) on the screen."""
    console = Console()
    for title, found in (("beside the bare app", figures), ("100,000 products beside 1,000", sized)):
        if found:
            table = Table(title=title)
            for column in COLUMNS:
                table.add_column(column, justify="right" if column else "left")
            for figure in found:
                table.add_row(*cells(figure, slower=found is sized))
            console.print(table)
    for line in sentences(facts):
        console.print(line)


def cells(figure: Figure, *, slower: bool) -> list[str]:
    """One row. A ratio to the bare app is better when larger, one to the small catalogue is given as times slower."""
    ratio = 1 / figure.ratio if slower else figure.ratio
    goal = "" if figure.goal is None else f"{'≤ ' if slower else ''}{figure.goal:.2f}"
    return [
        figure.name,
        f"{figure.rate:,.0f}",
        f"{figure.p50:.1f}",
        f"{figure.p99:.1f}",
        f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}",
        goal,
    ]


def sentences(facts: Facts) -> list[str]:
    return [
        f"Start, from nothing to a ready shop: {facts.start:.2f} s (goal {START_GOAL:.1f}).",
        f"Memory of the two processes (PSS): {facts.memory:.0f} MB at rest after the start, "
        f"{facts.memory_after:.0f} MB after the load (goal {MEMORY_GOAL}).",
    ]


def write(file: Path, figures: list[Figure], sized: list[Figure], facts: Facts) -> None:
    """The same as a page in Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    parts = [
        INTRODUCTION,
        f"Last run: {machine}.",
        markdown(figures, slower=False),
        "\n".join(sentences(facts)),
    ]
    if sized:
        parts.append(
            "## 100,000 products beside 1,000\n\nPages that are made anew; the ratio is how many times slower."
        )
        parts.append(markdown(sized, slower=True))
    file.parent.mkdir(exist_ok=True)
    before = file.read_text() if file.exists() else ""
    parts += [kept for kept in (part_of(before, STORM), part_of(before, AUDITS)) if kept]
    file.write_text("\n\n".join(part.strip() for part in parts) + "\n")


def part_of(page: str, title: str) -> str:
    """The part of the page under a title, as it stands; empty when there is none."""
    _before, found, after = page.partition(title)
    return found + after.partition("\n## ")[0] if found else ""


def write_storm(file: Path, text: str, table: list[list[str]]) -> None:
    """Put the storm's part into the page, in the place of the one before."""
    page = file.read_text()
    rest = page.replace(part_of(page, STORM), "")
    lines = [table[0], ["---", *["---:"] * (len(table[0]) - 1)], *table[1:]]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    before, audits, after = rest.partition(AUDITS)
    parts = [before, f"{STORM}\n\n{text}\n\n{rows}", audits + after]
    file.write_text("\n\n".join(part.strip() for part in parts if part.strip()) + "\n")


def markdown(figures: list[Figure], *, slower: bool) -> str:
    lines = [
        COLUMNS,
        ["---", *["---:"] * (len(COLUMNS) - 1)],
        *(cells(figure, slower=slower) for figure in figures),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
