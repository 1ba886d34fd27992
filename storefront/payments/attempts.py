"""Asking Stripe for the page on which an order is paid. The attempt, its key and its parameters are stored before
Stripe is asked, so that an unknown outcome can be asked for again with the very same words."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.models import Variant
from storefront.database import Database, now
from storefront.language import prefix_of, translated
from storefront.orders.change import hold_again, is_unclear, note
from storefront.orders.models import OPEN_STATES, Order, OrderLine, PaymentAttempt
from storefront.orders.queries import lines_of, live_attempt, lock_order
from storefront.payments.errors import (
    InvalidRequest,
    Misconfigured,
    PaymentProblem,
    StoredFailure,
)
from storefront.payments.facts import SessionFacts
from storefront.payments.gateway import Gateway
from storefront.payments.settle import note_mismatch, settle, stand_before_staff
from storefront.settings import Settings
from storefront.steps import step

SESSION_LASTS = timedelta(minutes=45)
HOLD_OUTLASTS_SESSION = timedelta(minutes=10)
# Stripe takes an expires_at 30 minutes to 24 hours ahead (docs.stripe.com/api/checkout/sessions/create) and forgets
# idempotency keys after 24 hours (docs.stripe.com/api/idempotent_requests); a margin for clocks on both.
ASK_AGAIN_WHILE_LEFT = timedelta(minutes=31)
KEY_GOOD_FOR = timedelta(hours=23)


class NotPayable(Exception):
    """The order is not open any more: its page says what it is."""


class GoneMeanwhile(Exception):
    """The order's things were handed back and can no longer be had."""


async def new_attempt(
    session: AsyncSession, order: Order, lines: Sequence[OrderLine], *, by_price: bool = True
) -> PaymentAttempt:
    """Write down a new attempt with its own key, expiry and parameters, and prolong the hold. `by_price`: what comes
    from Stripe's catalogue is asked for by its price there."""
    prices = await _stripe_prices(session, lines) if by_price else {}
    key = f"checkout-{secrets.token_hex(16)}"
    expires_at = (now() + SESSION_LASTS).replace(microsecond=0)
    order.hold_until = expires_at + HOLD_OUTLASTS_SESSION
    attempt = PaymentAttempt(
        order_id=order.id,
        key=key,
        expires_at=expires_at,
        parameters=session_parameters(order, lines, prices, key, expires_at),
    )
    session.add(attempt)
    return attempt


async def _stripe_prices(session: AsyncSession, lines: Sequence[OrderLine]) -> dict[int, str]:
    """The prices in Stripe of those lines whose agreed amount is still the price's, by variant id."""
    agreed = {line.variant_id: line.unit_price for line in lines}
    query = select(Variant.id, Variant.price, Variant.stripe_price_id).where(
        Variant.id.in_(agreed), Variant.stripe_price_id.is_not(None), ~Variant.archived
    )
    rows = await session.execute(query)
    return {row.id: row.stripe_price_id for row in rows if row.price == agreed[row.id]}


def session_parameters(
    order: Order, lines: Sequence[OrderLine], prices: Mapping[int, str], key: str, expires_at: datetime
) -> dict[str, Any]:
    """What Stripe is asked for: the shopper sees our lines and our total and pays exactly that. `prices` are prices
    in Stripe by variant id.

    https://docs.stripe.com/api/checkout/sessions/create
    """
    items = [
        {"quantity": line.quantity, "price": prices[line.variant_id]}
        if line.variant_id in prices
        else _item(order, line.title, line.variant_title, line.unit_price, line.quantity)
        for line in lines
    ]
    if order.shipping:
        items.append(_item(order, translated(order.language, order.shipping_title), "", order.shipping, 1))
    home = order.origin + prefix_of(order.language)
    metadata = _metadata(order)
    return {
        "mode": "payment",
        "client_reference_id": order.reference,
        "customer_email": order.email,
        "line_items": items,
        "metadata": {**metadata, "attempt": key},
        "payment_intent_data": {"metadata": metadata, "description": f"Order {order.number}"},
        "adaptive_pricing": {"enabled": False},
        # A price in Stripe may have amounts in several currencies, of which the page would choose by country.
        **({"currency": order.currency.lower()} if prices else {}),
        # In the default language Stripe goes by the browser, as it does without a word.
        **({"locale": order.language} if prefix_of(order.language) else {}),
        "expires_at": int(expires_at.timestamp()),
        "success_url": f"{home}/checkout/return?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{home}/checkout/cancel?order={order.token}",
    }


def _metadata(order: Order) -> dict[str, str]:
    return {"order_id": order.reference, "order_number": order.number}


async def ask_for_page(gateway: Gateway, order: Order, attempt: PaymentAttempt) -> SessionFacts:
    """Ask Stripe for the page of an attempt, with the words and the keys that are stored: however often, it is the same
    page. What a code takes off the order is a coupon, which is asked for first. Raises a PaymentProblem."""
    parameters = attempt.parameters
    if order.discount:
        coupon = await gateway.create_coupon(coupon_parameters(order), f"{attempt.key}-coupon")
        step("ask: coupon made")
        parameters = {**parameters, "discounts": [{"coupon": coupon}]}
    return await gateway.create_session(parameters, attempt.key)


def coupon_parameters(order: Order) -> dict[str, Any]:
    """An attempt's one coupon. Stripe shows it and computes nothing. A second attempt has its own, since a delayed
    payment that fails has used the first one up.

    https://docs.stripe.com/api/coupons/create
    """
    return {
        "amount_off": order.discount,
        "currency": order.currency.lower(),
        "duration": "once",
        "max_redemptions": 1,
        "name": order.promotion_code,
        "metadata": _metadata(order),
    }


