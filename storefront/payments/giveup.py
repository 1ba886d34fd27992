"""Giving an order up: Stripe is asked first, and what it says decides. A page that is open somewhere must never be
paid for goods that were handed back."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog
from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.database import Database, now
from storefront.orders.change import UNCLEAR, cancel, is_unclear
from storefront.orders.models import FAILED, OPEN_STATES, Order, PaymentAttempt, TimelineEntry
from storefront.orders.queries import LIVE_ATTEMPTS, live_attempt, lock_order
from storefront.payments.attempts import (
    ASK_AGAIN_WHILE_LEFT,
    HOLD_OUTLASTS_SESSION,
    KEY_GOOD_FOR,
    ask_for_page,
)
from storefront.payments.errors import InvalidRequest, NotThere, PaymentProblem, StoredFailure, UnknownOutcome
from storefront.payments.facts import SessionFacts
from storefront.payments.gateway import Gateway
from storefront.payments.settle import EXPIRED, settle, stand_before_staff
from storefront.settings import Settings
from storefront.steps import step

log = structlog.get_logger()

T = TypeVar("T")
KEEP_FAILED_ORDERS = timedelta(days=3)
MOST_A_ROUND = 50


@dataclass(frozen=True)
class PageClosed:
    """The page of an order is closed at Stripe: that of this attempt, or there was none to close (None)."""

    order_id: int
    attempt_id: int | None


async def give_up(
    database: Database,
    gateway: Gateway,
    settings: Settings,
    order_id: int,
    why: str = EXPIRED,
    *,
    decided: bool = False,
) -> str:
    """Cancel an open order and hand its holds back, unless Stripe says that it was paid; one whose payment does not
    fit only when staff have `decided` so. Gives the state it is in then. Raises a PaymentProblem when Stripe cannot
    be asked: then nothing was changed."""
    attempt, facts = await _learn_and_expire(database, gateway, order_id)
    if facts is not None:
        step("give up: page closed")
        async with database.writes() as session:
            await settle(session, settings, facts, why=why)
    async with database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        if order is None:
            raise LookupError(order_id)
        if is_unclear(order) and not decided:
            return order.state
        left = await live_attempt(session, order_id)
        if order.state in OPEN_STATES and (left is None or (attempt and left.id == attempt.id)):
            if left is not None and left.session_id is None:
                left.state = "dropped"
                await session.flush()
            if left is None or left.session_id is None:
                await cancel(session, order, why)
        return order.state


async def close_page(
    database: Database, gateway: Gateway, settings: Settings, order_id: int
) -> PageClosed | None:
    """Close the page of an open order that is about to be replaced, and nothing more: its holds are handed over by
    whoever replaces it. None when Stripe says that it was paid meanwhile, whether that fits or not, or that it
    should have been and failed; then that was settled. Raises a PaymentProblem when Stripe cannot be asked."""
    attempt, facts = await _learn_and_expire(database, gateway, order_id)
    step("replace: page closed")
    if facts is None or (facts.status == "expired" and not facts.paid):
        return PageClosed(order_id, attempt.id if attempt else None)
    async with database.writes() as session:
        await settle(session, settings, facts)
    return None


async def _learn_and_expire(
    database: Database, gateway: Gateway, order_id: int
) -> tuple[PaymentAttempt | None, SessionFacts | None]:
    """The order's live attempt and its session, expired; no facts when there certainly is no page of it. The session
    of an attempt whose answer never arrived is asked for once more, since only then it can be closed."""
    async with database.reads() as session:
        order = await session.get(Order, order_id)
        attempt = await live_attempt(session, order_id)
    if order is None or attempt is None:
        return None, None
    if attempt.session_id is not None:
        return attempt, await gateway.expire_session(attempt.session_id)
    if attempt.expires_at - now() > ASK_AGAIN_WHILE_LEFT and now() - attempt.created_at < KEY_GOOD_FOR:
        try:
            facts = await ask_for_page(gateway, order, attempt)
        except (StoredFailure, InvalidRequest):
            return attempt, None
        return attempt, await gateway.expire_session(facts.id)
    since, until = attempt.created_at.timestamp() - 300, attempt.expires_at.timestamp()
    found = await gateway.find_sessions(order.reference, int(since), int(until))
    for facts in found:
        if facts.attempt_key == attempt.key:
            return attempt, await gateway.expire_session(facts.id)
    if now() < attempt.expires_at + HOLD_OUTLASTS_SESSION:
        raise UnknownOutcome("the payment page may still come to be")
    return attempt, None


async def release_what_ran_out(database: Database, gateway: Gateway, settings: Settings) -> None:
    """Orders whose page has run out, or that failed and were left alone, are given up; their holds end."""
    async with database.reads() as session:
        due = await _what_ran_out(session)
    await _each(due, lambda order_id: _release(database, gateway, settings, order_id))


async def _what_ran_out(session: AsyncSession) -> list[int]:
    ended = (
        select(PaymentAttempt.order_id)
        .where(PaymentAttempt.state.in_(LIVE_ATTEMPTS), PaymentAttempt.expires_at < now())
        .order_by(PaymentAttempt.expires_at)
    )
    mine = PaymentAttempt.order_id == Order.id
    # A payment that does not fit is looked at by staff first; what they decide, `storefront orders` does.
    undecided = (Order.attention != "") & exists().where(mine, PaymentAttempt.state == "complete")
    no_page = select(Order.id).where(
        Order.state.in_(OPEN_STATES), Order.hold_until < now() - HOLD_OUTLASTS_SESSION, ~undecided
    )
    long_ago = now() - KEEP_FAILED_ORDERS
    lately = exists().where(TimelineEntry.order_id == Order.id, TimelineEntry.at > long_ago)
    being_paid = exists().where(mine, PaymentAttempt.state.in_(LIVE_ATTEMPTS))
    forgotten = select(Order.id).where(
        Order.state == FAILED, Order.placed_at < long_ago, ~lately, ~being_paid, ~undecided
    )
    queries = (ended, no_page, forgotten)
    return sorted(
        {order_id for query in queries for order_id in await session.scalars(query.limit(MOST_A_ROUND))}
    )


async def _each(things: Iterable[T], do: Callable[[T], Awaitable[None]]) -> None:
    """Do it for each; one that fails does not keep the others. Raises what failed last, so that the worker waits."""
    last: Exception | None = None
    for thing in things:
        try:
            await do(thing)
        except Exception as error:
            log.warning("this one stays as it is", problem=type(error).__name__)
            last = error
    if last is not None:
        raise last


async def _release(database: Database, gateway: Gateway, settings: Settings, order_id: int) -> None:
    """What the worker does with an order whose hold has run out. When Stripe cannot be asked it is left for later,
    but for two kinds of pages that nobody can pay any more once the hold has ended: one whose id was never learnt,
    since nobody was given it, and one that Stripe does not know."""
    try:
        await give_up(database, gateway, settings, order_id)
    except PaymentProblem as problem:
        async with database.writes() as session:
            order = await lock_order(session, Order.id == order_id)
            attempt = await live_attempt(session, order_id)
            if order is None or order.state not in OPEN_STATES or attempt is None or is_unclear(order):
                return
            nobodys = attempt.session_id is None or isinstance(problem, NotThere)
            if not nobodys or now() < attempt.expires_at + HOLD_OUTLASTS_SESSION:
                return
            attempt.state = "dropped"
            await session.flush()
            await cancel(session, order, EXPIRED)
            if attempt.session_id is not None:
                reason = "Stripe does not know the payment page that was shown for this order"
                await stand_before_staff(session, settings, order, reason, attempt.session_id)


async def close_leftover_pages(database: Database, gateway: Gateway, settings: Settings) -> None:
    """A page still open for an order that is paid, awaiting or cancelled, or whose payment does not fit, is expired
    before somebody pays it."""
    async with database.reads() as session:
        query = (
            select(PaymentAttempt)
            .join(Order, Order.id == PaymentAttempt.order_id)
            .where(
                PaymentAttempt.state.in_(LIVE_ATTEMPTS),
                Order.state.not_in(OPEN_STATES) | Order.attention.contains(UNCLEAR),
            )
            .limit(MOST_A_ROUND)
        )
        attempts = list(await session.scalars(query))
    await _each(attempts, lambda attempt: _close(database, gateway, settings, attempt))


async def _close(database: Database, gateway: Gateway, settings: Settings, attempt: PaymentAttempt) -> None:
    if attempt.session_id is not None:
        try:
            facts = await gateway.expire_session(attempt.session_id)
        except NotThere:
            facts = None
        if facts is not None:
            async with database.writes() as session:
                await settle(session, settings, facts)
            return
    async with database.writes() as session:
        # Unless its session's id was learnt meanwhile: then Stripe is asked in the next round.
        unchanged = PaymentAttempt.session_id.is_not_distinct_from(attempt.session_id)
        mine = update(PaymentAttempt).where(PaymentAttempt.id == attempt.id, unchanged)
        await session.execute(mine.where(PaymentAttempt.state.in_(LIVE_ATTEMPTS)).values(state="dropped"))
