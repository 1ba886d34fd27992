"""Everything that the shop keeps of an account, as plain JSON (GDPR, articles 15 and 20)."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts import book, sessions
from storefront.accounts.carts import cart_token
from storefront.accounts.models import Account
from storefront.cart.cookies import hashed
from storefront.cart.queries import cart_by_key
from storefront.credits.queries import entries_of
from storefront.orders.models import Order, OrderLine, Refund, Shipment, Withdrawal
from storefront.outbox.keep import sent_to
from storefront.settings import Settings


async def everything(session: AsyncSession, settings: Settings, account_id: int) -> dict[str, Any]:
    """Amounts are minor units beside their currency, moments ISO 8601 in UTC. Neither the password's hash nor any
    secret is part of it."""
    account = await session.get_one(Account, account_id)
    cart = await cart_by_key(session, hashed(cart_token(settings, account)))
    return {
        "account": {
            "email": account.email,
            "verified_at": _at(account.verified_at),
            "created_at": _at(account.created_at),
            "password_changed_at": _at(account.password_changed_at),
            "second_factor": account.totp_secret is not None,
            "role": account.role,
            "rights": account.rights,
        },
        "signed_in": [
            {"device": one.device, "since": _at(one.created_at), "last_seen": _at(one.seen_at)}
            for one in await sessions.living(session, account_id)
        ],
        "addresses": [one.fields for one in await book.addresses(session, account_id)],
        "cart": {
            "lines": [
                {"sku": line.sku, "title": line.name, "quantity": line.quantity} for line in cart.lines
            ],
            "checkout_draft": cart.draft or {},
        },
        "credits": [
            {
                "at": _at(one.at),
                "amount": one.amount,
                "balance": one.balance,
                "owed": one.owed,
                "reason": one.reason,
            }
            for one in await entries_of(session, account_id, most=None)
        ],
        # To an address that nobody confirmed, messages may have gone to somebody else.
        "messages": [
            {"kind": one.template, "sent_at": _at(one.sent_at)}
            for one in (await sent_to(session, account.email) if account.verified_at else [])
        ],
        "orders": [
            await _order(session, order)
            for order in await session.scalars(
                select(Order).where(Order.account_id == account_id).order_by(Order.id)
            )
        ],
    }


async def _order(session: AsyncSession, order: Order) -> dict[str, Any]:
    lines = await session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    )
    parcels = await session.scalars(
        select(Shipment).where(Shipment.order_id == order.id).order_by(Shipment.id)
    )
    refunds = await session.scalars(select(Refund).where(Refund.order_id == order.id).order_by(Refund.id))
    return {
        "number": order.number,
        "placed_at": _at(order.placed_at),
        "paid_at": _at(order.paid_at),
        "cancelled_after_payment_at": _at(order.called_off_at),
        "state": order.state,
        "currency": order.currency,
        "subtotal": order.subtotal,
        "promotion_code": order.promotion_code,
        "discount": order.discount,
        "shipping": order.shipping,
        "total": order.total,
        "refunded_amount": order.refunded_amount,
        "email": order.email,
        "name": order.name,
        "tel": order.tel,
        "address": order.address,
        "shipping_method": order.shipping_title,
        "note": order.note,
        "lines": [
            {
                "sku": line.sku,
                "title": line.title,
                "variant": line.variant_title,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
            }
            for line in lines
        ],
        "parcels": [{"sent_at": _at(one.shipped_at), "tracking": one.tracking} for one in parcels],
        "refunds": [{"amount": one.amount, "state": one.state, "at": _at(one.created_at)} for one in refunds],
        "withdrawals": [
            {"received_at": _at(one.received_at), "name": one.name, "email": one.email, "things": one.things}
            for one in await session.scalars(
                select(Withdrawal).where(Withdrawal.order_id == order.id).order_by(Withdrawal.id)
            )
        ],
    }


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
