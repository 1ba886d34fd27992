"""Codes for tests, and what shoppers do with them."""

from typing import Any

from sqlalchemy import update

from storefront.promotions import change
from storefront.promotions.models import Promotion
from tests.faults.house import House
from tests.shop import Shopper
from tests.web.page import Answer


async def offer(house: House, code: str = "SPRING", **worth: Any) -> Promotion:
    """Give out a code; 20 % off unless `worth` says otherwise."""
    worth = worth if {"percent", "amount"} & worth.keys() else {"percent": 20, **worth}
    async with house.database.writes() as session:
        return await change.offer(session, code, house.shop.settings.currency, **worth)


async def end(house: House, code: str = "SPRING") -> None:
    async with house.database.writes() as session:
        assert await change.end(session, code) is not None


async def alter(house: House, **columns: Any) -> None:
    """Change every code behind the shop's back."""
    async with house.database.writes() as session:
        await session.execute(update(Promotion).values(**columns))


async def enter(shopper: Shopper, code: str) -> Answer:
    """Type a code into the cart's own form; gives the cart afterwards."""
    answer = await shopper.submit(await shopper.get("/cart"), "/cart/promotion", code=code)
    return await shopper.follow(answer) if answer.location else answer


def sums(page: Answer) -> dict[str, str]:
    """What stands under the lines, by its name."""
    rows = [
        row
        for sums in page.root.all("dl", class_name="sums")
        for row in sums.all("div") + sums.all("div", class_name="sums-total")
    ]
    return {row.all("dt")[0].text: row.all("dd")[0].text for row in rows}
