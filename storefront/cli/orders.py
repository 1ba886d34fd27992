"""storefront orders …: what the owner does with orders until there is a back office."""

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from storefront.cli.start import fail, with_database, with_shop
from storefront.cli.words import Whole, is_amount
from storefront.database import Database
from storefront.money import decimals, format_money
from storefront.orders.models import OPEN_STATES, Order, Refund, Withdrawal
from storefront.orders.next import to_be_sent
from storefront.orders.queries import OrderView, find_orders, lock_order, order_view, refunded_of
from storefront.orders.withdraw import newest_withdrawals
from storefront.orders.words import bill_to_lines, timeline_text
from storefront.payments.models import Dispute
from storefront.payments.queries import disputes_to_answer
from storefront.settings import Settings

if TYPE_CHECKING:
    from storefront.app import Shop

# How often it is looked, half a second apart, what became of a refund.
LOOKS = 10


@click.group()
def orders() -> None:
    """List, show, ship, cancel and refund orders. NUMBER is the order's readable number, such as SF-7Q4K2M."""


@orders.command("list")
@click.option("--state", type=click.Choice(["pending", "awaiting", "paid", "failed", "cancelled"]))
@click.option("--attention", is_flag=True, help="Only those that somebody must look at.")
@click.option("--most", type=Whole(1, 10_000), default=50, show_default=True)
def list_orders(state: str | None, attention: bool, most: int) -> None:
    """The newest orders."""

    async def work(_found: Settings, database: Database) -> list[Order]:
        async with database.reads() as session:
            return await find_orders(session, state=state or "", attention=attention, most=most)

    for order in with_database(work):
        total = format_money(order.total, order.currency)
        flag = f"  ! {order.attention}" if order.attention else ""
        click.echo(f"{order.number}  {order.placed_at:%Y-%m-%d %H:%M}  {order.state:9}  {total:>12}{flag}")


@orders.command()
@click.argument("number")
def show(number: str) -> None:
    """Everything about one order."""

    async def work(_found: Settings, database: Database) -> tuple[OrderView, list[Dispute]]:
        async with database.reads() as session:
            view = await order_view(session, Order.number == number.upper())
            if view is None:
                fail(f"there is no order {number}")
            return view, await disputes_to_answer(session, view.order.id)

    view, disputes = with_database(work)
    order = view.order
    click.echo(f"{order.number}  {order.state}  {format_money(order.total, order.currency)}  {order.email}")
    if order.refunded_amount:
        click.echo(f"refunded {format_money(order.refunded_amount, order.currency)}")
    if order.called_off_at is not None:
        click.echo(f"! its shopper cancelled it on {order.called_off_at:%Y-%m-%d %H:%M} UTC; do not send it")
    if order.attention:
        click.echo(f"! {order.attention}")
    for dispute in disputes:
        until = f" until {dispute.due_by:%Y-%m-%d %H:%M} UTC" if dispute.due_by else ""
        click.echo(f"! answer the dispute about {format_money(dispute.amount, dispute.currency)}{until}")
    for line in view.lines:
        click.echo(f"  {line.quantity} × {line.sku}  {line.title} {line.variant_title}".rstrip())
    if order.discount:
        click.echo(f"  code {order.promotion_code}: {format_money(-order.discount, order.currency)}")
    if order.address:
        click.echo(f"  {order.shipping_title}:\n    " + order.address["lines"].replace("\n", "\n    "))
    if bill_to_lines(order):
        click.echo("  bill to:\n    " + "\n    ".join(bill_to_lines(order)))
    if order.note:
        click.echo(f"  note: {order.note}")
    for task in [] if view.shipments or view.lost else to_be_sent(order, view.lines):
        click.echo(f"  to do: {task}")
    for shipment in view.shipments:
        click.echo(f"  sent {shipment.shipped_at:%Y-%m-%d %H:%M} {shipment.tracking}".rstrip())
    for entry in view.timeline:
        click.echo(f"  {entry.at:%Y-%m-%d %H:%M:%S}  {timeline_text(entry)}")
    click.echo(f"  {order.origin}/orders/{order.token}")


@orders.command()
@click.option("--most", type=Whole(1, 10_000), default=50, show_default=True)
def withdrawals(most: int) -> None:
    """The newest declarations of shoppers who withdraw, those that fit no order among them."""

    async def work(_found: Settings, database: Database) -> list[tuple[Withdrawal, Order | None]]:
        async with database.reads() as session:
            return await newest_withdrawals(session, most)

    for row, order in with_database(work):
        fits = "" if order is not None else "  ! no order fits"
        what = row.things or "everything"
        click.echo(f"{row.received_at:%Y-%m-%d %H:%M}  {row.number}  {row.name} {row.email}  {what}{fits}")


