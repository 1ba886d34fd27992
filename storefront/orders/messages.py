"""The data of an order's e-mails: plain JSON, frozen when the message is written."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.money import format_money
from storefront.orders.models import Order, OrderLine
from storefront.orders.next import has_credits, mailed, posted, whats_next
from storefront.orders.queries import lines_of
from storefront.orders.words import address_lines, bill_to_lines
from storefront.outbox.write import leave_message
from storefront.settings import Settings


def order_data(order: Order, lines: Sequence[OrderLine], settings: Settings) -> dict[str, Any]:
    """What every order e-mail is given."""
    currency = order.currency
    return {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "number": order.number,
        "url": f"{order.origin}/orders/{order.token}",
        "returns_url": f"{order.origin}/pages/returns",
        "name": order.name,
        "lines": [
            {
                "title": line.title,
                "variant_title": line.variant_title,
                "quantity": line.quantity,
                "total": format_money(line.unit_price * line.quantity, currency),
            }
            for line in lines
        ],
        "subtotal": format_money(order.subtotal, currency),
        "shipping_title": order.shipping_title,
        "shipping": format_money(order.shipping, currency) if order.address else "",
        "total": format_money(order.total, currency),
        "address_lines": address_lines(order),
        "bill_to_lines": bill_to_lines(order),
        "next_text": whats_next(order, lines),
        "mailed": mailed(lines),
        "posted": posted(lines),
        "credits_url": f"{order.origin}/account/credits" if has_credits(order, lines) else "",
        "note": order.note,
    }


async def tell_shopper(
    session: AsyncSession, settings: Settings, order: Order, template: str, cause: str = "", **more: str
) -> None:
    """Leave a message for the shopper, once per order, template and cause."""
    data = order_data(order, await lines_of(session, order.id), settings) | more
    key = ":".join(filter(None, ["order", str(order.id), template, cause]))
    await leave_message(session, key=key, recipient=order.email, template=template, data=data)


async def tell_owner(
    session: AsyncSession, settings: Settings, order: Order, template: str, cause: str = "", **more: str
) -> None:
    """Leave a message for the shop's owner, once per order, template and cause."""
    data = order_data(order, await lines_of(session, order.id), settings) | {"email": order.email} | more
    key = ":".join(filter(None, ["order", str(order.id), template, cause]))
    await leave_message(session, key=key, recipient=settings.shop_email, template=template, data=data)