def _item(order: Order, title: str, variant: str, amount: int, quantity: int) -> dict[str, Any]:
    name = f"{title}, {variant}" if variant else title
    data = {"currency": order.currency.lower(), "unit_amount": amount, "product_data": {"name": name[:250]}}
    return {"quantity": quantity, "price_data": data}


async def payment_page(
    database: Database, gateway: Gateway, settings: Settings, order_id: int, *, by_price: bool = True
) -> str:
    """The address of Stripe's page for an open order, asking for it when there is none yet.

    Raises NotPayable, GoneMeanwhile, or a PaymentProblem; the order stays as it is, and asking again is safe.
    """
    order, attempt = await _ready(database, order_id, by_price)
    if attempt.session_id is not None:
        if _still_good(attempt) and attempt.session_url:
            return attempt.session_url
        await _end_page(database, gateway, settings, attempt.session_id)
        raise NotPayable
    step("ask: about to ask")
    try:
        facts = await ask_for_page(gateway, order, attempt)
    except (StoredFailure, InvalidRequest) as problem:
        # Stripe would give this same answer to every repeat of the key, and nobody has seen a page of it.
        await _drop(database, attempt.id, order_id)
        if by_price and isinstance(problem, InvalidRequest) and _names_prices(attempt):
            # A price was archived in Stripe and is not yet here: what was agreed is asked for in our own words.
            return await payment_page(database, gateway, settings, order_id, by_price=False)
        raise problem if isinstance(problem, StoredFailure) else Misconfigured(str(problem)) from problem
    step("ask: answered")
    agreed = (order.total, order.currency, settings.expects_livemode)
    if (facts.amount, facts.currency, facts.livemode) != agreed or not facts.url:
        await _refuse_session(database, gateway, settings, order_id, attempt.id, facts)
        raise Misconfigured(f"session {facts.id} asks for {facts.amount} {facts.currency}")
    async with database.writes() as session:
        await settle(session, settings, facts)
        step("ask: session id written")
        locked = await lock_order(session, Order.id == order_id)
        payable = locked is not None and locked.state in OPEN_STATES
        mine = await session.get(PaymentAttempt, attempt.id, populate_existing=True)
    if not payable:
        # It was given up or paid meanwhile, and nobody has seen this page.
        with suppress(PaymentProblem):
            await gateway.expire_session(facts.id)
        raise NotPayable
    if mine is None or mine.state != "open":
        # Another process gave this attempt up meanwhile, and its page is not the order's. Nobody has seen it.
        with suppress(PaymentProblem):
            await gateway.expire_session(facts.id)
        return await payment_page(database, gateway, settings, order_id, by_price=by_price)
    step("ask: committed")
    return facts.url


async def _end_page(database: Database, gateway: Gateway, settings: Settings, session_id: str) -> None:
    """A page whose time is over by our clock may be open at Stripe yet: only Stripe can say what became of it."""
    facts = await gateway.expire_session(session_id)
    async with database.writes() as session:
        await settle(session, settings, facts)


def _names_prices(attempt: PaymentAttempt) -> bool:
    return any("price" in item for item in attempt.parameters["line_items"])


async def _ready(database: Database, order_id: int, by_price: bool) -> tuple[Order, PaymentAttempt]:
    """The order with the attempt that has a page or may be asked for one: the live one, or a new one."""
    async with database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        if order is None or order.state not in OPEN_STATES:
            raise NotPayable
        attempt = await live_attempt(session, order_id)
        if is_unclear(order):
            raise NotPayable
        if attempt is not None and (attempt.session_id is not None or _still_good(attempt)):
            return order, attempt
        paid = (PaymentAttempt.order_id == order_id) & (PaymentAttempt.state == "complete")
        if await session.scalar(select(PaymentAttempt.id).where(paid).limit(1)) is not None:
            # It was paid, but not what it comes to, or another payment is under way.
            raise NotPayable
        if attempt is not None:
            attempt.state = "dropped"
            await session.flush()
            step("ask: old attempt dropped")
        if not await hold_again(session, order):
            raise GoneMeanwhile
        attempt = await new_attempt(session, order, await lines_of(session, order_id), by_price=by_price)
        note(session, order, "paying-again")
        await session.flush()
        return order, attempt


def _still_good(attempt: PaymentAttempt) -> bool:
    if attempt.state == "open":
        return attempt.expires_at > now()
    left = attempt.expires_at - now()
    return left > ASK_AGAIN_WHILE_LEFT and now() - attempt.created_at < KEY_GOOD_FOR


async def _drop(database: Database, attempt_id: int, order_id: int) -> None:
    async with database.writes() as session:
        await lock_order(session, Order.id == order_id)
        attempt = await session.get(PaymentAttempt, attempt_id, populate_existing=True)
        if attempt is not None and attempt.state == "asking":
            attempt.state = "dropped"


async def _refuse_session(
    database: Database,
    gateway: Gateway,
    settings: Settings,
    order_id: int,
    attempt_id: int,
    facts: SessionFacts,
) -> None:
    """Stripe's total is not ours: nobody may pay that page."""
    # If this fails, it expires by itself: nobody was given its address.
    with suppress(PaymentProblem):
        await gateway.expire_session(facts.id)
    async with database.writes() as session:
        order = await lock_order(session, Order.id == order_id)
        attempt = await session.get(PaymentAttempt, attempt_id, populate_existing=True)
        if order is None or attempt is None:
            return
        if attempt.state == "asking":
            attempt.state, attempt.session_id = "dropped", facts.id
        mode = "live" if facts.livemode else "test"
        reason = (
            f"Stripe's page asked for {facts.amount} {facts.currency} ({mode} mode) instead of {order.total}"
            f" {order.currency} (minor units); it was closed"
        )
        note_mismatch(session, order, reason)
        await stand_before_staff(session, settings, order, reason, facts.id)
