"""What stands in an order stays."""

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from storefront.catalogue.models import Image, Product, ProductCollection, StockMovement, Variant
from storefront.database import Base
from tests.payments import stripe_api
from tests.payments.scenarios import ordered
from tests.shop import Running, Shopper, Thing
from tests.stripe_double import StripeDouble, deliver


@pytest.mark.parametrize("table", [Variant, Product])
async def test_what_stands_in_an_order_cannot_be_deleted(
    shop: Running, stripe: StripeDouble, table: type[Base]
) -> None:
    order = await ordered(shop, stripe)
    with pytest.raises(IntegrityError):
        await delete_from(shop, table, order.thing)


async def delete_from(shop: Running, table: type[Base], thing: Thing) -> None:
    """Delete a variant, or its product, with everything else that may go."""
    identity = thing.variant_id if table is Variant else thing.product_id
    async with shop.database() as database, database.writes() as session:
        for other in (Image, ProductCollection):
            await session.execute(delete(other).where(other.product_id == thing.product_id))
        await session.execute(delete(StockMovement).where(StockMovement.variant_id == thing.variant_id))
        await session.execute(delete(table).where(table.__table__.c.id == identity))


async def test_an_order_shows_what_was_agreed_whatever_becomes_of_the_product(
    shop: Running, stripe: StripeDouble, shopper: Shopper
) -> None:
    order = await ordered(shop, stripe)
    product, variant = Product.id == order.thing.product_id, Variant.id == order.thing.variant_id
    other = f"other-{order.thing.slug}"
    await shop.change(update(Product).where(product).values(title="Other", slug=other, status="archived"))
    await shop.change(update(Variant).where(variant).values(price=1, sku=other))
    await deliver(shop.url, stripe_api.pay(stripe, order.session))
    page = await shopper.get(f"/orders/{order.token}")
    assert page.status_of_order == "paid"
    for words in (f"Thing {order.thing.sku[2:]}", "2 × $15.00", "$34.90"):
        assert words in page.words


async def test_each_message_is_written_and_kept_once(shop: Running, stripe: StripeDouble) -> None:
    order = await ordered(shop, stripe)
    event = stripe_api.pay(stripe, order.session)
    for _ in range(3):
        await deliver(shop.url, event)
    number = (await order.now()).number
    letters = await shop.letters_about(number, count=2)
    assert len(letters) == 2
    subjects = {str(one["To"]): str(one["Subject"]) for one in letters}
    assert subjects.keys() == {"anna.larsson@example.org", "owner@shop.example"}
    for letter in letters:
        plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert number in html.get_content()
        assert f"Thing {order.thing.sku[2:]}" in plain.get_content()
    mine = next(one for one in letters if "anna" in str(one["To"]))
    plain = mine.get_body(("plain",))
    assert plain is not None
    assert f"{shop.url}/orders/{order.token}" in plain.get_content()
    owners = next(one for one in letters if "owner" in str(one["To"]))
    plain = owners.get_body(("plain",))
    assert plain is not None
    assert "12 Mill Lane" in plain.get_content()
