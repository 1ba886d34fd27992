"""The data of an order's e-mails: plain JSON, frozen when the message is written."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.language import ENGLISH, at, speaking
from storefront.language import gettext as _
from storefront.money import Money, format_money
from storefront.orders.models import Order, OrderLine
from storefront.orders.next import has_credits, mailed, posted, whats_next
from storefront.orders.queries import lines_of
from storefront.orders.words import address_lines, bill_to_lines
from storefront.outbox.write import leave_message
from storefront.settings import Settings


def order_data(order: Order, lines: Sequence[OrderLine], settings: Settings) -> dict[str, Any]:
    """What every order e-mail is given, in the spoken language."""
    currency = order.currency
    return {
        "shop_name": settings.shop_name,
        "shop_email": settings.shop_email,
        "number": order.number,
        "url": order.origin + at(f"/orders/{order.token}"),
        "returns_url": order.origin + at("/pages/returns"),
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
        "discount_title": _("Discount %(code)s", code=order.promotion_code),
        "discount": format_money(-order.discount, currency) if order.discount else "",
        "shipping_title": _(order.shipping_title),
        "shipping": format_money(order.shipping, currency) if order.address else "",
        "total": format_money(order.total, currency),
        "address_lines": address_lines(order),
        "bill_to_lines": bill_to_lines(order),
        "next_text": whats_next(order, lines),
        "mailed": mailed(lines),
        "posted": posted(lines),
        "credits_url": order.origin + at("/account/credits") if has_credits(order, lines) else "",
        "note": order.note,
    }


async def tell_shopper(
    session: AsyncSession,
    settings: Settings,
    order: Order,
    template: str,
    cause: str = "",
    **more: str | Money,
) -> None:
    """Leave a message for the shopper in the order's language, once per order, template and cause."""
    lines = await lines_of(session, order.id)
    key = ":".join(filter(None, ["order", str(order.id), template, cause]))
    with speaking(order.language):
        data = order_data(order, lines, settings) | {name: str(value) for name, value in more.items()}
        await leave_message(session, key=key, recipient=order.email, template=template, data=data)


async def tell_owner(
    session: AsyncSession,
    settings: Settings,
    order: Order,
    template: str,
    cause: str = "",
    **more: str | Money,
) -> None:
    """Leave a message for the shop's owner in the default language, once per order, template and cause."""
    lines = await lines_of(session, order.id)
    key = ":".join(filter(None, ["order", str(order.id), template, cause]))
    with speaking(ENGLISH.code):
        said = {name: str(value) for name, value in more.items()}
        data = order_data(order, lines, settings) | {"email": order.email} | said
        await leave_message(session, key=key, recipient=settings.shop_email, template=template, data=data)
