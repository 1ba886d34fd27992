"""Products and prices: made, changed, archived, listed, and told about."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Shop, order


async def test_a_product_with_its_price_is_sold(client: stripe.StripeClient, check: Any) -> None:
    product = await client.v1.products.create_async(
        {
            "name": "100 credits",
            "default_price_data": {"currency": "usd", "unit_amount": 900},
            "metadata": {"credit_amount": "100"},
        }
    )
    check(product)
    price = str(product.default_price)
    check(await client.v1.prices.retrieve_async(price, {"expand": ["product"]}))
    made = await client.v1.checkout.sessions.create_async(order(line_items=[{"price": price, "quantity": 3}]))
    assert made.amount_total == 2700
    await client.v1.prices.update_async(price, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await client.v1.checkout.sessions.create_async(order(line_items=[{"price": price, "quantity": 1}]))


async def test_changes_are_told_with_what_was_before(
    client: stripe.StripeClient, shop: Shop, check: Any
) -> None:
    product = await client.v1.products.create_async({"name": "Soap", "metadata": {"a": "1", "b": "2"}})
    changed = await client.v1.products.update_async(
        product.id, {"name": "Bar", "description": "", "metadata": {"a": ""}}
    )
    assert (changed.name, changed.metadata.to_dict()) == ("Bar", {"b": "2"})
    assert sorted(await shop.until(2)) == ["product.created", "product.updated"]
    update = next(event for event in shop.events if event.type == "product.updated")
    assert update.data.previous_attributes is not None
    assert update.data.previous_attributes["name"] == "Soap"
    await client.v1.products.update_async(product.id, {"name": "Bar"})
    price = await client.v1.prices.create_async(
        {"product": product.id, "currency": "jpy", "unit_amount": 500}
    )
    check(price)
    await client.v1.prices.update_async(price.id, {"nickname": "New"})
    assert sorted(await shop.until(4)) == [
        "price.created",
        "price.updated",
        "product.created",
        "product.updated",
    ]
    for event in shop.events:
        check(event)


async def test_lists_can_be_narrowed(client: stripe.StripeClient) -> None:
    made = [await client.v1.products.create_async({"name": f"Soap {n}"}) for n in range(3)]
    await client.v1.products.update_async(made[1].id, {"active": False})
    active = await client.v1.products.list_async({"active": True})
    assert [product.id for product in active.data] == [made[2].id, made[0].id]
    assert [p.id for p in (await client.v1.products.list_async({"ids": [made[1].id]})).data] == [made[1].id]
    for product in made:
        await client.v1.prices.create_async({"product": product.id, "currency": "usd", "unit_amount": 100})
    prices = await client.v1.prices.list_async({"product": made[0].id, "expand": ["data.product"]})
    assert [price.product.name for price in prices.data] == ["Soap 0"]  # type: ignore[union-attr]


async def test_products_named_in_a_session_are_not_in_the_catalogue(client: stripe.StripeClient) -> None:
    await client.v1.checkout.sessions.create_async(order())
    assert (await client.v1.products.list_async({"active": True})).data == []
    assert [product.name for product in (await client.v1.products.list_async()).data] == ["Soap"]


async def test_only_a_product_without_prices_is_deleted(client: stripe.StripeClient, shop: Shop) -> None:
    lone = await client.v1.products.create_async({"name": "Soap"})
    assert (await client.v1.products.delete_async(lone.id)).deleted
    assert sorted(await shop.until(2)) == ["product.created", "product.deleted"]
    sold = await client.v1.products.create_async(
        {"name": "Bar", "default_price_data": {"currency": "usd", "unit_amount": 1}}
    )
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        await client.v1.products.delete_async(sold.id)


@pytest.mark.parametrize(
    ("amount", "currency", "total"),
    [("19.5", "usd", 59), (10_000, "isk", 30_000), (1230, "kwd", 3690), (700, "jpy", 2100)],
)
async def test_every_currency_counts_its_own_way(
    client: stripe.StripeClient, amount: Any, currency: str, total: int
) -> None:
    unit = {"unit_amount_decimal": amount} if isinstance(amount, str) else {"unit_amount": amount}
    line = {"quantity": 3, "price_data": {"currency": currency, "product_data": {"name": "Soap"}} | unit}
    made = await client.v1.checkout.sessions.create_async(order(line_items=[line]))
    assert made.amount_total == total


@pytest.mark.parametrize(("amount", "currency"), [(1231, "kwd"), (10_050, "isk")])
async def test_an_amount_that_the_currency_cannot_express_is_refused(
    client: stripe.StripeClient, amount: int, currency: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="divisible"):
        await client.v1.prices.create_async(
            {"currency": currency, "unit_amount": amount, "product_data": {"name": "Soap"}}
        )
