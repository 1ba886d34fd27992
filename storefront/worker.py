"""The loop that does what must not hang on a request: messages, inbox retries, refunds, holds, reconciling, cleaning.

It runs in every server process unless WORKER=separate. Rows are claimed, so several may run; each may be killed at
any time, since nothing is done that the next round would not find undone.
"""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select, update

from storefront.accounts.sessions import forget_what_ended
from storefront.cart.models import Cart
from storefront.catalogue.reprice import end_reductions
from storefront.database import Busy, Database, now
from storefront.orders.find import answer_lookups
from storefront.orders.models import OPEN_STATES, Order, Withdrawal
from storefront.orders.withdraw import find_withdrawn
from storefront.outbox.keep import forget_what_was_written
from storefront.outbox.mailer import Mailer
from storefront.outbox.models import WorkerBeat
from storefront.outbox.send import send_due
from storefront.payments.errors import PaymentProblem
from storefront.payments.gateway import Gateway
from storefront.payments.giveup import close_leftover_pages, release_what_ran_out
from storefront.payments.inbox import retry_due, try_all_again
from storefront.payments.models import Reconciliation, StripeEvent
from storefront.payments.reconcile import reconcile, reconcile_if_due
from storefront.payments.refund import send_refunds
from storefront.settings import Settings

log = structlog.get_logger()

RECONCILE_EVERY = timedelta(minutes=5)
KEEP_CARTS = timedelta(days=60)
KEEP_DRAFTS = timedelta(hours=24)
# Stripe sends no event again after a month; what was done for it stays done without it.
KEEP_EVENTS = timedelta(days=180)
KEEP_REPORTS = timedelta(days=90)
SILENT_FOR = timedelta(minutes=2)
LONGEST_PAUSE = 60.0
CANCEL_AGAIN = 0.5
JUST_LOOKED = timedelta(seconds=20)


@dataclass(frozen=True)
class WorkerRoom:
    settings: Settings
    database: Database
    gateway: Gateway
    mailer: Mailer


@asynccontextmanager
async def working(room: WorkerRoom) -> AsyncIterator[None]:
    """The loop, running while the block lasts."""
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(_every(seconds, job, room)) for seconds, job in JOBS
    ]
    tasks.append(asyncio.create_task(_try(reconcile_at_start, room)))
    try:
        yield
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Cancel until all have ended. Once is not always enough: a library that is waiting may take the cancellation for
    its own (asyncio.wait_for up to Python 3.11 does), and the loop would go on for ever."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)


async def _every(seconds: float, job: Callable[[WorkerRoom], Awaitable[object]], room: WorkerRoom) -> None:
    """Again and again; after failures (Stripe is slow, away, or asks to slow down) at growing distances."""
    failures = 0
    while True:
        failures = 0 if await _try(job, room) else failures + 1
        await asyncio.sleep(pause_after(seconds, failures))


def pause_after(seconds: float, failures: int) -> float:
    """Seconds until a job that runs every so often runs again: doubled by each failure in a row, up to a minute (or
    its own distance), a fifth up or down, so that processes spread."""
    pause = min(seconds * float(2 ** min(failures, 10)), max(seconds, LONGEST_PAUSE))
    return pause * random.uniform(0.8, 1.2)  # noqa: S311


async def _try(job: Callable[[WorkerRoom], Awaitable[object]], room: WorkerRoom) -> bool:
    try:
        await job(room)
    except (PaymentProblem, Busy) as problem:
        log.warning("worker waits", job=job.__name__, problem=type(problem).__name__)
        return False
    except Exception as error:
        log.error("worker failed", job=job.__name__, exc_info=error)
        return False
    return True


async def send_messages(room: WorkerRoom) -> None:
    await send_due(room.database, room.mailer)


async def retry_events(room: WorkerRoom) -> None:
    await retry_due(room.database, room.gateway, room.settings)


async def refund(room: WorkerRoom) -> None:
    await send_refunds(room.database, room.gateway, room.settings)


async def answer_questions(room: WorkerRoom) -> None:
    """Links that were asked for by number, and withdrawals that are brought to their orders."""
    await answer_lookups(room.database, room.settings)
    await find_withdrawn(room.database, room.settings)


async def reconcile_now_and_then(room: WorkerRoom) -> None:
    await reconcile_if_due(room.database, room.gateway, room.settings, RECONCILE_EVERY)


async def reconcile_at_start(room: WorkerRoom) -> None:
    """Whatever happened while nobody was there is settled now, unless another process has just looked."""
    await reconcile_if_due(room.database, room.gateway, room.settings, JUST_LOOKED)


async def release_holds(room: WorkerRoom) -> None:
    await release_what_ran_out(room.database, room.gateway, room.settings)


async def close_pages(room: WorkerRoom) -> None:
    await close_leftover_pages(room.database, room.gateway, room.settings)


async def clean_up(room: WorkerRoom) -> None:
    """Drafts are kept for a day, sign-ins and mailed links that are over and what stands in messages for a month, carts
    that nobody touches for two, former prices for three, Stripe's messages, handled or not, and
    withdrawals that fit no order for half a year."""
    async with room.database.writes() as session:
        await session.execute(
            update(Cart).where(Cart.draft_at < now() - KEEP_DRAFTS).values(draft=None, draft_at=None)
        )
        open_orders = select(Order.cart_id).where(Order.state.in_(OPEN_STATES), Order.cart_id.is_not(None))
        stale = (
            select(Cart.id)
            .where(Cart.changed_at < now() - KEEP_CARTS, Cart.id.not_in(open_orders))
            .limit(500)
        )
        await session.execute(delete(Cart).where(Cart.id.in_(stale)))
    async with room.database.writes() as session:
        await forget_what_ended(session)
        await forget_what_was_written(session)
    async with room.database.writes() as session:
        await end_reductions(session)
    async with room.database.writes() as session:
        old = select(StripeEvent.id).where(StripeEvent.received_at < now() - KEEP_EVENTS).limit(500)
        await session.execute(delete(StripeEvent).where(StripeEvent.id.in_(old)))
        nobodys = Withdrawal.order_id.is_(None) & (Withdrawal.looked_at < now() - KEEP_EVENTS)
        await session.execute(delete(Withdrawal).where(nobodys))
        # The newest ones hold the cursor.
        newest = select(func.max(Reconciliation.id)).where(Reconciliation.cursor != "").scalar_subquery()
        await session.execute(
            delete(Reconciliation).where(
                Reconciliation.started_at < now() - KEEP_REPORTS, Reconciliation.id < newest
            )
        )


async def beat(room: WorkerRoom) -> None:
    """Say that a loop is alive; names of processes that are gone are forgotten after a day."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    async with room.database.writes() as session:
        await session.merge(WorkerBeat(name=name, at=now()))
        await session.execute(delete(WorkerBeat).where(WorkerBeat.at < now() - timedelta(days=1)))


async def ask_whether_stripe_is_back(room: WorkerRoom) -> None:
    """While the circuit is open somebody must try, or events and refunds would wait for a shopper to do it."""
    if room.gateway.breaker.tripped:
        with contextlib.suppress(PaymentProblem):
            await room.gateway.ping()
            await try_all_again(room.database)
            await reconcile(room.database, room.gateway, room.settings)


JOBS: tuple[tuple[float, Callable[[WorkerRoom], Awaitable[object]]], ...] = (
    (1, send_messages),
    (2, answer_questions),
    (2, retry_events),
    (3, refund),
    (5, release_holds),
    (5, close_pages),
    (5, ask_whether_stripe_is_back),
    (20, reconcile_now_and_then),
    (30, beat),
    (600, clean_up),
)