@orders.command()
@click.argument("number")
@click.option("--tracking", default="", help="The parcel's tracking number or link; a file's link.")
def ship(number: str, tracking: str) -> None:
    """Say that a paid order was sent, by post or by e-mail; the shopper gets a message.

    An order that goes in several parcels is sent once for each, with another --tracking each time.
    """
    from storefront.orders.ship import CannotShip, ship_order

    async def work(found: Settings, database: Database) -> None:
        async with database.writes() as session:
            order = await lock_order(session, Order.number == number.upper())
            if order is None:
                raise CannotShip(f"there is no order {number}")
            await ship_order(session, found, order, tracking.strip())

    try:
        with_database(work)
    except CannotShip as error:
        fail(str(error))
    click.echo(f"{number.upper()} sent")


@orders.command()
@click.argument("number")
def resolve(number: str) -> None:
    """Say that you have looked at an order that waits for a decision; it may be sent then. One that is not paid,
    since its payment does not fit, is cancelled first."""
    from storefront.orders.change import resolve as take_away

    async def work(_found: Settings, database: Database) -> list[str]:
        async with database.writes() as session:
            order = await lock_order(session, Order.number == number.upper())
            return take_away(order) if order is not None else list(fail(f"there is no order {number}"))

    left = with_database(work)
    if left:
        fail(f"{number.upper()} still waits: {'; '.join(left)}")
    click.echo(f"{number.upper()} waits for nothing")


@orders.command()
@click.argument("number")
def cancel(number: str) -> None:
    """Give up an order that is not paid; its page at Stripe is closed first."""
    from storefront.payments.errors import PaymentProblem
    from storefront.payments.giveup import give_up

    async def work(shop: "Shop") -> str:
        async with shop.database.reads() as session:
            view = await order_view(session, Order.number == number.upper())
        if view is None:
            return str(fail(f"there is no order {number}"))
        if view.order.state not in OPEN_STATES:
            return str(fail(f"{number.upper()} is {view.order.state}; only an open order can be cancelled"))
        return await give_up(
            shop.database, shop.gateway, shop.settings, view.order.id, "by the shop", decided=True
        )

    try:
        state = with_shop(work)
    except PaymentProblem:
        fail("Stripe does not answer, so its payment page cannot be closed; nothing was changed")
    if state != "cancelled":
        fail(f"{number.upper()} was paid meanwhile; it is {state}")
    click.echo(f"{number.upper()} cancelled")


@orders.command()
@click.argument("number")
@click.option("--amount", help="How much, such as 4.90; all that is left when not given.")
@click.option("--restock", is_flag=True, help="Put the things back into stock when the refund has succeeded.")
@click.option(
    "--payment",
    help="Of this payment (pi_…), when it is not the one by which the order is paid: a second one, or one that came "
    "too late.",
)
def refund(number: str, amount: str | None, restock: bool, payment: str | None) -> None:
    """Send money back through Stripe."""
    from storefront.payments.refund import NotRefundable, ask_for_refund, send_refunds

    if amount is not None and not is_amount(amount):
        fail(f"{amount!r} is no amount")
    if payment is not None and not payment.strip():
        fail(f"{payment!r} is no payment")
    if restock and amount is not None:
        fail("--restock puts everything back, so it goes with a full refund, without --amount")

    async def work(shop: "Shop") -> str:
        async with shop.database.writes() as session:
            order = await lock_order(session, Order.number == number.upper())
            if order is None:
                raise NotRefundable(f"there is no order {number}")
            minor = None if amount is None else _minor_units(amount, order.currency)
            if minor is not None and minor <= 0:
                raise NotRefundable(f"{amount} is no amount in {order.currency}")
            put_down = await ask_for_refund(
                session, order, minor, restock=restock, payment=(payment or "").strip()
            )
        for _ in range(LOOKS):
            await send_refunds(shop.database, shop.gateway, shop.settings)
            async with shop.database.reads() as session:
                current = await session.get_one(Order, order.id)
                refunded = (
                    current.refunded_amount
                    if current.payment_intent == put_down.payment_intent
                    else await refunded_of(session, order.id, put_down.payment_intent)
                )
                made = await session.get_one(Refund, put_down.id)
            if made.state != "wanted":
                break
            # The worker of a running shop may have taken it, or Stripe was slow.
            await asyncio.sleep(0.5)
        much, in_all = format_money(made.amount, order.currency), format_money(refunded, order.currency)
        if made.state in {"failed", "canceled"}:
            raise NotRefundable(
                f"{order.number}: {much} was not refunded: {made.error or 'it failed at Stripe'}"
            )
        if made.state == "wanted":
            return f"{much} will be refunded; Stripe does not answer, and the worker goes on"
        of = f" of payment {made.payment_intent}" if payment else ""
        return f"{much} refunded, {in_all} in all{of}"

    try:
        said = with_shop(work)
    except NotRefundable as error:
        fail(str(error))
    click.echo(f"{number.upper()} {said}")


def _minor_units(amount: str, currency: str) -> int:
    """An amount as people write it in minor units; 0 when the currency has no such parts."""
    value = Decimal(amount).scaleb(decimals(currency))
    return int(value) if value == value.to_integral_value() else 0
