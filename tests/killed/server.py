"""The shop and the sandbox Stripe as processes of their own: started, killed, started again on the same port."""

import asyncio
import importlib
import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.forks import processes
from tests.shop import NO_TLS, SETTINGS_NAMES, free_port

KEY, SECRET = "sk_test_" + "killed", "whsec_" + "killed"
READY_WITHIN = 30.0


def _serve(app: str, port: int, log: Path, settings: dict[str, str]) -> None:
    """What the new process does: it is `uvicorn APP` with these settings in its environment."""
    for name in SETTINGS_NAMES & os.environ.keys():
        del os.environ[name]
    os.environ.update(settings)
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    importlib.reload(importlib.import_module("storefront.steps"))  # which reads the environment
    uvicorn.run(app, port=port, access_log=False, proxy_headers=False, log_level="warning")


def _start(app: str, port: int, log: Path, **settings: str) -> multiprocessing.process.BaseProcess:
    process = processes.Process(target=_serve, args=(app, port, log, settings), daemon=True)
    process.start()
    return process


async def _until_it_answers(process: multiprocessing.process.BaseProcess, url: str, log: Path) -> bool:
    """False when the process ended before it said 200."""
    end = time.monotonic() + READY_WITHIN
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
        while time.monotonic() < end:
            if not process.is_alive():
                return False
            try:
                if (await client.get(url)).status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.03)
    raise AssertionError(f"{url} did not answer: {log.read_text()[-3000:]}")


class StripeServer:
    """The sandbox Stripe, which survives the shop. Its webhooks go to `shop_port`."""

    def __init__(self, folder: Path, shop_port: int) -> None:
        self.path, self._log = folder / "stripe.db", folder / "stripe.log"
        self.base = f"http://127.0.0.1:{free_port()}"
        self._process = _start(
            "storefront.sandbox.server:app",
            int(self.base.rpartition(":")[2]),
            self._log,
            SANDBOX_PATH=str(self.path),
            SANDBOX_WEBHOOK_URL=f"http://127.0.0.1:{shop_port}/webhooks/stripe",
            SANDBOX_WEBHOOK_SECRET=SECRET,
        )

    async def ready(self) -> None:
        up = await _until_it_answers(self._process, f"{self.base}/sandbox/control/state", self._log)
        assert up, self._log.read_text()

    async def control(self, action: str, **fields: Any) -> dict[str, Any]:
        return await self._post(f"/sandbox/control/{action}", fields)

    async def fault(self, match: str, kind: str, **more: Any) -> None:
        await self._post("/sandbox/faults", {"match": match, "kind": kind, **more})

    async def _post(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=10) as client:
            answer = await client.post(self.base + path, json=fields)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def waiting(self) -> int:
        """How many webhooks have not arrived yet."""
        counted = (await self.control("state"))["deliveries"]
        return int(counted["waiting"] + counted["sending"])

    def forget(self) -> None:
        """Everything, for the next case."""
        with closing(sqlite3.connect(self.path, timeout=10)) as books, books:
            for table in ("objects", "deliveries", "tries", "idempotency", "faults", "requests", "facts"):
                books.execute(f"DELETE FROM {table}")

    def forget_events(self) -> None:
        """As after 30 days."""
        with closing(sqlite3.connect(self.path, timeout=10)) as books, books:
            books.execute("DELETE FROM objects WHERE kind = 'event'")

    def stop(self) -> None:
        _end(self._process)


class ShopServer:
    """One server process of the shop. With a step's name in `stop_at` it kills itself there."""

    def __init__(self, folder: Path, port: int, database_url: str, stripe: StripeServer) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.outbox, self.log = folder / "outbox", folder / "shop.log"
        self._port = port
        self._settings = {
            "DATABASE_URL": database_url,
            "OUTBOX_DIR": str(self.outbox),
            "MEDIA_DIR": str(folder / "media"),
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": stripe.base,
            "STRIPE_CONNECTIVITY_CHECK": "false",
        }
        self._process: multiprocessing.process.BaseProcess | None = None
        self._stop_at = ""
        self.died = False

    async def start(self, stop_at: str = "") -> None:
        """Start, and wait until it is ready, or dead of the step."""
        self._stop_at = stop_at
        settings = {**self._settings, "STOREFRONT_STOP_AT": stop_at}
        self._process = _start("storefront.asgi:app", self._port, self.log, **settings)
        if not await _until_it_answers(self._process, f"{self.url}/readyz", self.log):
            self.see_it_dead()

    async def start_anew(self) -> None:
        """End and start it, as a deployment does; unless it died already, it still will at its step."""
        self.stop()
        await self.start("" if self.died else self._stop_at)

    @property
    def dead(self) -> bool:
        return self._process is not None and not self._process.is_alive()

    def see_it_dead(self) -> None:
        """Raises AssertionError unless it was killed as it should be."""
        assert self._process is not None
        self._process.join(20)
        code = self._process.exitcode
        assert code == -signal.SIGKILL, f"it ended with {code}: {self.log.read_text()[-3000:]}"
        self.died = True

    def stop(self) -> None:
        if self._process is not None:
            _end(self._process)


def _end(process: multiprocessing.process.BaseProcess) -> None:
    process.kill()
    process.join(20)
    process.close()
