"""Placing an order: one short write transaction, from the cart to an order with frozen lines, holds and an attempt."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.delivery import Rate
from storefront.cart.models import Cart
from storefront.cart.queries import CartView, cart_by_id
from storefront.database import lock, now
from storefront.language import later, spoken
from storefront.money import Money
from storefront.orders.change import close, held_by, is_unclear, move, note, take_out, take_over
from storefront.orders.models import PAID, Order, OrderLine
from storefront.orders.queries import live_attempt, open_order_of_cart, used_by_others
from storefront.payments.attempts import new_attempt
from storefront.payments.credited import settle_paid_credits
from storefront.payments.giveup import PageClosed
from storefront.payments.settle import take_from_cart, tell_paid
from storefront.promotions.models import Promotion
from storefront.promotions.offers import Offer, offer_by_id, with_uses
from storefront.settings import Settings
from storefront.steps import step

# No I, L, O, U, 0 or 1: a number is read out on the telephone.
NUMBER_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Wanted:
    """What the shopper agreed to: the checked form, the delivery rate (None: nothing to deliver), and the total in
    minor units and the credits that they were shown (None: not said)."""

    email: str
    name: str
    tel: str
    address: dict[str, str] | None
    rate: Rate | None
    note: str
    shown_total: int | None
    origin: str
    shown_credits: int | None = None
    draft: dict[str, str] = field(default_factory=dict)
    account_id: int | None = None


@dataclass
class CartChanged(Exception):
    """Something in the cart can no longer be had as it stands there; `cart` says what."""

    cart: CartView


@dataclass
class TotalChanged(Exception):
    """The total is not what the shopper saw; amounts in minor units."""

    shown: int
    total: int


@dataclass
class CreditsChanged(Exception):
    """The things bring other credits than the shopper saw."""

    shown: int
    credits: int


@dataclass
class NotPayableAmount(Exception):
    """Stripe takes no such amount: too little, or over eight digits."""

    total: Money


@dataclass
class MustReplace(Exception):
    """The cart's open order is about other things: its page must be closed before this one can be placed."""

    order_id: int


class CartEmpty(Exception):
    """There is nothing to order."""


class NeedsAccount(Exception):
    """The cart holds credits, and nobody is signed in to whose account they could go."""


async def place(
    session: AsyncSession,
    settings: Settings,
    cart_id: int,
    wanted: Wanted,
    *,
    replacing: PageClosed | None = None,
) -> Order:
    """Place the order of a cart, or find the one that was placed already; gives it.

    Raises CartEmpty, NeedsAccount, CartChanged, TotalChanged, CreditsChanged, NotPayableAmount, or MustReplace with the
    order whose page has to be closed first; `replacing` then says that it was. Nothing is written when it raises.
    """
    await lock(session, select(Cart.id).where(Cart.id == cart_id))
    step("place: cart locked")
    cart = await cart_by_id(session, cart_id)
    if not cart.lines:
        raise CartEmpty
    if cart.holds_credits and wanted.account_id is None:
        raise NeedsAccount
    open_order = await open_order_of_cart(session, cart_id)
    if open_order is not None:
        await lock(session, select(Order.id).where(Order.id == open_order.id))
        await session.refresh(open_order)
        if is_unclear(open_order):
            return open_order
        cart = cart.with_holds(await held_by(session, open_order.id))
    if not cart.can_check_out:
        raise CartChanged(cart)
    cart = replace(cart, offer=await with_uses(session, cart.offer, cart.id, used_by_others))
    discount = cart.discount(settings.currency)
    shipping = wanted.rate.cost(cart.subtotal) if wanted.rate else 0
    total = Money(cart.subtotal - discount + shipping, settings.currency)
    if wanted.shown_total is not None and wanted.shown_total != total.amount:
        raise TotalChanged(wanted.shown_total, total.amount)
    if wanted.shown_credits is not None and wanted.shown_credits != cart.credits:
        raise CreditsChanged(wanted.shown_credits, cart.credits)
    if not total.payable:
        raise NotPayableAmount(total)
    digest = _digest(cart, wanted, total, discount)
    if open_order is not None:
        if open_order.digest == digest:
            # A failed order's things had left the cart; now they lie in it again.
            open_order.cart_taken = False
            return open_order
        await _replace(session, open_order, replacing)
    await _keep_draft(session, cart_id, wanted.draft)
    return await _write(session, settings, cart, wanted, shipping, digest, open_order)


async def _replace(session: AsyncSession, order: Order, closed: PageClosed | None) -> None:
    """Give up an order whose page is closed; its holds go to the one that is placed in this transaction."""
    attempt = await live_attempt(session, order.id)
    if closed is None or closed.order_id != order.id or (attempt and attempt.id != closed.attempt_id):
        raise MustReplace(order.id)
    if attempt is not None:
        attempt.state = "expired" if attempt.session_id else "dropped"
    close(session, order, later("replaced by a new order"))
    await session.flush()


