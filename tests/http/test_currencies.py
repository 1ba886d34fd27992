"""Shops whose currency has no decimals, or three: what is shown is what Stripe charges."""

from pathlib import Path

import pytest

from storefront.orders.models import PAID
from tests.http.test_buying import CARDS, paid_page, press_card
from tests.shop import running_shop, shopper_at, token_of


@pytest.mark.parametrize(
    ("currency", "price", "shown", "charged"),
    [("JPY", 1250, "¥1,250", "1,740 JPY"), ("KWD", 12_340, "KWD 12.340", "17.240 KWD")],
)
async def test_amounts_look_and_charge_right(
    currency: str, price: int, shown: str, charged: str, tmp_path: Path
) -> None:
    with running_shop(
        tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", {"CURRENCY": currency}
    ) as shop:
        thing = await shop.new_thing(price=price, currency=currency)
        async with shopper_at(shop.url) as shopper:
            assert shown in (await shopper.get(f"/products/{thing.slug}")).words.replace("\xa0", " ")
            await shopper.add(thing)
            sent = await shopper.order()
            paying = await shopper.get(sent.location)
            back = await press_card(shopper, paying, CARDS["pays"])
            url = (await shopper.get(back.location)).location
            status = (await paid_page(shopper, url)).element("order-status").attrs
        paid = await shop.order(token_of(url))
        # An amount that is not the order's would leave it to staff.
        assert paid.attention == ""
        assert f"Pay {charged}" in paying.words
        assert (paid.state, paid.currency, paid.subtotal) == (PAID, currency, price)
        assert (status["data-total"], status["data-currency"]) == (str(paid.total), currency)
