"""What runs without a web server: the worker by itself, and commands that speak to Stripe."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storefront.app import Shop, make_shop
from storefront.outbox.mailer import Mailer, need_outbox
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.web.logs import set_up_logs
from storefront.worker import WorkerRoom, working


@asynccontextmanager
async def open_shop(settings: Settings, *, quiet: bool = True) -> AsyncIterator[Shop]:
    """The shop's shared things without routes; what it opens is closed at the end. The sandbox delivers nothing
    here: the running server does."""
    set_up_logs(quiet=quiet)
    shop = make_shop(settings, Assets(settings), [])
    try:
        yield shop
    finally:
        await shop.gateway.close()
        if shop.sandbox is not None:
            await shop.sandbox.stop()
        await shop.database.close()


async def run_worker(settings: Settings) -> None:
    """The worker loop until SIGTERM or SIGINT. Raises WrongSettings when it could send no message."""
    need_outbox(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    async with open_shop(settings, quiet=False) as shop:
        mailer = Mailer(settings, shop.templates)
        async with working(WorkerRoom(settings, shop.database, shop.gateway, mailer)):
            await stopped.wait()