async def _keep_draft(session: AsyncSession, cart_id: int, draft: dict[str, str]) -> None:
    await session.execute(update(Cart).where(Cart.id == cart_id).values(draft=draft, draft_at=now()))


async def _write(
    session: AsyncSession,
    settings: Settings,
    cart: CartView,
    wanted: Wanted,
    shipping: int,
    digest: str,
    replaced: Order | None,
) -> Order:
    discount = cart.discount(settings.currency)
    order = Order(
        token=secrets.token_urlsafe(24),
        number="SF-" + "".join(secrets.choice(NUMBER_LETTERS) for _ in range(6)),
        reference="ord_" + secrets.token_hex(12),
        cart_id=cart.id,
        digest=digest,
        origin=wanted.origin,
        language=spoken().code,
        account_id=wanted.account_id,
        email=wanted.email,
        name=wanted.name,
        tel=wanted.tel,
        address=wanted.address,
        shipping_code=wanted.rate.code if wanted.rate else "",
        shipping_title=wanted.rate.title if wanted.rate else "",
        note=wanted.note,
        currency=settings.currency,
        subtotal=cart.subtotal,
        discount=discount,
        shipping=shipping,
        total=cart.subtotal - discount + shipping,
        livemode=settings.expects_livemode,
    )
    session.add(order)
    await session.flush()
    lines = _lines(order, cart)
    session.add_all(lines)
    await session.flush()
    step("place: order written")
    await _hold(session, order, cart, replaced)
    step("place: holds taken")
    if discount and cart.offer is not None:
        await _take_the_code(session, order, cart.offer)
    note(session, order, "placed")
    if order.total == 0:
        await _paid_when_placed(session, settings, order)
    else:
        await new_attempt(session, order, lines)
    await session.flush()
    step("place: attempt written")
    return order


def _lines(order: Order, cart: CartView) -> list[OrderLine]:
    return [
        OrderLine(
            order_id=order.id,
            product_id=line.product_id,
            variant_id=line.variant_id,
            sku=line.sku,
            title=line.title,
            variant_title=line.variant_title,
            image_path=line.image.path if line.image else "",
            slug=line.slug,
            unit_price=line.price,
            quantity=line.quantity,
            tracked=line.tracked,
            requires_shipping=line.requires_shipping,
            credit_amount=line.credit_amount,
        )
        for line in cart.lines
    ]


async def _hold(session: AsyncSession, order: Order, cart: CartView, replaced: Order | None) -> None:
    pieces = {line.variant_id: line.quantity for line in cart.lines if line.tracked}
    if not await take_over(session, order, pieces, replaced):
        # Another order took the last ones between our look and our hold.
        raise CartChanged(await cart_by_id(session, cart.id))


async def _take_the_code(session: AsyncSession, order: Order, offer: Offer) -> None:
    """Have the order count among those with its code. The last one that may is one, however many are placed now; on
    PostgreSQL a foreign key to a row locks it too, so the order names its code only under the lock."""
    await lock(session, select(Promotion.id).where(Promotion.id == offer.id))
    fresh = await offer_by_id(session, offer.id)
    fresh = await with_uses(session, fresh, order.cart_id or 0, used_by_others)
    discount = fresh.off(order.subtotal, order.currency) if fresh else 0
    if discount != order.discount:
        raise TotalChanged(order.total, order.total + order.discount - discount)
    order.promotion_id, order.promotion_code = offer.id, offer.code
    await session.flush()
    step("place: code taken")


async def _paid_when_placed(session: AsyncSession, settings: Settings, order: Order) -> None:
    await session.flush()
    move(order, PAID)
    order.paid_at = now()
    await take_out(session, order)
    await settle_paid_credits(session, settings, order)
    await take_from_cart(session, order)
    note(session, order, "free")
    await tell_paid(session, settings, order)


def _digest(cart: CartView, wanted: Wanted, total: Money, discount: int) -> str:
    """What makes two orders the same order: things as they are named and what they are, prices, discount, address,
    delivery, note, total. An order that is found again keeps its frozen lines, so these must be what is shown now."""
    things: dict[str, Any] = {
        "lines": sorted(
            (
                *(line.variant_id, line.quantity, line.price, line.sku, line.title, line.variant_title),
                *(line.requires_shipping, line.tracked, line.credit_amount, line.slug),
                line.image.path if line.image else "",
            )
            for line in cart.lines
        ),
        "account": wanted.account_id if cart.holds_credits else None,
        "who": [wanted.email, wanted.name, wanted.tel],
        "address": wanted.address,
        "delivery": [wanted.rate.code, wanted.rate.title] if wanted.rate else None,
        "note": wanted.note,
        "total": [total.amount, total.currency],
        "origin": wanted.origin,
        "language": spoken().code,
    }
    if cart.offer and discount:
        things["discount"] = [cart.offer.code, discount]
    return hashlib.sha256(json.dumps(things, sort_keys=True).encode()).hexdigest()
