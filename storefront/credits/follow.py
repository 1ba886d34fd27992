"""What an order means for its account's credits: granted once, when it is paid; taken back in proportion to what went
back of its money. Both look at what was done for the order and do what is left, so they are safe to call again."""

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.credits.ledger import locked_balance, once
from storefront.credits.models import CreditEntry
from storefront.language import later
from storefront.orders.change import note, raise_attention
from storefront.orders.messages import tell_owner
from storefront.orders.models import Order, OrderLine
from storefront.settings import Settings

log = structlog.get_logger()

# In the ledger as they are here; the account's page says them in its language.
REASONS = (
    BOUGHT := later("Bought with order %(number)s"),
    TAKEN := later("Taken back: money of order %(number)s went back"),
    GIVEN := later("Given back: money of order %(number)s came again"),
)


async def grant(session: AsyncSession, order: Order) -> None:
    """Give the account what the order bought. Call it where the order becomes paid and nowhere else: somebody whose
    ledger went with an account may claim the order for another. The order is locked, its variants changed already."""
    query = select(func.sum(OrderLine.credit_amount * OrderLine.quantity))
    bought = int(await session.scalar(query.where(OrderLine.order_id == order.id)) or 0)
    if not bought:
        return
    if order.account_id is None:
        raise_attention(order, "it holds credits, and there is no account to add them to")
        return
    reason = BOUGHT % {"number": order.number}
    await once(session, order.account_id, _granted(order), reason, amount=bought, order_id=order.id)
    note(session, order, "credits-granted", amount=bought)


def _granted(order: Order) -> str:
    return f"order:{order.id}:granted"


async def take_back(session: AsyncSession, settings: Settings, order: Order, returned: int) -> None:
    """Have as much of the order's credits taken back in all as `returned` (minor units) is of its total: as far as
    there are any, the rest is owed. Fewer than before (a refund failed) come back: first what is owed for this order,
    then what was taken. They are taken from whom they were given to, whoever the order belongs to by now."""
    granted = await session.scalar(select(CreditEntry).where(CreditEntry.cause == _granted(order)))
    if granted is None or not order.total:
        return
    account = await locked_balance(session, granted.account_id)
    sums = select(func.sum(CreditEntry.amount), func.sum(CreditEntry.owing), func.count()).where(
        CreditEntry.order_id == order.id, CreditEntry.cause != _granted(order)
    )
    taken, owed, number = (await session.execute(sums)).one()
    # Rounded down, so that a part of the money never takes more than its part of the credits; all takes all.
    more = granted.amount * returned // order.total - int(owed or 0) + int(taken or 0)
    if more > 0:
        amount = -min(account.balance, more)
        owing = more + amount
        reason = TAKEN % {"number": order.number}
    elif more < 0:
        owing = -min(int(owed or 0), account.owed, -more)
        amount = -more + owing
        reason = GIVEN % {"number": order.number}
    else:
        return
    cause = f"order:{order.id}:returned:{number + 1}"
    await once(session, account.account_id, cause, reason, amount=amount, owing=owing, order_id=order.id)
    if amount:
        note(session, order, "credits-taken" if amount < 0 else "credits-back", amount=abs(amount))
    if owing > 0:
        await _tell_of_debt(session, settings, order, account.account_id, owing, cause)


async def _tell_of_debt(
    session: AsyncSession, settings: Settings, order: Order, account_id: int, owing: int, cause: str
) -> None:
    log.warning("credits owed", order=order.number, account=account_id, credits=owing)
    note(session, order, "credits-owed", amount=owing)
    reason = f"{owing:,} credits were to be taken back, and are spent already"
    raise_attention(order, reason)
    what_to_do = (
        f"They stand as owed: storefront credits show {account_id}. Settle it with the shopper, then write it down: "
        f"storefront credits adjust {account_id} -{owing} --owed --reason …"
    )
    await tell_owner(session, settings, order, "owner-attention", cause, reason=reason, what_to_do=what_to_do)
