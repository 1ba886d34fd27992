"""Taking what is left of what the cart asks for, once the shopper agrees."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cart.change import HeldForCart
from storefront.cart.models import Cart, CartLine
from storefront.cart.queries import cart_by_id
from storefront.cart.views import with_own_holds
from storefront.database import lock


async def take_what_is_left(session: AsyncSession, cart_id: int, held: HeldForCart) -> None:
    """Have each line that asks for more than can be had ask for what can be had; what is gone leaves the cart."""
    await lock(session, select(Cart.id).where(Cart.id == cart_id))
    cart = await with_own_holds(session, await cart_by_id(session, cart_id), held)
    for line in cart.lines:
        if line.gone:
            await session.execute(delete(CartLine).where(CartLine.id == line.id))
        elif line.short:
            less = update(CartLine).where(CartLine.id == line.id)
            await session.execute(less.values(quantity=line.left, seen_price=line.price))
