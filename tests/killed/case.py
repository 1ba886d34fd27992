"""One case: a shop that will die at a step, shoppers who try again, and time that passes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import select

from storefront.database import Database
from storefront.orders.models import Order
from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.payments.gateway import Gateway
from storefront.payments.reconcile import reconcile
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.web.templates import Templates
from storefront.worker import JOBS, WorkerRoom
from tests.faults.invariants import check, in_sandbox
from tests.killed.server import KEY, SECRET, ShopServer, StripeServer
from tests.shop import NO_TLS, Thing, new_thing

T = TypeVar("T")
WITHIN = 25.0
FORM_TYPE = "application/x-www-form-urlencoded"
WHO = {"email": "anna@example.org", "name": "Anna Larsson"}


class Case:
    """What a story works with. The test's own process is a second worker, two minutes later."""

    def __init__(
        self, shop: ShopServer, stripe: StripeServer, database: Database, settings: Settings
    ) -> None:
        self.shop, self.stripe, self.database, self.settings = shop, stripe, database, settings
        mailer = Mailer(settings, Templates(settings, Assets(settings)))
        self._worker = WorkerRoom(settings, database, Gateway(settings), mailer)

    async def thing(self) -> Thing:
        """Something that runs out, sent by mail."""
        return await new_thing(self.database, on_hand=5, requires_shipping=False)

    @asynccontextmanager
    async def shopper(self) -> AsyncIterator["Shopper"]:
        """A browser with a clean cart."""
        headers = {"origin": self.shop.url, "sec-fetch-site": "same-origin"}
        async with httpx.AsyncClient(
            base_url=self.shop.url, headers=headers, trust_env=False, timeout=20, verify=NO_TLS
        ) as client:
            yield Shopper(self, client)

    async def revive(self) -> None:
        """The process is dead, of the step and of nothing else; it is started again and knows no step."""
        self.shop.see_it_dead()
        await self.shop.start()

    async def orders(self) -> list[Order]:
        async with self.database.reads() as session:
            return list(await session.scalars(select(Order).order_by(Order.id)))

    async def state(self) -> str:
        """The newest order's."""
        return (await self.orders())[-1].state

    async def eventually(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """What `look` gives once it gives something. A process that died meanwhile is started again; what does not
        come by itself comes with time: another worker, two minutes later, and Stripe compared anew."""
        loop = asyncio.get_running_loop()
        end, later = loop.time() + WITHIN, loop.time() + 1
        while True:
            if self.shop.dead:
                await self.revive()
            found = await look()
            if found:
                return found
            assert loop.time() < end, f"it never came: {self.shop.log.read_text()[-3000:]}"
            if loop.time() > later and (self.shop.died or loop.time() > end - WITHIN / 2):
                await self.time_passes()
                later = loop.time() + 1
            await asyncio.sleep(0.05)

    async def time_passes(self) -> None:
        """What any other process would do later."""
        await reconcile(self.database, self._worker.gateway, self.settings)
        for _, job in JOBS:
            await job(self._worker)

    async def letters(self, *templates: str) -> None:
        """Exactly these messages have gone out, each once; waited for."""

        async def sent() -> list[Message] | None:
            async with self.database.reads() as session:
                rows = list(await session.scalars(select(Message)))
            found = sorted(one.template for one in rows if one.sent_at)
            return rows if found == sorted(templates) and len(found) == len(rows) else None

        files = {f"{one.message_id.partition('@')[0]}.eml" for one in await self.eventually(sent)}
        # A process that dies while it writes one leaves a part of it beside them.
        assert {path.name for path in self.shop.outbox.glob("*.eml")} == files

    async def comes_to_rest(self) -> None:
        """Every webhook arrives, and the invariants hold."""

        async def quiet() -> bool:
            return await self.stripe.waiting() == 0

        await self.eventually(quiet)
        await check(self.database, in_sandbox(self.stripe.path))

    async def close(self) -> None:
        await self._worker.gateway.close()
        await self.database.close()


class Shopper:
    """Somebody who presses the button again when the page did not come."""

    def __init__(self, case: Case, client: httpx.AsyncClient) -> None:
        self._case, self._client = case, client

    async def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        for _ in range(2):
            try:
                if method == "GET":
                    return await self._client.get(path)
                body = str(httpx.QueryParams(form or {}))
                return await self._client.post(path, content=body, headers={"content-type": FORM_TYPE})
            except httpx.TransportError:
                await self._case.revive()
        raise AssertionError(f"{method} {path}: it died twice")

    def _expect(self, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, f"{answer}: {self._case.shop.log.read_text()[-5000:]}"

    async def add(self, thing: Thing, quantity: int = 1) -> None:
        answer = await self._ask(
            "POST", "/cart/items", {"variant_id": str(thing.variant_id), "quantity": str(quantity)}
        )
        self._expect(answer, 303)

    async def enter(self, code: str) -> None:
        """Type a discount code into the cart."""
        self._expect(await self._ask("POST", "/cart/promotion", {"code": code}), 303)

    async def order(self, **more: str) -> str:
        """Place the order; gives the payment page's session. Tries again where the shop asks for it."""
        return await self._to_the_page("/checkout", WHO | more)

    async def pay_again(self, order: Order) -> str:
        return await self._to_the_page(f"/orders/{order.token}/pay", {})

    async def _to_the_page(self, path: str, form: dict[str, str]) -> str:
        answer = await self._ask("POST", path, form)
        page: str = answer.headers.get("location", "")
        self._expect(answer, 303)
        assert "/sandbox/pay/" in page, page
        return page.rpartition("/")[2]

    async def order_in_vain(self) -> None:
        """Place the order while Stripe does not answer."""
        self._expect(await self._ask("POST", "/checkout", WHO), 503)

    async def come_back(self, session: str) -> None:
        answer = await self._ask("GET", f"/checkout/return?session_id={session}")
        self._expect(answer, 303)

    async def cancel(self, order: Order, **form: str) -> None:
        self._expect(await self._ask("POST", f"/orders/{order.token}/cancel", form), 303)


def settings_for(database_url: str, folder: Path, stripe: StripeServer) -> Settings:
    """The settings that the shop process runs with, for the test's own process."""
    found: dict[str, Any] = {
        "DATABASE_URL": database_url,
        "OUTBOX_DIR": folder / "outbox",
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": stripe.base,
    }
    return Settings(_env_file=None, **found)
