"""Driving two servers by turns, so that both meet the same weather on a machine that is not ours alone."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.bench.client import CONNECTIONS, Ask, Result, drive
from tests.bench.rows import Row, get
from tests.bench.shop import Shop

WARM_UP = 0.15


@dataclass(frozen=True)
class Figure:
    """Medians over the rounds: answers a second, milliseconds, and the rate divided by the other server's."""

    name: str
    rate: float
    p50: float
    p99: float
    ratio: float
    goal: float | None = None


def plain(port: int) -> list[Ask]:
    """What the bare app and the hello are asked."""
    request = get("/", port)
    return [Ask(iter(lambda: request, b""), b"200", b"<title>bare") for _ in range(CONNECTIONS)]


def beside(
    rows: list[Row], shop: Shop, other: Callable[[Row], tuple[int, list[Ask]]], rounds: int, seconds: float
) -> list[Figure]:
    """Each row of `shop` and, right before it, what `other` names (a port and what to ask there), `rounds` times."""
    found: dict[str, list[tuple[Result, float]]] = {row.name: [] for row in rows}
    asks = {row.name: row.asks(shop) for row in rows}
    others = {row.name: other(row) for row in rows}
    for row in rows:
        drive(shop.port, asks[row.name], WARM_UP)
    for _ in range(rounds):
        for row in rows:
            reference = drive(*others[row.name], seconds)
            result = drive(shop.port, asks[row.name], seconds)
            found[row.name].append((result, result.rate / reference.rate))
    return [figure(row, found[row.name]) for row in rows]


def figure(row: Row, results: list[tuple[Result, float]]) -> Figure:
    return Figure(
        row.name,
        rate=median(result.rate for result, _ in results),
        p50=median(result.percentile(0.50) for result, _ in results),
        p99=median(result.percentile(0.99) for result, _ in results),
        ratio=median(ratio for _, ratio in results),
        goal=row.goal,
    )
