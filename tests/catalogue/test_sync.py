"""The catalogue from Stripe, as `storefront stripe sync` brings it, beside the sandbox through the real SDK."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from storefront.catalogue.models import Collection, Image, Product, ProductCollection, StockMovement, Variant
from storefront.catalogue.queries import version
from storefront.catalogue.stock import set_on_hand
from storefront.database import Database
from storefront.payments import sync as syncing
from storefront.payments.breaker import FAILURES
from storefront.payments.errors import Misconfigured, PaymentProblem, RateLimited, Unreachable
from storefront.payments.gateway import Gateway
from storefront.settings import Settings
from tests.catalogue.merchant import Merchant, merchant_at
from tests.shop import free_port, new_thing


@pytest.fixture
async def merchant(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Merchant]:
    for pause in ("PAUSE_AFTER_PAGE", "PAUSE_AFTER_BATCH"):
        monkeypatch.setattr(syncing, pause, 0)
    made = merchant_at(database, settings, tmp_path)
    yield made
    await made.gateway.close()
    await made.sandbox.stop()


async def test_what_is_for_sale_at_stripe_is_for_sale_here(merchant: Merchant) -> None:
    soap = await merchant.product("Crème-Seife 5", 850, description="Firm & pale.\n\nKeeps well.")
    assert await merchant.sync() == {"created": 1}
    product, [variant] = await merchant.here(soap)
    assert (product.title, product.slug, product.status) == (
        "Crème-Seife 5",
        "creme-seife-5",
        "active",
    )
    assert (product.summary, product.price) == ("Firm & pale.", 850)
    assert (variant.price, variant.currency, variant.title) == (850, "USD", "")
    assert variant.stripe_price_id == soap["default_price"]
    assert (variant.tracked, variant.requires_shipping) == (False, True), "nobody has counted it yet"
    assert (product.search_title, product.search_text) == ("creme seife 5", "firm pale keeps well")
    assert product.listed


async def test_every_page_is_read_and_a_second_sync_changes_nothing(merchant: Merchant) -> None:
    for number in range(205):
        await merchant.product(f"Soap {number}", 100 + number)
    assert await merchant.sync() == {"created": 205}
    async with merchant.database.reads() as session:
        before = await version(session)
        assert await session.scalar(select(func.count()).select_from(Product)) == 205
        newest = select(Product.title).order_by(Product.position.desc()).limit(1)
        assert await session.scalar(newest) == "Soap 204", "in the order in which they were made"
    assert await merchant.sync() == {}
    assert merchant.told == []
    async with merchant.database.reads() as session:
        assert await version(session) == before, "no page has to be made again"


async def test_the_shops_own_fields_survive(merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    product, [variant] = await merchant.here(soap)
    async with merchant.database.writes() as session:
        own = {"slug": "our-soap", "position": 3, "details": [["Weight", "110 g"]], "option": "Scent"}
        await session.execute(update(Product).where(Product.id == product.id).values(**own))
        await session.execute(update(Variant).where(Variant.id == variant.id).values(sku="SOAP-1"))
        shelf = Collection(slug="bath", title="Bath")
        session.add_all([shelf, Image(product_id=product.id, path="a.svg", alt="", width=8, height=8)])
        await session.flush()
        session.add(ProductCollection(collection_id=shelf.id, product_id=product.id))
        await set_on_hand(session, "SOAP-1", 7, "counted:1")
    await merchant.change(soap, name="Better soap", description="Now with more.")
    assert await merchant.sync() == {"changed": 1}
    assert merchant.why(soap) == "Better soap: title, description"
    product, [variant] = await merchant.here(soap)
    assert (product.slug, product.position, product.option) == ("our-soap", 3, "Scent")
    assert product.details == [["Weight", "110 g"]]
    assert (product.title, product.summary) == ("Better soap", "Now with more.")
    assert (variant.sku, variant.on_hand, variant.tracked) == ("SOAP-1", 7, True)
    async with merchant.database.reads() as session:
        assert await session.scalar(select(func.count()).select_from(Image)) == 1
        assert await session.scalar(select(func.count()).select_from(ProductCollection)) == 1
    assert product.search_title == "better soap"


@pytest.mark.parametrize("how", ["archived", "deleted", "without a price", "its price archived"])
async def test_what_is_gone_at_stripe_is_archived_here_and_comes_back(merchant: Merchant, how: str) -> None:
    other = await merchant.product("Other", 100)
    soap = await merchant.product("Soap")
    price = await merchant.price(soap, 850)
    await merchant.sync()
    if how == "archived":
        await merchant.change(soap, active=False)
    elif how == "deleted":
        await merchant.sandbox.store.write(
            lambda books: (books.remove(price["id"]), books.remove(soap["id"]))
        )
    elif how == "without a price":
        await merchant.sandbox.store.write(lambda books: books.remove(price["id"]))
    else:
        await merchant.change(price, active=False)
    assert await merchant.sync() == {"archived": 1}
    product, _ = await merchant.here(soap)
    assert product.status == "archived"
    assert (await merchant.here(other))[0].status == "active"
    assert await merchant.sync() == {}
    await merchant.sandbox.store.write(
        lambda books: (books.remove(soap["id"]), books.remove(price["id"]), books.add(soap), books.add(price))
    )
    assert await merchant.sync() == {"changed": 1}
    product, [variant] = await merchant.here(soap)
    assert (product.status, variant.archived, variant.stripe_price_id) == ("active", False, price["id"])


async def test_products_of_the_shops_own_are_left_alone(merchant: Merchant) -> None:
    thing = await new_thing(merchant.database)
    await merchant.product("Soap", 850)
    await merchant.sync()
    async with merchant.database.reads() as session:
        assert (await session.get_one(Product, thing.product_id)).status == "active"


async def test_a_draft_stays_a_draft(merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    async with merchant.database.writes() as session:
        await session.execute(update(Product).values(status="draft"))
    await merchant.change(soap, active=False)
    await merchant.sync()
    await merchant.change(soap, active=True, name="Soap!")
    await merchant.sync()
    assert (await merchant.here(soap))[0].status == "draft"


async def test_a_new_price_takes_the_place_of_the_old_one(merchant: Merchant) -> None:
    """Both are active for a moment: the product's default price counts, then the newest."""
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    before = await merchant.variant(soap)
    price = await merchant.price(soap, 990)
    assert await merchant.sync() == {"refused": 1}
    assert "same name" in merchant.why(price)
    assert (await merchant.variant(soap)).price == 850
    await merchant.change(soap, default_price=price["id"])
    assert await merchant.sync() == {"changed": 1, "refused": 1}
    await merchant.sandbox.store.write(
        lambda books: books.save({**books.need("price", soap["default_price"], "x"), "active": False})
    )
    assert await merchant.sync() == {}
    after = await merchant.variant(soap)
    assert (after.id, after.price, after.stripe_price_id) == (before.id, 990, price["id"])
    assert (await merchant.here(soap))[0].price == 990


