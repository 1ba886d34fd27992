"""The account's cart: the same behind every browser that is signed in, and joined by what a guest had put into another.

Its cookie is not drawn at random like a guest's but worked out from the account, the shop's secret and a salt, so that
every sign-in opens the same cart without asking the database more than a guest's does. A new salt shuts all out.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.accounts.models import Account
from storefront.cart import cookies as cart_cookies
from storefront.cart.change import HeldForCart
from storefront.cart.join import Joined, join_carts, rekey
from storefront.cart.models import Cart, CartLine
from storefront.cart.queries import count_by_key
from storefront.orders.models import OPEN_STATES, Order
from storefront.settings import Settings


@dataclass(frozen=True, slots=True)
class Brought:
    """The cart after a sign-in: the value of its cookie, how many pieces lie in it, and what came of joining."""

    token: str
    count: int
    joined: Joined


def new_salt() -> str:
    return secrets.token_hex(16)


def cart_token(settings: Settings, account: Account, secret: str = "") -> str:
    """The value of the cart's cookie for this account."""
    text = f"cart:{account.id}:{account.cart_salt}".encode()
    digest = hmac.digest((secret or settings.secret_keys[0]).encode(), text, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def bring_cart(
    session: AsyncSession, settings: Settings, account: Account, guest_key: str | None, held: HeldForCart
) -> Brought:
    """Join the cart that a guest's browser brought to the account's. Locks carts, then orders."""
    token = cart_token(settings, account)
    own = await _own_key(session, settings, account)
    joined = await join_carts(session, guest_key, own, account.id, held)
    if joined.emptied is not None and joined.cart_id is not None:
        await _orders_follow(session, joined.emptied, joined.cart_id)
    return Brought(token, await count_by_key(session, own), joined)


async def lock_cart(session: AsyncSession, settings: Settings, account: Account) -> int | None:
    """Lock the account's cart, which comes before the account itself. Gives what was locked, None where none is."""
    own = await _own_key(session, settings, account)
    # SQLAlchemy leaves the lock out on SQLite, where the write transaction is it.
    found: int | None = await session.scalar(select(Cart.id).where(Cart.token_hash == own).with_for_update())
    return found


async def own_cart(session: AsyncSession, settings: Settings, account: Account) -> int | None:
    """The account's cart, by whichever of the shop's secrets its key was made, None where none is. Only reads: the
    account may be locked, and then no cart is waited for."""
    keys = _keys(settings, account)
    query = select(Cart.token_hash, Cart.id).where(Cart.token_hash.in_(keys))
    found = {row.token_hash: row.id for row in await session.execute(query)}
    return next((found[key] for key in keys if key in found), None)


def _keys(settings: Settings, account: Account) -> list[str]:
    return [cart_cookies.hashed(cart_token(settings, account, secret)) for secret in settings.secret_keys]


async def _own_key(session: AsyncSession, settings: Settings, account: Account) -> str:
    """The key of the account's cart, which is given today's first where an older secret made it."""
    own, *older = _keys(settings, account)
    if older and await session.scalar(select(Cart.id).where(Cart.token_hash == own)) is None:
        await session.execute(update(Cart).where(Cart.token_hash.in_(older)).values(token_hash=own))
    return own


async def _orders_follow(session: AsyncSession, from_cart: int, to_cart: int) -> None:
    """What the guest's cart ordered belongs to the joined one, so that paying it takes the things out of there. Two
    open orders cannot belong to one cart; then the guest's stays, and ends by itself if nobody pays it."""
    open_here = select(Order.id).where(Order.cart_id == to_cart, Order.state.in_(OPEN_STATES))
    mine = Order.cart_id == from_cart
    if await session.scalar(open_here.limit(1)) is not None:
        mine &= Order.state.not_in(OPEN_STATES)
    await session.execute(update(Order).where(mine).values(cart_id=to_cart))
    left = await session.scalar(select(Order.id).where(Order.cart_id == from_cart).limit(1))
    if left is None:
        await session.execute(delete(Cart).where(Cart.id == from_cart))


async def lock_cart_out(session: AsyncSession, settings: Settings, account: Account) -> str:
    """From now on the cart's cookie in every browser opens nothing; gives the new one's value."""
    old = await _own_key(session, settings, account)
    account.cart_salt = new_salt()
    token = cart_token(settings, account)
    await rekey(session, old, cart_cookies.hashed(token))
    return token


async def clear_cart(session: AsyncSession, settings: Settings, account: Account) -> None:
    """Empty the account's cart, and what was typed at its checkout."""
    cart_id = await own_cart(session, settings, account)
    if cart_id is not None:
        await session.execute(delete(CartLine).where(CartLine.cart_id == cart_id))
        await session.execute(
            update(Cart).where(Cart.id == cart_id).values(draft=None, draft_at=None, token_hash=new_salt())
        )
