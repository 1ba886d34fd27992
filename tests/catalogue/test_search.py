"""Search, with the same answers on both databases."""

import pytest
from sqlalchemy import select

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import Collection, Product, ProductCollection
from storefront.catalogue.search import find_products, find_some, folded, singular, words_of
from storefront.database import Database, migrate
from tests.compiled import open_database
from tests.conftest import in_thread

# The order here is the shop's own; the text is what stands below the title.
PRODUCTS = {
    "soapstone": ("Soapstone dish", "Keeps a bar dry."),
    "blue-soap": ("Big blue bar of soap", "Blue clay."),
    "soap": ("Soap", "A plain bar."),
    "candle": ("Candle", "Smells of soap and lavender."),
    "creme": ("Crème brûlée dish", "For six portions."),
    "strasse": ("Straße print", "A street in Köln, 2nd edition."),
    "gift": ("Gift box", "Soap, a candle, a card."),
}


@pytest.fixture
async def shop(database: Database) -> Database:
    async with database.writes() as session:
        box = Collection(slug="box", title="Box")
        session.add(box)
        await session.flush()
        for position, (slug, (title, words)) in enumerate(PRODUCTS.items()):
            product = made(slug, title, words, position)
            session.add(product)
            await session.flush()
            if slug in {"gift", "candle"}:
                session.add(ProductCollection(collection_id=box.id, product_id=product.id))
        session.add(made("draft-soap", "Soap in draft", "", 90, status="draft"))
        session.add(made("unlisted-soap", "Soap unlisted", "", 91, listed=False))
        catalogue_changed(session)
    return database


def made(
    slug: str, title: str, words: str, position: int, status: str = "active", listed: bool = True
) -> Product:
    return Product(
        slug=slug,
        title=title,
        status=status,
        listed=listed,
        position=position,
        search_title=folded(title),
        search_text=folded(words),
    )


async def found(database: Database, query: str, most: int = 241, collection: int | None = None) -> list[str]:
    ids = await find_products(database, query, most=most, collection_id=collection)
    return await slugs(database, ids)


async def found_some(
    database: Database, query: str, most: int = 241, collection: int | None = None
) -> list[str]:
    ids = await find_some(database, words_of(query), most=most, collection_id=collection)
    return await slugs(database, ids)


async def slugs(database: Database, ids: list[int]) -> list[str]:
    async with database.reads() as session:
        return [(await session.get_one(Product, one)).slug for one in ids]


async def test_a_word_of_the_title_comes_first_then_its_beginning_then_the_rest(shop: Database) -> None:
    assert await found(shop, "soap") == ["soap", "blue-soap", "soapstone", "candle", "gift"]


async def test_whole_words_anywhere_come_before_beginnings_anywhere(shop: Database) -> None:
    async with shop.writes() as session:
        session.add(made("tea", "Tea", "Barley and mint.", 50))
    assert await found(shop, "bar") == ["blue-soap", "soap", "soapstone", "tea"]


async def test_a_title_that_changes_is_found_by_its_new_words_alone(shop: Database) -> None:
    async with shop.writes() as session:
        soap = (await session.scalars(select(Product).where(Product.slug == "soap"))).one()
        soap.title, soap.search_title = "Candle snuffer", folded("Candle snuffer")
        gone = (await session.scalars(select(Product).where(Product.slug == "blue-soap"))).one()
        await session.delete(gone)
    assert await found(shop, "soap") == ["soapstone", "candle", "gift"]
    assert await found(shop, "candle") == ["candle", "soap", "gift"]
    assert await found_some(shop, "snuffer unheard") == ["soap"]


async def test_what_was_there_before_titles_had_an_index_is_in_it(shop: Database, database_url: str) -> None:
    before = await found(shop, "soap")
    await shop.close()
    in_thread(lambda: migrate(database_url, "0011", down=True))
    in_thread(migrate, database_url, "head")
    migrated = open_database(database_url)
    assert await found(migrated, "soap") == before
    await migrated.close()


async def test_unfinished_words_match(shop: Database) -> None:
    assert await found(shop, "lav") == ["candle"]
    assert await found(shop, "blu so") == ["blue-soap"]


