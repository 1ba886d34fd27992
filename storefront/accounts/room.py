"""What the handlers of this room work with; put together by the app."""

from dataclasses import dataclass

from storefront.accounts.hashing import Hashing
from storefront.cart.change import HeldForCart
from storefront.database import Database
from storefront.settings import Settings
from storefront.web.limits import Limits
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates


@dataclass(frozen=True)
class AccountsRoom:
    """`held` says what a cart's own open order has set aside."""

    settings: Settings
    database: Database
    templates: Templates
    limits: Limits
    hashing: Hashing
    held: HeldForCart

    def base(self, request: ShopRequest) -> str:
        """Where links in messages lead."""
        return self.settings.base_url or request.origin