async def test_prices_with_names_are_variants_and_find_their_successors(merchant: Merchant) -> None:
    soap = await merchant.product("Soap")
    small = await merchant.price(soap, 500, nickname="Small")
    large = await merchant.price(soap, 900, nickname="Large")
    await merchant.sync()
    _, [first, second] = await merchant.here(soap)
    assert [(one.title, one.price) for one in (first, second)] == [("Small", 500), ("Large", 900)]
    await merchant.change(small, active=False)
    newer = await merchant.price(soap, 550, nickname="Small")
    await merchant.change(large, nickname="Family size")
    assert await merchant.sync() == {"changed": 1}
    assert merchant.why(soap) == "Soap: Small $5.00 → $5.50, Family size"
    _, variants = await merchant.here(soap)
    assert [(one.id, one.title, one.price, one.stripe_price_id) for one in variants] == [
        (first.id, "Small", 550, newer["id"]),
        (second.id, "Family size", 900, large["id"]),
    ]
    await merchant.change(large, active=False)
    tiny = await merchant.price(soap, 100, nickname="Tiny")
    await merchant.sync()
    _, variants = await merchant.here(soap)
    assert [(one.title, one.archived, one.stripe_price_id) for one in variants] == [
        ("Small", False, newer["id"]),
        ("Family size", True, large["id"]),
        ("Tiny", False, tiny["id"]),
    ], "another thing is never sold as what lies in somebody's cart"


