"""People with accounts who buy credits at a house (tests.faults.house)."""

from dataclasses import dataclass
from typing import Any

from storefront.accounts.change import create_account
from storefront.credits.models import CreditEntry
from storefront.credits.queries import Entry, balance_of, entries_of
from tests.accounts.people import HASH, new_email, sign_in
from tests.faults.house import Bought, House
from tests.shop import Shopper, Thing

__all__ = ["Buyer", "CreditEntry", "buyer", "new_account", "package"]


@dataclass
class Buyer:
    """Somebody with an account, signed in in one browser."""

    house: House
    account: int
    email: str
    shopper: Shopper

    async def buy(self, *things: Thing, quantity: int = 1) -> Bought:
        """Order things; not paid yet."""
        return await self.house.buy(*things, quantity=quantity, shopper=self.shopper)

    async def pay(self, *things: Thing, quantity: int = 1) -> Bought:
        """Order things and pay for them; the shop has heard of it."""
        bought = await self.buy(*things, quantity=quantity)
        await self.house.stripe.do("pay", session=bought.session)
        await self.house.deliver_new()
        return bought

    async def balance(self) -> tuple[int, int]:
        async with self.house.database.reads() as session:
            return await balance_of(session, self.account)

    async def entries(self) -> list[Entry]:
        """The newest first."""
        async with self.house.database.reads() as session:
            return list(await entries_of(session, self.account))


async def new_account(house: House, email: str) -> int:
    async with house.database.writes() as session:
        return (await create_account(session, email, HASH, verified=True)).id


async def buyer(house: House) -> Buyer:
    """Somebody new, signed in."""
    email = new_email()
    account = await new_account(house, email)
    shopper = house.shopper()
    assert (await sign_in(shopper, email)).status == 303
    return Buyer(house, account, email, shopper)


async def package(house: House, credits: int = 100, price: int = 1000, **more: Any) -> Thing:
    """A package of credits, on sale."""
    return await house.thing(on_hand=0, price=price, tracked=False, credit_amount=credits, **more)
