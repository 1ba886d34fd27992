"""What comes from Stripe's catalogue, in a running shop: its events, carts and orders, and that nothing goes back."""

from pathlib import Path

import pytest

from storefront.orders.models import PAID
from storefront.payments import sync as syncing
from tests.catalogue.merchant import Merchant
from tests.catalogue.one_way import catalogue_writes, writing_lines
from tests.faults.house import Bought, House, Obj
from tests.shop import ANNA, Thing


@pytest.fixture
def merchant(house: House, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    for pause in ("PAUSE_AFTER_PAGE", "PAUSE_AFTER_BATCH"):
        monkeypatch.setattr(syncing, pause, 0)
    shop = house.shop
    return Merchant(house.database, shop.settings, house.stripe.sandbox, shop.gateway)


async def thing_of(merchant: Merchant, product: Obj) -> Thing:
    here, variant = (await merchant.here(product))[0], await merchant.variant(product)
    return Thing(variant.id, here.id, here.slug, variant.sku, variant.price)


async def items_of(house: House, bought: Bought) -> list[Obj]:
    """What Stripe was asked for, line by line."""
    return list((await house.attempts(bought.order))[-1].parameters["line_items"])


async def test_events_bring_the_catalogue_without_any_sync(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await house.deliver_new()
    assert (await merchant.variant(soap)).price == 850
    await merchant.change(soap, name="Bar")
    price = await merchant.price(soap, 990)
    await merchant.change(soap, default_price=price["id"])
    await house.deliver_new(order="reversed")
    product, _ = await merchant.here(soap)
    assert (product.title, product.price) == ("Bar", 990)
    await merchant.change(soap, active=False)
    await house.deliver_new()
    assert (await merchant.here(soap))[0].status == "archived"
    assert (await house.shopper().get(f"/products/{product.slug}")).status == 404
    await merchant.change(soap, active=True)
    await house.deliver_new()
    assert (await merchant.here(soap))[0].status == "active"
    assert {one.state for one in (await house.inbox()).values()} == {"handled"}
    await house.check()


async def test_a_deleted_product_is_archived_by_its_event(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await house.deliver_new()
    await house.stripe.sandbox.store.write(lambda books: books.remove(soap["default_price"]))
    await merchant.delete(soap)
    await house.deliver_new()
    assert (await merchant.here(soap))[0].status == "archived"


async def test_events_twice_at_once_and_of_unknown_things_do_no_harm(
    house: House, merchant: Merchant
) -> None:
    soap = await merchant.product("Soap", 850)
    events = await house.stripe.events()
    statuses = await house.deliver_at_once(*events * 4, processes=[house.shop, house.another()])
    assert set(statuses) == {200}
    house.pass_time(minutes=2)
    await house.shop.work("retry_events")
    assert (await merchant.variant(soap)).price == 850
    [created, _] = events
    unknown = {**created, "id": "evt_unknown", "data": {"object": {**soap, "id": "prod_unknown"}}}
    assert await house.deliver(unknown) == [200]
    assert {one.state for one in (await house.inbox()).values()} == {"handled"}


async def test_an_event_waits_while_stripe_cannot_be_read(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await house.stripe.fault("GET /v1/products/*", "503", times=2)
    await house.deliver_new("product.created")
    assert [one.state for one in (await house.inbox()).values()] == ["failed"]
    house.pass_time(minutes=2)
    await house.shop.work("retry_events")
    assert (await merchant.variant(soap)).price == 850


async def test_the_reconciler_leaves_the_catalogue_to_the_sync(house: House, merchant: Merchant) -> None:
    await merchant.product("Soap", 850)
    await house.shop.work("reconcile_now_and_then")
    assert await house.inbox() == {}


async def test_a_changed_price_is_said_on_the_line_and_agreed_to(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    shopper = house.shopper()
    await shopper.add(await thing_of(merchant, soap), 2)
    page = await shopper.get("/checkout")
    price = await merchant.price(soap, 990)
    await merchant.change(soap, default_price=price["id"])
    await house.deliver_new()
    assert "Was $8.50 when you added it, now $9.90" in (await shopper.get("/cart")).words
    answer = await shopper.submit(page, "/checkout", **ANNA)
    assert answer.status == 409
    assert await house.orders() == []
    sent = await shopper.submit(answer, "/checkout")
    bought = await house.placed(shopper, sent)
    assert (await house.order(bought.order)).subtotal == 1980


async def test_what_was_archived_at_stripe_is_said_on_the_line(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    shopper = house.shopper()
    await shopper.add(await thing_of(merchant, soap))
    await merchant.change(soap, active=False)
    await merchant.sync(archive_all=True)
    assert "No longer available" in (await shopper.get("/cart")).words


async def test_an_order_asks_for_stripes_own_price(house: House, merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    other = await house.thing(price=300)
    bought = await house.buy(await thing_of(merchant, soap), other, quantity=3)
    first, second, delivery = await items_of(house, bought)
    assert first == {"quantity": 3, "price": soap["default_price"]}
    assert second["price_data"]["unit_amount"] == 300
    assert delivery["price_data"]["unit_amount"] == 500
    [attempt] = await house.attempts(bought.order)
    assert attempt.parameters["currency"] == "usd", "whatever other currencies the price has"
    session = await house.stripe.session(bought.session)
    assert session["amount_total"] == (await house.order(bought.order)).total == 3 * 1150 + 500
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()


async def test_an_order_keeps_its_amount_when_the_price_changes_before_it_is_paid_again(
    house: House, merchant: Merchant
) -> None:
    soap = await merchant.product("Soap", 850, shippable=False)
    await merchant.sync()
    bought = await house.buy(await thing_of(merchant, soap))
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    await house.stripe.do("fail", session=bought.session)
    price = await merchant.price(soap, 990)
    await merchant.change(soap, default_price=price["id"])
    await house.deliver_new()
    token = (await house.order(bought.order)).token
    answer = await bought.shopper.submit(await house.page(bought.order), f"/orders/{token}/pay")
    assert answer.status == 303
    [item] = await items_of(house, bought)
    assert item["price_data"]["unit_amount"] == 850, "what was agreed to"


async def test_a_price_that_is_archived_at_stripe_alone_does_not_stop_an_order(
    house: House, merchant: Merchant
) -> None:
    """Its event has not arrived yet."""
    soap = await merchant.product("Soap", 850, shippable=False)
    await merchant.sync()
    thing = await thing_of(merchant, soap)
    await merchant.change(soap, active=False)
    bought = await house.buy(thing)
    old, new = await house.attempts(bought.order)
    assert old.state == "dropped"
    assert new.state == "open"
    assert new.parameters["line_items"][0]["price_data"]["unit_amount"] == 850
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await house.state(bought.order) == PAID
    await house.check()


def test_no_line_of_the_shop_writes_to_stripes_catalogue() -> None:
    assert writing_lines() == []


def test_the_look_for_such_lines_finds_them(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "self.client.v1.products.create_async(params)\nclient.v1.prices.list_async()\nclient.v1.prices.update('x')\n"
    )
    assert [line.split()[0] for line in writing_lines(tmp_path)] == ["one.py:1", "one.py:3"]
    calls = [
        "GET /v1/products",
        "POST /v1/products/prod_1",
        "DELETE /v1/products/prod_1",
        "POST /v1/promotion_codes",
    ]
    assert catalogue_writes([*calls, "POST /v1/checkout/sessions", "POST /v1/coupons"]) == calls[1:]


async def test_nothing_is_written_to_stripes_catalogue(house: House, merchant: Merchant) -> None:
    """A whole life: a sync, events, an order by price, a price that changes, a refund, a reconciliation."""
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    bought = await house.buy(await thing_of(merchant, soap), quantity=2)
    await house.stripe.do("pay", session=bought.session)
    await merchant.change(soap, name="Bar")
    await house.deliver_new()
    await house.stripe.do("refund", session=bought.session, amount=100)
    await house.deliver_new()
    await house.shop.work()
    await merchant.change(soap, active=False)
    await merchant.sync(archive_all=True)
    assert len(house.stripe.calls) > 10
    assert catalogue_writes(house.stripe.calls) == []
    asked = {call for call in house.stripe.calls if "/products" in call or "/prices" in call}
    assert asked == {"GET /v1/products", "GET /v1/prices", f"GET /v1/products/{soap['id']}"}
    await house.check()