async def test_a_plural_finds_the_singular(shop: Database) -> None:
    assert await found(shop, "soaps") == await found(shop, "soap")
    assert await found(shop, "candles lavender") == ["candle"]
    assert await found(shop, "blue soaps") == ["blue-soap"]
    assert await found(shop, "dishes") == ["soapstone", "creme"]
    assert await found(shop, "boxes") == ["gift"]
    assert await found(shop, "glass") == []


@pytest.mark.parametrize(
    ("word", "of"),
    [
        ("mugs", ["mug"]),
        ("dishes", ["dishe", "dish"]),
        ("berries", ["berrie", "berry"]),
        ("glass", []),
        ("gas", []),
    ],
)
def test_what_a_word_may_be_the_plural_of(word: str, of: list[str]) -> None:
    assert singular(word) == of


async def test_every_word_must_be_there(shop: Database) -> None:
    assert await found(shop, "soap candle") == ["candle", "gift"]
    assert await found(shop, "soap unicorn") == []


async def test_accents_and_case_do_not_matter(shop: Database) -> None:
    for query in ("creme brulee", "CRÈME BRÛLÉE", "cre\u0300me"):
        assert await found(shop, query) == ["creme"], query
    assert await found(shop, "STRASSE") == ["strasse"]
    assert await found(shop, "koln") == ["strasse"]
    assert await found(shop, "2nd") == ["strasse"]


@pytest.mark.parametrize(
    "query",
    ["", " ", "-", '"', "''", "soap OR", 'soap" OR "candle', "soap*", "NEAR(soap candle)", "search_title:soap", "!soap",
     "soap & !candle", "soap:*", "(soap", "<->", "%", "_", "\\", "\x00soap", "soap;--", "🕯", "é" * 500, "a " * 200],
)  # fmt: skip
async def test_no_operator_of_either_database_passes(shop: Database, query: str) -> None:
    assert isinstance(await found(shop, query), list)


async def test_some_of_the_words_the_most_of_them_first(shop: Database) -> None:
    assert await found_some(shop, "soap unicorn") == ["soap", "soapstone", "blue-soap", "candle", "gift"]
    assert await found_some(shop, "dish lavender") == ["soapstone", "creme", "candle"], "titles first"
    assert await found_some(shop, "blue lavender soap") == [
        "blue-soap", "candle", "soap", "soapstone", "gift",
    ], "two words of the title, two words, then one"  # fmt: skip
    assert await found_some(shop, "dishes lavender") == ["soapstone", "creme", "candle"]
    assert await found_some(shop, "unicorn dragon") == await found_some(shop, "") == []
    assert await found_some(shop, "draft unlisted") == []


async def test_some_of_the_words_within_a_collection_and_as_many_as_asked_for(shop: Database) -> None:
    async with shop.reads() as session:
        box = await session.scalar(select(Collection.id).where(Collection.slug == "box"))
    assert await found_some(shop, "soap dish", collection=box) == ["candle", "gift"]
    assert await found_some(shop, "soap dish", most=2) == ["soapstone", "soap"]


async def test_no_operator_passes_where_some_of_the_words_will_do(shop: Database) -> None:
    assert await found_some(shop, 'unicorn" OR "soap') == await found_some(shop, "soap")
    assert await found_some(shop, "unicorn | !soap & (dragon:*") == await found_some(shop, "soap")
    assert await found_some(shop, "near or not \\ ' \x00 search_title:dragon") == []


async def test_operators_are_words_or_nothing(shop: Database) -> None:
    assert await found(shop, "!soap") == await found(shop, "soap")
    assert await found(shop, "soap OR candle") == []
    assert words_of("NEAR(soap, candle)") == ["near", "soap", "candle"]


async def test_only_what_is_listed_is_found(shop: Database) -> None:
    assert await found(shop, "draft") == []
    assert await found(shop, "unlisted") == []


async def test_within_a_collection(shop: Database) -> None:
    async with shop.reads() as session:
        box = await session.scalar(select(Collection.id).where(Collection.slug == "box"))
    assert await found(shop, "soap", collection=box) == ["candle", "gift"]


async def test_as_many_as_asked_for(shop: Database) -> None:
    assert await found(shop, "soap", most=2) == ["soap", "blue-soap"]
