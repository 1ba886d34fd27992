"""The processes that are measured: two of uvicorn's each, on a free port, ended by their id."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.shop import free_port

PROCESSES = 2
PATIENCE = 60
# A memory that changes by less than this share within a second does not change.
STILL = 0.005
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its process and how many seconds it took from nothing to ready."""

    port: int
    process: "subprocess.Popen[bytes]"
    start: float

    def memory(self) -> float:
        """Megabytes of the serving processes, shared pages split among those who share them (PSS), once they stand
        still: what the worker needs first is loaded after the shop is ready."""
        before, now, until = 0.0, self._memory(), time.perf_counter() + PATIENCE
        while abs(now - before) > STILL * now and time.perf_counter() < until:
            time.sleep(1)
            before, now = now, self._memory()
        return now

    def _memory(self) -> float:
        return sum(_pss(pid) for pid in _children(self.process.pid)) / 1000


@contextmanager
def serving(app: str, ready: str, log: Path, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """`app` (module:name), from its spawn to the first 200 at `ready` until the block ends; it prints into `log`.
    Bytecode is kept beside that, as it is beside the code where the shop is installed."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    command += [
        "--workers",
        str(PROCESSES),
        "--no-access-log",
        "--no-proxy-headers",
        "--log-level",
        "warning",
    ]
    with log.open("ab") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=output, env=_environment(log.parent, environment or {})
        )
        try:
            _wait(process, port, ready, log)
            yield Server(port, process, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in [*_children(process.pid), process.pid]:
                    os.kill(pid, signal.SIGKILL)
                process.wait()


def _environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), **given}


def _wait(process: "subprocess.Popen[bytes]", port: int, ready: str, log: Path) -> None:
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", ready)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise SystemExit(f"the server did not start; its last words:\n{log.read_text()[-2000:]}")


def _children(pid: int) -> list[int]:
    """The serving processes: multiprocessing starts another that only looks after what they share."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _pss(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0
