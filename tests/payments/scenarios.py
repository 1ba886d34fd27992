"""Sequences of Stripe's events that others wrote down, made to be about an order of ours."""

import copy
import json
import re
from dataclasses import dataclass

from sqlalchemy import select

from storefront.orders.models import Order
from storefront.outbox.models import Message
from tests.payments.stripe_objects import Obj, new_id, scenario
from tests.shop import Running, Thing, shopper_at, token_of
from tests.stripe_double import StripeDouble

AMOUNT = 3490
DELIVERY = 490
IDS = re.compile(r'"((?:evt|pi|ch|re|dp)_[A-Za-z0-9]{12,})"')


@dataclass
class Ordered:
    """An order of two pieces of a thing, waiting at Stripe."""

    shop: Running
    stripe: StripeDouble
    thing: Thing
    session: Obj

    @property
    def token(self) -> str:
        return token_of(self.session["cancel_url"])

    async def now(self) -> Order:
        """The order as it is."""
        return await self.shop.order(self.token)

    async def stock(self) -> tuple[int, int]:
        return await self.shop.stock(self.thing)

    async def messages(self) -> list[str]:
        """The templates of the messages that were written about it."""
        order = await self.now()
        query = select(Message.template).where(Message.key.startswith(f"order:{order.id}:"))
        async with self.shop.database() as database, database.reads() as session:
            return sorted(await session.scalars(query))


async def ordered(shop: Running, stripe: StripeDouble) -> Ordered:
    """Somebody orders for 34.90, as the scenarios have it, of nine pieces on hand."""
    thing = await shop.new_thing(price=(AMOUNT - DELIVERY) // 2, on_hand=9)
    async with shopper_at(shop.url) as shopper:
        await shopper.add(thing, 2)
        session = stripe.session_at((await shopper.order()).location)
    assert session["amount_total"] == AMOUNT
    return Ordered(shop, stripe, thing, session)


def events_of(name: str, order: Ordered) -> list[Obj]:
    """The events of a scenario with our session, our reference, our currency, and other ids new."""
    told = copy.deepcopy(scenario(name))
    text = json.dumps(told["events"]).replace('"eur"', '"usd"')
    text = text.replace(told["ids"]["cs"], order.session["id"])
    text = text.replace(told["order_id"], order.session["client_reference_id"])
    for identity in set(IDS.findall(text)):
        text = text.replace(identity, new_id(identity.partition("_")[0]))
    return list(json.loads(text))
