"""What the checkout's handlers work with: the shared things, the shopper's basket and their draft."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import update

from storefront.accounts.book import Kept, addresses
from storefront.accounts.guards import whoever
from storefront.cart import cookies
from storefront.cart.delivery import Rate, read_rates
from storefront.cart.models import Cart
from storefront.cart.queries import CartView, cart_by_key
from storefront.cart.views import with_own_holds
from storefront.database import Database, now
from storefront.orders.change import held_for_cart
from storefront.payments.gateway import Gateway
from storefront.settings import Settings
from storefront.web.limits import Limits
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

DRAFT_LASTS = timedelta(hours=24)


@dataclass(frozen=True)
class CheckoutRoom:
    """What the checkout's handlers work with; put together by the app."""

    settings: Settings
    database: Database
    templates: Templates
    gateway: Gateway
    limits: Limits


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
    cart = await with_own_holds(reader, cart, held_for_cart)
    basket = Basket(cart, await read_rates(reader) if cart.lines else [])
    if request.account_id is not None and cart.lines:
        basket.email = whoever(request).email
        basket.kept = await addresses(reader, request.account_id)
    return basket


async def keep_draft(room: CheckoutRoom, basket: Basket, values: dict[str, str]) -> None:
    """Keep what was typed, so that it survives errors, Back and a Stripe failure."""
    async with room.database.writes() as session:
        await session.execute(
            update(Cart).where(Cart.id == basket.cart.id).values(draft=values, draft_at=now())
        )
