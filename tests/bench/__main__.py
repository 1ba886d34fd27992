"""make bench: the shop beside a bare ASGI app and Litestar's hello, as one table of ratios.

python -m tests.bench [--rows NAME,…] [--rounds N] [--seconds S] [--big] [--write FILE]
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.bench import report, rows, shop
from tests.bench.measure import Figure, beside, plain
from tests.bench.servers import Server, serving

SMALL, BIG = 1_000, 100_000
STARTS = 5


def main() -> None:
    asked = arguments()
    chosen = [
        row for row in rows.ROWS if not asked.rows or any(name in row.name for name in asked.rows.split(","))
    ]
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.folder) as folder, ExitStack() as stack:
        log = Path(folder) / "servers.log"
        small = Path(folder) / "small.db"
        shop.make_database(small, SMALL)
        starts = [start_once(small, log) for _ in range(STARTS - 1)]
        running = stack.enter_context(serving("storefront.asgi:app", "/readyz", log, shop.environment(small)))
        starts.append(running.start)
        fresh = running.memory()
        bare = stack.enter_context(serving("tests.bench.apps:bare", "/", log))
        hello = stack.enter_context(serving("tests.bench.apps:litestar_hello", "/", log))
        stripe = {"SANDBOX_PATH": str(Path(folder) / "stripe.db")}
        sandbox = serving("storefront.sandbox.server:app", "/sandbox/control/state", log, stripe)
        others = [
            (rows.Row("Litestar hello", lambda _: plain(hello.port)), hello.port),
            (rows.SANDBOX, stack.enter_context(sandbox).port),
        ]
        figures = against_bare(chosen, shop.look_into(small, running.port), bare, asked)
        for row, port in others:
            figures += against_bare([row], shop.Shop(port, [], [], ""), bare, asked)
        facts = report.Facts(median(starts), fresh, running.memory())
        sized = against_small(small, Path(folder) / "big.db", running, log, asked) if asked.big else []
    report.show(figures, sized, facts)
    if asked.write:
        report.write(Path(asked.write), figures, sized, facts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", default="", help="only rows whose name holds one of these, by commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often each row is measured")
    parser.add_argument("--seconds", type=float, default=0.6, help="how long each time")
    parser.add_argument(
        "--big", action="store_true", help="compare with a catalogue of 100,000 products, too"
    )
    parser.add_argument("--write", metavar="FILE", help="write the tables there as well")
    parser.add_argument(
        "--folder", help="where the databases are made (default: the system's temporary folder)"
    )
    return parser.parse_args()


def start_once(database: Path, log: Path) -> float:
    with serving("storefront.asgi:app", "/readyz", log, shop.environment(database)) as started:
        return started.start


def against_bare(
    chosen: list[rows.Row], at: shop.Shop, bare: Server, asked: argparse.Namespace
) -> list[Figure]:
    """The chosen rows, each beside the bare app."""
    reference = (bare.port, plain(bare.port))
    return beside(chosen, at, lambda _: reference, asked.rounds, asked.seconds)


def against_small(
    small: Path, big: Path, running: Server, log: Path, asked: argparse.Namespace
) -> list[Figure]:
    """Pages of a big catalogue, each beside the same page of the small one."""
    shop.make_database(big, BIG)
    beside_it = shop.look_into(small, running.port)
    with serving("storefront.asgi:app", "/readyz", log, shop.environment(big)) as loaded:
        under_load = shop.look_into(big, loaded.port)
        return beside(
            rows.SIZED,
            under_load,
            lambda row: (running.port, row.asks(beside_it)),
            asked.rounds,
            asked.seconds,
        )


if __name__ == "__main__":
    main()
