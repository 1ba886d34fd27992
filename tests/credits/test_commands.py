"""The pages and commands of credits and of the sync, at a real shop with the sandbox."""

import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from storefront.catalogue.models import Product
from storefront.database import Database
from storefront.settings import Settings
from tests import forks
from tests.accounts.people import new_email, new_person, signed_in
from tests.forks import Done
from tests.shop import Running, Shopper, eventually, free_port, shopper_at
from tests.web.page import Answer

KEY = "sk_test_" + "commands"


def storefront(shop: Running, *words: str, **settings: str) -> Done:
    """Run the storefront command beside the shop."""
    return forks.storefront(*words, environment=shop.environment | settings)


@pytest.fixture
async def visitor(demo_shop: Running) -> AsyncIterator[Shopper]:
    async with shopper_at(demo_shop.url) as made:
        yield made


async def control(visitor: Shopper, action: str, **fields: object) -> dict[str, dict[str, str]]:
    """Something happens at the sandbox Stripe."""
    answer = await visitor.client.post(f"/sandbox/control/{action}", json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_packages_stand_on_their_page_and_in_no_listing(visitor: Shopper) -> None:
    page = await visitor.get("/pricing")
    assert page.status == 200
    assert [one.text for one in page.root.all("h2") if "credits" in one.text][:3] == [
        "5 credits",
        "12 credits",
        "30 credits",
    ]
    assert "$132.00" in page.words
    assert page.headers["cache-control"] == "public, max-age=0, s-maxage=60"
    assert "set-cookie" not in page.headers
    assert (await visitor.get("/pricing", **{"If-None-Match": page.headers["etag"]})).status == 304
    assert (await visitor.get("/")).root.all("a", href="/pricing")
    for listing in (
        "/products",
        "/products?sort=-price",
        "/products?sort=newest",
        "/search?q=workshop",
        "/",
        "/sitemap.xml",
    ):
        assert "workshop-credits" not in (await visitor.get(listing)).text
    product = await visitor.get("/products/workshop-credits")
    assert "Added to your account" in product.words


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
async def test_a_package_is_bought_from_its_page(demo_shop: Running, htmx: bool) -> None:
    async with signed_in(demo_shop) as shopper:
        shopper.htmx = htmx
        page = await shopper.get("/pricing")
        form = [one for one in page.root.all("form", action="/cart/items")][1]
        fields = {one.attrs["name"]: one.attrs["value"] for one in form.all("input")}
        added = await shopper.post("/cart/items", fields)
        assert (added.status, added.location) == ((200, "") if htmx else (303, "/cart"))
        shopper.htmx = False
        assert "12 credits" in (await shopper.get("/cart")).words
        sent = await shopper.order()
        async with shopper_at(demo_shop.url) as visitor:
            await control(visitor, "pay", session=sent.location.rpartition("/")[2])

        async def look() -> Answer | None:
            found = await shopper.get("/account/credits")
            return found if "You have 12 credits" in found.words else None

        await eventually(look)
        assert "12" in (await shopper.get("/account")).words


async def test_what_a_merchant_makes_at_stripe_is_for_sale_by_itself(visitor: Shopper) -> None:
    name = f"Merchant {uuid.uuid4().hex[:8]}"
    made = await control(visitor, "product", name=name, unit_amount=990, currency="usd")
    path = f"/products/{name.lower().replace(' ', '-')}"

    async def status(wanted: int) -> bool | None:
        return (await visitor.get(path)).status == wanted or None

    await eventually(lambda: status(200))
    await control(visitor, "change_product", product=made["product"]["id"], active="false")
    await eventually(lambda: status(404))


async def test_the_sync_reports_every_row(demo_shop: Running, visitor: Shopper) -> None:
    drop = {"match": "webhook *", "kind": "drop", "times": None}
    assert (await visitor.client.post("/sandbox/faults", json=drop)).status_code == 201
    try:
        name = f"Merchant {uuid.uuid4().hex[:8]}"
        made = await control(visitor, "product", name=name, unit_amount=990, currency="usd")
        bad = await control(
            visitor, "product", name="Bad", unit_amount=990, currency="usd", metadata={"credit_amount": "-1"}
        )
        identity, refused = made["product"]["id"], bad["product"]["id"]
        dry = storefront(demo_shop, "stripe", "sync", "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert "(dry run: nothing was changed)" in dry.stdout
        assert "reading the built-in sandbox" in dry.stdout
        assert (await visitor.get(f"/products/{name.lower().replace(' ', '-')}")).status == 404
        done = storefront(demo_shop, "stripe", "sync")
        assert f"created   {identity}  {name}" in done.stdout
        assert f"refused   {refused}  metadata.credit_amount is '-1'" in done.stdout
        assert done.stdout.splitlines()[-1].startswith("1 created, ")
        one = storefront(demo_shop, "stripe", "sync", "--product", identity)
        assert "1 unchanged" in one.stdout
        await control(visitor, "change_product", product=identity, active="false")
        gone = storefront(demo_shop, "stripe", "sync", "--product", identity)
        assert f"archived  {identity}  {name}" in gone.stdout
        await control(visitor, "change_product", product=refused, active="false")
    finally:
        await visitor.client.delete("/sandbox/faults")


async def test_a_sync_that_cannot_read_stripe_says_so_in_one_line(demo_shop: Running) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    for words, settings, said in (
        (["stripe", "sync"], {"STRIPE_API_BASE": away, "STRIPE_SECRET_KEY": KEY}, "Stripe cannot be reached"),
        (
            ["stripe", "sync", "--product", "prod_1"],
            {"STRIPE_API_BASE": away},
            "STRIPE_SECRET_KEY is not set",
        ),
        (["stripe", "sync", "--product", "prod_1"], {}, "Stripe has no active product prod_1"),
        (["stripe", "sync", "--product", ""], {}, "--product needs the id of a product in Stripe"),
        (["stripe", "sync", "--product", " "], {}, "--product needs the id of a product in Stripe"),
    ):
        done = storefront(demo_shop, *words, **settings)
        assert done.returncode != 0
        assert done.stderr.startswith(f"storefront: {said}"), done.stderr
        assert len(done.stderr.splitlines()) == 1


async def test_a_sync_says_in_words_that_stripe_has_a_problem(demo_shop: Running, visitor: Shopper) -> None:
    fault = {"match": "GET /v1/products", "kind": "500", "times": None}
    assert (await visitor.client.post("/sandbox/faults", json=fault)).status_code == 201
    try:
        done = storefront(demo_shop, "stripe", "sync")
    finally:
        await visitor.client.delete("/sandbox/faults")
    said = "Stripe has a problem of its own (HTTP 500); try again in a minute; nothing was changed"
    assert (done.returncode != 0, done.stderr) == (True, f"storefront: {said}\n")


async def test_a_sync_without_a_key_takes_nothing_from_elsewhere_off_sale(
    demo_shop: Running, database: Database, database_url: str
) -> None:
    """The sandbox that stands in has never heard of what is on sale."""
    row = {"slug": "soap", "title": "Soap", "status": "active", "stripe_id": "prod_real"}
    async with database.writes() as session:
        await session.execute(insert(Product), [row])
    done = storefront(demo_shop, "stripe", "sync", DATABASE_URL=database_url)
    one = storefront(demo_shop, "stripe", "sync", "--product", "prod_real", DATABASE_URL=database_url)
    wanted = storefront(demo_shop, "stripe", "sync", "--archive-all", DATABASE_URL=database_url)
    sandbox = Settings(_env_file=None, DATABASE_URL=database_url).sandbox_file  # type: ignore[call-arg]
    for file in sandbox.parent.glob(f"{sandbox.name}*"):
        file.unlink()
    for refused in (done, one):
        assert refused.returncode != 0, refused.stdout
        assert refused.stderr.startswith("storefront: nothing of what is on sale here from Stripe is there")
        assert len(refused.stderr.splitlines()) == 1
    assert "1 archived" in wanted.stdout


async def test_staff_look_at_credits_and_put_them_right(demo_shop: Running) -> None:
    person = await new_person(demo_shop)

    def adjust(*words: str) -> Done:
        return storefront(demo_shop, "credits", "adjust", person.email.upper(), *words)

    assert adjust("25", "--reason", "A present").stdout == f"account {person.id}: 25 credits\n"
    assert (
        adjust("-5", "--reason", "One too many", "--key", "k").stdout == f"account {person.id}: 20 credits\n"
    )
    assert (
        adjust("-5", "--reason", "One too many", "--key", "k").stdout == f"account {person.id}: 20 credits\n"
    )
    assert adjust("3", "--reason", "Broken", "--owed").stdout == f"account {person.id}: 20 credits, 3 owed\n"
    shown = storefront(demo_shop, "credits", "show", str(person.id)).stdout.splitlines()
    assert [line.split("  ", 1)[1].split()[:2] for line in shown[:3]] == [
        ["+0", "20"],
        ["-5", "20"],
        ["+25", "25"],
    ]
    assert shown[-1] == f"account {person.id}: 20 credits, 3 owed"
    async with signed_in(demo_shop, person) as shopper:
        page = await shopper.get("/account/credits")
        assert "One too many" in page.words
        assert "3 credits are owed" in page.words


async def test_an_adjustment_that_cannot_be_made_says_so_in_one_line(demo_shop: Running) -> None:
    person = await new_person(demo_shop)
    for words in (
        ("adjust", person.email, "-1", "--reason", "Too many"),
        ("adjust", person.email, "0", "--reason", "Nothing"),
        ("adjust", person.email, "-1", "--reason", "Not owed", "--owed"),
        ("adjust", person.email, "5"),
        ("adjust", person.email, "5", "--reason", "Two\nlines"),
        ("adjust", person.email, "5", "--reason", "A \x1b[31mred\x07 one"),
        ("adjust", person.email, "5", "--reason", "From \u202ethe left", "--owed"),
        ("show", new_email()),
    ):
        done = storefront(demo_shop, "credits", *words)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert (
        storefront(demo_shop, "credits", "show", person.email).stdout == f"account {person.id}: 0 credits\n"
    )
