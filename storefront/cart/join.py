"""Two carts become one: a guest's and the account's that signs in."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.change import HeldForCart
from storefront.cart.models import LIMIT_LINES, LIMIT_PER_LINE, Cart, CartLine
from storefront.cart.queries import Line, cart_by_id
from storefront.database import lock, now


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of it. `both`: each held something. `short`: of something there was less than wanted. `cart_id`: the
    cart that is left; `emptied`: the guest's, whose lines are in it now."""

    cart_id: int | None
    both: bool = False
    short: bool = False
    emptied: int | None = None


async def join_carts(
    session: AsyncSession, guest_key: str | None, own_key: str, account_id: int, held: HeldForCart
) -> Joined:
    """Have the account's cart, under `own_key`, hold what the one under `guest_key` holds too: of each thing the larger
    quantity, within what can be had. Without an own cart the guest's becomes it, its open order and its draft included.
    One that is another account's, whose cookie was left in the browser, stays as it is."""
    others = Cart.account_id.is_not(None) & (Cart.account_id != account_id)
    found = {
        row.token_hash: row.id
        for row in await session.execute(
            select(Cart.id, Cart.token_hash).where(
                Cart.token_hash.in_({guest_key, own_key} - {None}), ~others
            )
        )
    }
    guest, own = found.get(guest_key or ""), found.get(own_key)
    if own is None and guest is not None:
        await rekey(session, guest_key or "", own_key)
    kept = own or guest or await _new(session, own_key)
    # Touched as well, so that it is not cleaned away before the sign-in that begins now ends.
    await session.execute(update(Cart).where(Cart.id == kept).values(account_id=account_id, changed_at=now()))
    if guest is None or own is None or guest == own:
        return Joined(kept)
    for cart_id in sorted((guest, own)):
        await lock(session, select(Cart.id).where(Cart.id == cart_id))
    return await _join(session, guest, own, held)


async def rekey(session: AsyncSession, old_key: str, new_key: str) -> None:
    """The cart under one cookie's hash is found under another's from now on."""
    await session.execute(
        update(Cart).where(Cart.token_hash == old_key).values(token_hash=new_key, changed_at=now())
    )


async def _new(session: AsyncSession, key: str) -> int:
    cart = Cart(token_hash=key)
    session.add(cart)
    await session.flush()
    return cart.id


async def _join(session: AsyncSession, guest: int, own: int, held: HeldForCart) -> Joined:
    brought, kept = await cart_by_id(session, guest), await cart_by_id(session, own)
    before = {line.variant_id: line for line in kept.lines}
    holds = [await held(session, guest), await held(session, own)]
    short, room = False, LIMIT_LINES - len(kept.lines)
    for line in brought.lines:
        mine = before.get(line.variant_id)
        wanted = max(line.quantity, mine.quantity if mine else 0)
        quantity = _can_be_had(line, wanted, holds)
        short = short or quantity < wanted or line.gone
        if mine is not None:
            await session.execute(update(CartLine).where(CartLine.id == mine.id).values(quantity=quantity))
        elif room > 0:
            room -= 1
            session.add(
                CartLine(
                    cart_id=own,
                    variant_id=line.variant_id,
                    quantity=quantity,
                    seen_price=line.seen_price,
                )
            )
        else:
            short = True
    await session.execute(delete(CartLine).where(CartLine.cart_id == guest))
    if brought.offer is not None and (kept.offer is None or brought.offer.runs):
        # What the guest has just entered is what they count on.
        await session.execute(update(Cart).where(Cart.id == own).values(promotion_id=brought.offer.id))
    draft = {"draft": brought.draft, "draft_at": brought.draft_at} if brought.draft else {}
    await session.execute(update(Cart).where(Cart.id == own).values(changed_at=now(), **draft))
    await session.flush()
    return Joined(own, both=bool(before and brought.lines), short=short, emptied=guest)


def _can_be_had(line: Line, wanted: int, holds: list[Mapping[int, int]]) -> int:
    """`wanted` within stock, to which belongs what the carts' own orders hold. What is gone altogether stays as it was
    wanted: the cart says so at the line."""
    left = line.left + (sum(held.get(line.variant_id, 0) for held in holds) if line.tracked else 0)
    return min(wanted, LIMIT_PER_LINE, left) if left > 0 and line.on_sale else min(wanted, LIMIT_PER_LINE)
