"""The ledger of credits, looked at from outside: it adds up, nobody is below zero, one entry per cause, and every paid
order's credits are where its money is."""

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.credits.models import CreditBalance, CreditEntry
from storefront.orders.models import PAID, Order, OrderLine
from storefront.payments.models import Dispute


async def wrong_in_ledger(session: AsyncSession) -> list[str]:
    """What does not hold, in words."""
    entries = list(await session.scalars(select(CreditEntry).order_by(CreditEntry.id)))
    balances = {one.account_id: one for one in await session.scalars(select(CreditBalance))}
    return [*_sums(entries, balances), *await _orders(session, entries)]


def _sums(entries: list[CreditEntry], balances: dict[int, CreditBalance]) -> list[str]:
    wrong = [f"I3 {one}: {n} entries" for one, n in Counter(one.cause for one in entries).items() if n > 1]
    running: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in entries:
        sums = running[one.account_id]
        sums[0] += one.amount
        sums[1] += one.owing
        if [one.balance, one.owed] != sums or min(sums) < 0:
            wrong.append(f"I3 entry {one.id} says {one.balance} and {one.owed} owed, the sums are {sums}")
    for account_id in {*running, *balances}:
        known = balances.get(account_id)
        said = [known.balance, known.owed] if known else None
        if said != running[account_id]:
            wrong.append(f"I3 account {account_id} says {said}, its entries add up to {running[account_id]}")
    return wrong


async def _orders(session: AsyncSession, entries: list[CreditEntry]) -> list[str]:
    """Granted exactly when paid, and what is left of that is in proportion to the money that stayed."""
    bought = func.sum(OrderLine.credit_amount * OrderLine.quantity)
    query = select(Order, bought).join(OrderLine, OrderLine.order_id == Order.id).group_by(Order.id)
    lost: dict[int, int] = defaultdict(int)
    for one in await session.scalars(select(Dispute).where(Dispute.status == "lost")):
        lost[one.order_id] += one.amount
    mine: dict[Any, list[CreditEntry]] = defaultdict(list)
    for one in entries:
        mine[one.order_id].append(one)
    wrong = []
    for order, credits in await session.execute(query):
        granted = [one.amount for one in mine[order.id] if one.cause == f"order:{order.id}:granted"]
        due = [credits] if credits and order.state == PAID and (granted or order.account_id) else []
        if granted != due:
            wrong.append(f"I3 {order.number} is {order.state} and was granted {granted}, not {due}")
            continue
        returned = min(order.refunded_amount + lost[order.id], order.total)
        kept = sum(one.amount - one.owing for one in mine[order.id])
        left = sum(due) - (sum(due) * returned // order.total if order.total else 0)
        if kept != left:
            wrong.append(f"I3 {order.number} left {kept} credits, and should leave {left}")
    return wrong
