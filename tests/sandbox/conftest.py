"""The sandbox in process and as a server, the official SDK in front of it, and the shop's end as a list."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import stripe

from storefront.sandbox import Sandbox
from tests.conftest import missing
from tests.shop import free_port

KEY = "sk_test_" + "sandbox"
SECRET = "whsec_test"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "stripe"
LINE = {
    "quantity": 2,
    "price_data": {"currency": "usd", "unit_amount": 1250, "product_data": {"name": "Soap"}},
}


@dataclass
class Shop:
    """The shop's end of the webhooks: what came, and the status that is given next."""

    events: list[stripe.Event] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def deliver(self, body: bytes, headers: dict[str, str]) -> int:
        self.events.append(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise ConnectionRefusedError("the shop is down")
        return status

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    async def until(self, number: int, seconds: float = 3) -> list[str]:
        """The types of the first so many events, waited for."""
        async with asyncio.timeout(seconds):
            while len(self.events) < number:
                await asyncio.sleep(0.01)
        return self.types


class InProcess(stripe.HTTPClient):
    """The SDK's requests, carried to an ASGI app in this process."""

    name = "in process"

    def __init__(self, app: Any) -> None:
        super().__init__()
        self.app = app

    async def request_async(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), trust_env=False) as client:
            try:
                answer = await client.request(method, url, headers=headers, content=post_data)
            except ConnectionError as error:
                raise stripe.APIConnectionError(str(error), should_retry=True) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        await asyncio.sleep(min(secs, 0.01))


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def sandbox(tmp_path: Path, shop: Shop) -> AsyncIterator[Sandbox]:
    made = Sandbox(tmp_path / "sandbox.db", shop.deliver, webhook_secret=SECRET)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, http_client=InProcess(sandbox.api))


@pytest.fixture
async def browser(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the payment page and the Dashboard; it follows no redirect by itself."""
    transport = httpx.ASGITransport(sandbox.pages)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8000", trust_env=False
    ) as made:
        yield made


@pytest.fixture
async def raw(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The API without the SDK."""
    headers = {"Authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(sandbox.api)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://stripe", headers=headers, trust_env=False
    ) as made:
        yield made


def order(**more: Any) -> Any:
    """Parameters of a session for two soaps at 12.50 USD."""
    back = "http://127.0.0.1:8000/checkout"
    urls = {
        "success_url": back + "/return?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": back + "/cancel?order=x",
    }
    return {"mode": "payment", "line_items": [LINE], "client_reference_id": "SF-1"} | urls | more


@pytest.fixture(scope="session")
def spec() -> Any:
    """Stripe's schemas, which nobody here wrote from memory."""
    path = SHARED / "validate_request.py"
    if not path.exists():
        missing("Stripe's description", "It is looked for in ../shared/stripe beside this checkout.")
    found = importlib.util.spec_from_file_location("validate_request", path)
    assert found is not None
    assert found.loader is not None
    module = ModuleType(found.name)
    found.loader.exec_module(module)
    return module.load(SHARED / "openapi" / "sdk-16.1.0-shop.json")


OBJECTS = {
    "balance": "_balance:Balance",
    "balance_transaction": "_balance_transaction:BalanceTransaction",
    "charge": "_charge:Charge",
    "checkout.session": "checkout/_session:Session",
    "coupon": "_coupon:Coupon",
    "dispute": "_dispute:Dispute",
    "event": "_event:Event",
    "item": "_line_item:LineItem",
    "payment_intent": "_payment_intent:PaymentIntent",
    "payment_method": "_payment_method:PaymentMethod",
    "price": "_price:Price",
    "product": "_product:Product",
    "refund": "_refund:Refund",
    "shipping_rate": "_shipping_rate:ShippingRate",
}


@pytest.fixture
def check(spec: Any) -> Callable[[Any], None]:
    """Fails when an object, or the object inside an event, does not have Stripe's shape."""

    def checked(obj: Any) -> None:
        shown = obj if isinstance(obj, dict) else json.loads(json.dumps(obj.to_dict(), default=str))
        assert spec.object(OBJECTS[shown["object"]], shown) == []
        if shown["object"] == "event":
            checked(shown["data"]["object"])

    return checked


@dataclass
class Served:
    """A sandbox server process."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """uvicorn storefront.sandbox.server:app on a free port."""
    folder = tmp_path_factory.mktemp("served")
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "storefront.sandbox.server:app", "--port", str(port)]
    environment = os.environ | {"SANDBOX_PATH": str(folder / "sandbox.db"), "SANDBOX_WEBHOOK_SECRET": SECRET}
    environment.pop("SANDBOX_WEBHOOK_URL", None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{port}"
        try:
            _until_it_answers(url, process)
            yield Served(url, process)
        finally:
            process.terminate()
            process.wait(10)
    text = (folder / "log").read_text()
    assert "Traceback" not in text, text


def _until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            httpx.get(f"{url}/sandbox/clock", trust_env=False)
            return
        except httpx.TransportError:
            assert process.poll() is None
            time.sleep(0.05)
    pytest.fail("the sandbox server did not start")
