"""An order in every state."""

from datetime import UTC, datetime, timedelta
from typing import Any

from storefront.database import now
from storefront.orders.models import Order, OrderLine, Shipment, TimelineEntry
from storefront.orders.queries import OrderView
from storefront.workshop.samples.carts import MUG, PATTERN, SOAP

PLACED = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)
ADDRESS = {"lines": "Anna Larsson\n12 Mill Lane\nPortland, OR 97201\nUnited States"}


def order(state: str, **more: Any) -> Order:
    columns: dict[str, Any] = {
        "id": 1,
        "token": "sample",
        "number": "SF-7Q4K2M",
        "state": state,
        "origin": "https://shop.example",
        "account_id": None,
        "email": "anna@example.org",
        "email_key": "anna@example.org",
        "name": "Anna Larsson",
        "tel": "",
        "address": ADDRESS,
        "shipping_code": "standard",
        "shipping_title": "Standard delivery",
        "note": "Please ring twice.",
        "currency": "USD",
        "subtotal": 4200,
        "promotion_code": "",
        "discount": 0,
        "shipping": 490,
        "total": 4690,
        "refunded_amount": 0,
        "decline_reason": "",
        "attention": "",
        # By the clock, or nothing would be held any more; its page says so many minutes.
        "hold_until": now() + timedelta(minutes=35, seconds=30) if state == "pending" else None,
        "placed_at": PLACED,
    }
    return Order(**(columns | more))


def lines(download: bool = False) -> list[OrderLine]:
    return [
        OrderLine(
            id=one.id,
            sku=one.sku,
            title=one.title,
            variant_title=one.variant_title,
            image_path=one.slug,
            slug=one.slug,
            unit_price=one.price,
            quantity=one.quantity,
            requires_shipping=one.requires_shipping,
            credit_amount=None,
        )
        for one in ([PATTERN] if download else [SOAP, MUG])
    ]


def view(state: str, *happened: str, sent: bool = False, download: bool = False, **more: Any) -> OrderView:
    """An order with what happened to it, one thing a minute."""
    if download:
        amounts = {"subtotal": 1200, "shipping": 0, "total": 1200, "address": None, "shipping_title": ""}
        more = amounts | more
    amount = more.get("refunded_amount", 4690)
    data: dict[str, Any] = {"reason": "The card was declined.", "amount": amount, "currency": "USD"}
    data |= {"why": "by the shopper", "tracking": ""}
    kinds = ("placed", *happened)
    timeline = [
        TimelineEntry(kind=kind, data=data, at=PLACED + timedelta(minutes=n)) for n, kind in enumerate(kinds)
    ]
    parcels = [Shipment(tracking="1Z999AA10123456784", shipped_at=PLACED + timedelta(days=1))]
    return OrderView(order(state, **more), lines(download), timeline, parcels if sent else [], None)