async def test_prices_that_swap_their_skus_do_not_get_in_each_others_way(merchant: Merchant) -> None:
    soap = await merchant.product("Soap")
    one = await merchant.price(soap, 500, lookup_key="soap-a")
    two = await merchant.price(soap, 900, lookup_key="soap-b")
    await merchant.sync()
    _, variants = await merchant.here(soap)
    assert [(v.sku, v.price) for v in variants] == [("soap-a", 500), ("soap-b", 900)]
    await merchant.change(one, lookup_key="soap-b")
    await merchant.change(two, lookup_key="soap-a")
    assert await merchant.sync() == {"changed": 1}
    _, variants = await merchant.here(soap)
    assert [(v.sku, v.price, v.stripe_price_id) for v in variants] == [
        ("soap-a", 900, two["id"]),
        ("soap-b", 500, one["id"]),
    ]


async def test_rows_that_cannot_be_sold_are_refused_and_the_rest_goes_on(merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    euro = await merchant.price(soap, 800, "eur", nickname="Euro")
    monthly = await merchant.price(soap, 700, nickname="Monthly", recurring={"interval": "month"})
    half = await merchant.price(soap, 1, nickname="Half")
    await merchant.bend(half, unit_amount=None, unit_amount_decimal="0.5")
    tiers = await merchant.price(soap, 1, nickname="Tiers")
    await merchant.bend(tiers, billing_scheme="tiered", unit_amount=None)
    dozen = await merchant.price(soap, 1, nickname="Dozen")
    await merchant.bend(dozen, transform_quantity={"divide_by": 12, "round": "up"})
    bare = await merchant.product("Bare")
    nameless = await merchant.product("x", 100)
    await merchant.bend(nameless, name=" \x02\x03 ")
    endless = await merchant.product("n" * 300, 100)
    last = await merchant.product("Last", 100)
    assert await merchant.sync() == {"created": 2, "refused": 8}
    for thing, reason in (
        (euro, "in EUR, the shop sells in USD"),
        (monthly, "recurring"),
        (half, "no whole number of minor units (0.5)"),
        (tiers, "no fixed amount"),
        (dozen, "several pieces"),
        (bare, "no price that can be sold"),
        (nameless, "no name"),
        (endless, "longer than 250"),
    ):
        assert reason in merchant.why(thing)
    assert (await merchant.variant(soap)).price == 850
    assert (await merchant.here(last))[0].status == "active"


NO_CREDITS = (
    "0",
    "-5",
    "+5",
    "5.0",
    "1e3",
    "05",
    " 5",
    "5 ",
    "five",
    "٣",
    "0x10",
    "1_000",
    "1" * 10,
    "5 credits",
)


async def test_credits_are_a_positive_whole_number_or_refused(merchant: Merchant) -> None:
    packs = [await merchant.product("Pack", 900, metadata={"credit_amount": one}) for one in NO_CREDITS]
    soap = await merchant.product("Soap")
    await merchant.price(soap, 500, nickname="Plain")
    prices = [
        await merchant.price(soap, 900, nickname=f"Wrong {one}", metadata={"credit_amount": one})
        for one in NO_CREDITS
    ]
    assert await merchant.sync() == {"refused": 2 * len(NO_CREDITS), "created": 1}
    assert all("credit_amount" in merchant.why(one) for one in (*packs, *prices))
    assert (await merchant.variant(soap)).title == "Plain"


async def test_a_row_that_turns_bad_stays_as_it_was(merchant: Merchant) -> None:
    pack = await merchant.product("Pack")
    price = await merchant.price(pack, 900, metadata={"credit_amount": "100"})
    await merchant.sync()
    await merchant.change(price, metadata={"credit_amount": "lots"})
    assert await merchant.sync() == {"refused": 1}
    variant = await merchant.variant(pack)
    assert (variant.credit_amount, variant.price) == (100, 900)
    await merchant.change(pack, metadata={"credit_amount": "many"}, name="Changed")
    assert await merchant.sync() == {"refused": 1}
    assert (await merchant.here(pack))[0].title == "Pack"


async def test_credit_packages_are_not_counted_not_sent_and_not_listed(merchant: Merchant) -> None:
    pack = await merchant.product("Credits", shippable=True)
    await merchant.price(pack, 900, metadata={"credit_amount": "100"})
    await merchant.price(pack, 4000, metadata={"credit_amount": "5000"})
    single = await merchant.product("One", 100, metadata={"credit_amount": "1"})
    assert await merchant.sync() == {"created": 2}
    product, variants = await merchant.here(pack)
    assert [(one.title, one.credit_amount) for one in variants] == [
        ("100 credits", 100),
        ("5,000 credits", 5000),
    ]
    assert not any(one.tracked or one.requires_shipping for one in variants)
    assert (await merchant.variant(single)).title == "1 credit"
    assert product.listed is False


async def test_two_products_with_one_name_have_two_addresses(merchant: Merchant) -> None:
    products = [await merchant.product(name, 100) for name in ("Soap", "Soap", "soap!", "日本", "§")]
    await merchant.sync()
    slugs = [(await merchant.here(one))[0].slug for one in products]
    assert slugs[0] == "soap"
    assert slugs[3] == "product"
    assert len(set(slugs)) == 5
    assert all(slug.isascii() for slug in slugs)


async def test_a_sku_of_another_product_is_refused(merchant: Merchant) -> None:
    thing = await new_thing(merchant.database)
    soap = await merchant.product("Soap")
    price = await merchant.price(soap, 500, metadata={"sku": thing.sku})
    assert await merchant.sync() == {"refused": 2}
    assert thing.sku in merchant.why(price)


async def test_a_dry_run_tells_and_changes_nothing(merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    old = await merchant.product("Old", 100)
    await merchant.sync()
    await merchant.change(soap, name="Bar")
    await merchant.change(old, active=False)
    await merchant.product("New", 100)
    assert await merchant.sync(dry_run=True) == {"created": 1, "changed": 1, "archived": 1}
    assert (await merchant.here(soap))[0].title == "Soap"
    assert (await merchant.here(old))[0].status == "active"
    assert await merchant.sync() == {"created": 1, "changed": 1, "archived": 1}


@pytest.mark.parametrize(
    ("match", "kind"),
    [
        ("GET /v1/products*", "500"),
        ("GET /v1/prices*", "reset"),
        ("GET /v1/prices*", "cut"),
        ("GET /v1/prices*", "429"),
    ],
)
async def test_nothing_changes_when_stripe_cannot_be_read_to_the_end(
    merchant: Merchant, match: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.payments.gateway.PAUSES_WHEN_SLOWED", (0.01, 0.01))
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    await merchant.change(soap, name="Bar")
    await merchant.product("New", 100)
    await merchant.fault(match, kind)
    with pytest.raises(RateLimited if kind == "429" else PaymentProblem):
        await merchant.sync()
    async with merchant.database.reads() as session:
        assert list(await session.scalars(select(Product.title))) == ["Soap"]


async def test_an_open_breaker_and_a_silent_stripe_change_nothing(merchant: Merchant) -> None:
    await merchant.product("Soap", 850)
    for _ in range(FAILURES):
        merchant.gateway.breaker.failed()
    with pytest.raises(Unreachable, match="circuit"):
        await merchant.sync()
    away = merchant.settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{free_port()}"})
    merchant.gateway = Gateway(away)
    with pytest.raises(Unreachable, match="no connection"):
        await merchant.sync()
    merchant.gateway = Gateway(
        Settings(_env_file=None, STRIPE_SECRET_KEY="sk_test_" + "x"), merchant.sandbox.api
    )  # type: ignore[call-arg]
    merchant.sandbox.api_key_prefixes = ("rk_test_",)
    with pytest.raises(Misconfigured):
        await merchant.sync()
    async with merchant.database.reads() as session:
        assert await session.scalar(select(func.count()).select_from(Product)) == 0


async def test_one_product_is_archived_only_where_stripe_knows_the_shops_things(merchant: Merchant) -> None:
    """Stripe answers for a deleted product as it does to another account's key: there is no such product."""
    soap, brush = await merchant.product("Soap", 850), await merchant.product("Brush", 1200)
    await merchant.sync()

    async def sync(product: dict[str, Any], **more: bool) -> list[str]:
        options = (merchant.database, merchant.gateway, merchant.settings, product["id"])
        return [one.what for one in await syncing.sync_product(*options, **more)]

    await merchant.forget(soap)
    assert await sync(soap, dry_run=True) == ["archived"]
    assert (await merchant.here(soap))[0].status == "active"
    assert await sync(soap) == ["archived"]
    await merchant.forget(brush)
    for dry_run in (True, False):
        with pytest.raises(syncing.AnotherCatalogue):
            await sync(brush, dry_run=dry_run)
    assert (await merchant.here(brush))[0].status == "active"
    assert await sync(brush, archive_all=True) == ["archived"]
    assert await sync(brush) == []
    lamp = await merchant.product("Lamp", 4400)
    assert "created" in await sync(lamp)
    await merchant.change(lamp, active=False)
    assert await sync(lamp) == ["archived"], "Stripe knows it, archived as it is"


async def test_an_older_reading_does_not_undo_a_newer_one(merchant: Merchant) -> None:
    """The sync read the old name; meanwhile an event brought the new one."""
    soap = await merchant.product("Soap", 850)
    await merchant.sync()
    read = await syncing.read_product(merchant.gateway, merchant.settings, soap["id"])
    read_at = syncing.now()
    await merchant.change(soap, name="Bar")
    await syncing.sync_product(merchant.database, merchant.gateway, merchant.settings, soap["id"])
    async with merchant.database.writes() as session:
        outcomes = await syncing.apply_one(session, merchant.settings, soap["id"], read, read_at)
        outcomes += await syncing.archive_products(session, [soap["id"]], read_at)
    assert [one.what for one in outcomes] == ["unchanged"]
    product, _ = await merchant.here(soap)
    assert (product.title, product.status) == ("Bar", "active")


async def test_counting_what_came_from_stripe_begins_its_stock(merchant: Merchant) -> None:
    soap = await merchant.product("Soap", 850)
    pack = await merchant.product("Pack", 900, metadata={"credit_amount": "5"})
    await merchant.sync()
    sku, pack_sku = (await merchant.variant(soap)).sku, (await merchant.variant(pack)).sku
    async with merchant.database.writes() as session:
        assert await set_on_hand(session, sku, 3, "counted:1") == (3, 0)
        await set_on_hand(session, pack_sku, 3, "counted:1")
    await merchant.sync()
    variant = await merchant.variant(soap)
    assert (variant.tracked, variant.on_hand) == (True, 3)
    assert (await merchant.variant(pack)).tracked is False
    async with merchant.database.reads() as session:
        moved = select(func.sum(StockMovement.quantity)).where(StockMovement.variant_id == variant.id)
        assert await session.scalar(moved) == 3


async def test_a_big_shop_goes_on_selling_while_it_syncs(merchant: Merchant) -> None:
    """Small commits: another writer gets in between."""
    rows: list[dict[str, Any]] = [
        {"slug": f"s{n}", "title": f"S{n}", "status": "active", "stripe_id": f"prod_{n}"} for n in range(300)
    ]
    async with merchant.database.writes() as session:
        await session.execute(insert(Product), rows)
    assert await merchant.sync(archive_all=True) == {"archived": 300}


@pytest.mark.parametrize("there", ["nothing", "others"])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_another_catalogue_archives_nothing_unless_that_is_wanted(
    merchant: Merchant, there: str, dry_run: bool
) -> None:
    """The key is missing, so the sandbox is read, or it is another account's."""
    rows = [
        {"slug": f"s{n}", "title": f"S{n}", "status": "active", "stripe_id": f"prod_{n}"} for n in range(101)
    ]
    async with merchant.database.writes() as session:
        await session.execute(insert(Product), rows)
    if there == "others":
        await merchant.product("Other", 100)
    with pytest.raises(syncing.AnotherCatalogue):
        await merchant.sync(dry_run=dry_run)
    async with merchant.database.reads() as session:
        assert await session.scalar(select(func.count()).where(Product.status == "active")) == 101
        assert await session.scalar(select(func.count()).select_from(Product)) == 101
    found = await merchant.sync(archive_all=True)
    assert found == {"archived": 101} | ({"created": 1} if there == "others" else {})
