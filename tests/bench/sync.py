"""How long a sync of a big catalogue takes, what memory it needs, and how fast it asks Stripe:

    python -m tests.bench.sync [PRODUCTS …]        10000 unless said otherwise

The sandbox stands in for Stripe as a server of its own; the command that is measured is `storefront stripe sync`, on
SQLite, three times: everything is new, nothing has changed, every name has changed.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storefront.database import migrate
from storefront.sandbox import Sandbox
from storefront.sandbox.books import Books
from storefront.sandbox.shapes import catalogue as shape
from storefront.settings import Settings
from tests.bench.servers import ROOT, serving

STRIPES_LIMIT = 25  # reads a second in test mode, 100 live: docs.stripe.com/rate-limits
OURS = {str(field.alias) for field in Settings.model_fields.values()}


@dataclass(frozen=True)
class Measured:
    """Seconds, the peak of the command's memory in MB (RSS), reads of Stripe in all and in the busiest second."""

    what: str
    products: int
    seconds: float
    memory: float
    reads: int
    busiest: int
    said: str


async def fill(path: Path, products: int) -> None:
    """Put so many products with one price each into a sandbox's file, without the events that nobody awaits."""

    async def nobody(_body: bytes, _headers: dict[str, str]) -> int:
        raise ConnectionError

    def work(books: Books) -> None:
        for number in range(products):
            params = {"name": f"Product {number}", "description": f"Number {number} of many. " * 8}
            product = books.add(shape.product(params, created=books.now))
            price = {"currency": "usd", "unit_amount": 100 + number % 9000}
            books.add(shape.price(price, product["id"], created=books.now))

    sandbox = Sandbox(path, nobody)
    await sandbox.store.write(work)
    await sandbox.stop()


def rename_all(path: Path) -> None:
    with closing(sqlite3.connect(path)) as books, books:
        name = "json_set(body, '$.name', json_extract(body, '$.name') || '!')"
        books.execute(f"UPDATE objects SET body = {name} WHERE kind = 'product'")


def reads_of(path: Path) -> tuple[int, int]:
    """How many requests the sandbox remembers, and how many came in the busiest second; then it forgets them."""
    with closing(sqlite3.connect(path, timeout=10)) as books, books:
        at = [row[0] for row in books.execute("SELECT at FROM requests WHERE method = 'GET'")]
        books.execute("DELETE FROM requests")
    windows = Counter(int(moment) for moment in at)
    return len(at), max(windows.values(), default=0)


def run_sync(environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds, peak megabytes and last line of one `storefront stripe sync`."""
    command = [str(Path(sys.executable).parent / "storefront"), "stripe", "sync"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            last = line.strip() or last
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, last
    return time.perf_counter() - began, usage.ru_maxrss / 1024, last


def measure(products: int, folder: Path) -> list[Measured]:
    stripe, url = folder / "stripe.db", f"sqlite+aiosqlite:///{folder / 'shop.db'}"
    asyncio.run(fill(stripe, products))
    migrate(url, "head")
    found = []
    with serving(
        "storefront.sandbox.server:app", "/sandbox/dashboard", folder / "log", {"SANDBOX_PATH": str(stripe)}
    ) as server:
        environment = {name: value for name, value in os.environ.items() if name not in OURS}
        environment |= {"DATABASE_URL": url, "STRIPE_API_BASE": f"http://127.0.0.1:{server.port}"}
        environment |= {"STRIPE_SECRET_KEY": "sk_test_" + "bench", "OUTBOX_DIR": str(folder / "outbox")}
        for what in ("all new", "nothing changed", "all changed"):
            if what == "all changed":
                rename_all(stripe)
            seconds, memory, said = run_sync(environment)
            found.append(Measured(what, products, seconds, memory, *reads_of(stripe), said))
    return found


def main() -> None:
    print(f"{'':17} {'products':>9} {'seconds':>8} {'peak MB':>8} {'reads':>6} {'in the busiest second':>22}")
    for products in [int(text) for text in sys.argv[1:]] or [10_000]:
        with tempfile.TemporaryDirectory() as folder:
            for one in measure(products, Path(folder)):
                print(
                    f"{one.what:17} {one.products:9,} {one.seconds:8.1f} {one.memory:8.0f} {one.reads:6} "
                    f"{one.busiest:22}  {one.said}"
                )
                assert one.busiest <= STRIPES_LIMIT


if __name__ == "__main__":
    main()
