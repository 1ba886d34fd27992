"""What the checkout's handlers work with: the shared things, the shopper's basket and their draft."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import bindparam, update

from storefront.accounts.book import Kept, addresses
from storefront.accounts.guards import whoever
from storefront.cart import cookies
from storefront.cart.delivery import Rate, read_rates
from storefront.cart.models import Cart
from storefront.cart.queries import CartView, cart_by_key
from storefront.cart.views import with_own_order
from storefront.database import Database, now
from storefront.orders.change import held_for_cart
from storefront.orders.queries import used_by_others
from storefront.payments.gateway import Gateway
from storefront.settings import Settings
from storefront.web.limits import Limits
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

DRAFT_LASTS = timedelta(hours=24)
# Of a hundred who want the last five, the first few decide it, and the others read that it is gone: at once they would
# each write an order, wait for the same row with a connection in hand, and take all of it back.
PLACED_AT_ONCE = 3
# Where many want different things nobody is turned away for it: after so many seconds they go on without a turn.
PATIENT_FOR = 2.0
_TYPED = (
    update(Cart)
    .where(Cart.id == bindparam("cart"))
    .values(draft=bindparam("typed"), draft_at=bindparam("at"))
)


@dataclass(frozen=True)
class CheckoutRoom:
    """What the checkout's handlers work with; put together by the app."""

    settings: Settings
    database: Database
    templates: Templates
    gateway: Gateway
    limits: Limits
    placing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACED_AT_ONCE))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of the few turns of this process to place an order, each for one transaction; none, when none came in
        time."""
        mine = False
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENT_FOR):
                mine = await self.placing.acquire()
        try:
            yield
        finally:
            if mine:
                self.placing.release()


@dataclass
class Basket:
    """The shopper's cart, the rates, and what they typed before. Of somebody who is signed in also the e-mail address
    and the addresses that are kept, the last one of which a form begins with."""

    cart: CartView
    rates: list[Rate]
    email: str = ""
    kept: list[Kept] = field(default_factory=list)

    @property
    def draft(self) -> dict[str, str]:
        kept = self.cart.draft_at is not None and now() - self.cart.draft_at < DRAFT_LASTS
        if kept and self.cart.draft:
            return dict(self.cart.draft)
        return {"email": self.email, **(self.kept[0].fields if self.kept else {})} if self.email else {}


async def read_basket(request: ShopRequest, room: CheckoutRoom) -> Basket:
    """The cart behind the asker's cookie as it is now, and the delivery rates."""
    reader = room.database.glance
    cart = await cart_by_key(reader, cookies.cart_key(request))
    cart = await with_own_order(reader, cart, held_for_cart, used_by_others)
    basket = Basket(cart, await read_rates(reader) if cart.lines else [])
    if request.account_id is not None and cart.lines:
        basket.email = whoever(request).email
        basket.kept = await addresses(reader, request.account_id)
    return basket


async def keep_draft(room: CheckoutRoom, basket: Basket, values: dict[str, str]) -> None:
    """Keep what was typed, so that it survives errors, Back and a Stripe failure."""
    async with room.database.stroke() as stroke:
        await stroke.execute(_TYPED, {"cart": basket.cart.id, "typed": values, "at": now()})
