"""Searching with slips of the finger, and for words that never stand together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from storefront.catalogue.meant import Found, find_meant
from storefront.catalogue.models import Product
from storefront.catalogue.queries import version
from storefront.catalogue.words import IN_TITLE, Words, nearest
from storefront.database import Database
from storefront.seed.big import load_big
from storefront.seed.demo import load_demo
from storefront.settings import Settings
from tests.shop import HTMX
from tests.web.inside import shop_inside
from tests.web.page import Answer

Search = Callable[..., Awaitable[tuple[str, str, list[str]]]]


@pytest.fixture
async def client(database: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    own = {"DATABASE_URL": database.url, "WORKER": "separate", "OUTBOX_DIR": settings.outbox_dir}
    async with shop_inside(Settings(_env_file=None, **own)) as made:
        yield made


@pytest.fixture
async def meant(database: Database) -> Callable[..., Awaitable[Found]]:
    """Searches the demo."""
    await load_demo(database, "USD")
    words = Words(database.glance, lambda: version(database.glance))

    async def find(query: str, most: int = 5, **more: Any) -> Found:
        return await find_meant(database, words, query, most=most, **more)

    return find


@pytest.fixture
async def found(database: Database, meant: Callable[..., Awaitable[Found]]) -> Search:
    """(what was looked for instead, what some of was looked for, titles)."""

    async def find(query: str, **more: Any) -> tuple[str, str, list[str]]:
        result = await meant(query, **more)
        async with database.reads() as session:
            rows = await session.execute(select(Product.id, Product.title).where(Product.id.in_(result.ids)))
            titles = {row.id: row.title for row in rows}
        return result.instead, result.some, [titles[one] for one in result.ids]

    return find


async def test_a_slip_of_the_finger_is_forgiven(found: Search) -> None:
    assert (await found("lavander"))[0] == "lavender"
    assert await found("LAVENDRE saop") == ("lavender soap", "", ["Lavender soap"])
    assert (await found("beeswax cnadle"))[0] == "beeswax candle"
    assert await found("lavedn", unfinished=True) == ("lavend", "", ["Lavender soap"])
    assert await found("lavender soap") == ("", "", ["Lavender soap"])
    assert (await found("soaps"))[2] or (await found("soaps"))[0] == "soap"
    both = (await found("scented candle"))[2]
    assert len(both) == 2
    assert await found("scented candles") == ("", "", both)
    assert len((await found("candles"))[2]) == 5, "as many as were asked for"
    assert await found("sented candel") == ("scented candle", "", both)


async def test_a_word_that_stands_nowhere_is_left_out(found: Search) -> None:
    assert await found("lavander umbrella") == ("lavender", "", (await found("lavender"))[2])
    assert await found("lavander sope") == ("lavender", "", (await found("lavender"))[2])
    assert await found("umbrella") == ("", "", [])
    assert await found("xx yy zz qq ww ee rr tt") == ("", "", [])


@pytest.mark.parametrize("unfinished", [False, True])
async def test_what_is_left_of_a_search_must_say_something(found: Search, unfinished: bool) -> None:
    for query in ("t-shirt", "the xyzzy", "a laptop", "ipad s", "o'brien", "bicycle for kids", "x-ray"):
        assert await found(query, unfinished=unfinished) == ("", "", []), query
    for query in ("20 cm zzqq", "a4 zzqq", "xl zzqq"):
        assert (await found(query, unfinished=unfinished))[2], f"{query}: a size says something"
    soaps = (await found("soap", unfinished=unfinished))[2]
    assert await found("a soap for my xyzzy", unfinished=unfinished) == ("soap", "", soaps)


@pytest.mark.parametrize("unfinished", [False, True])
async def test_a_word_of_a_description_may_be_a_slip_too(found: Search, unfinished: bool) -> None:
    assert (await found("soup"))[2] == ["Café au lait bowl"]
    for query in ("lavender soup", "lavander soup", "soup lavander"):
        instead, some, titles = await found(query, unfinished=unfinished)
        assert set(instead.split()) == {"lavender", "soap"}, query
        assert (some, titles) == ("", ["Lavender soap"]), query


async def test_what_few_descriptions_hold_is_not_corrected_without_asking(meant: Any) -> None:
    result = await meant("soup")
    assert (result.instead, result.perhaps, len(result.ids)) == ("", "soap", 1)


async def test_words_of_titles_are_meant_before_others(found: Search) -> None:
    assert await found("tee towel") == ("tea towel", "", ["Striped tea towel"])


async def test_nothing_is_better_than_something_odd(found: Search) -> None:
    for query in ("wollen blanket", "wollen", "mother", "wiht adn"):
        assert await found(query) == ("", "", []), query


@pytest.mark.parametrize("unfinished", [False, True])
async def test_words_that_never_stand_together_find_what_has_some_of_them(
    found: Search, unfinished: bool
) -> None:
    assert (await found("mug handle"))[2] == ["Speckled mug"], "who types candle means no handle"
    instead, some, titles = await found("mug candle", most=9, unfinished=unfinished)
    assert (instead, some) == ("", "mug candle")
    assert len(titles) > 4
    assert {"Speckled mug", "Amber jar candle", "Winter tin candle"} == set(titles[:3]), (
        "shorter titles first"
    )
    assert (await found("lavender soap mug", unfinished=unfinished))[2][0] == "Lavender soap", (
        "two words before one"
    )


async def test_what_is_said_is_what_was_looked_for(found: Search) -> None:
    assert (await found("Mug, CANDLE"))[1] == "Mug, CANDLE", "as it was typed"
    assert (await found("mug cnadle"))[1] == "mug candle", "unless it was corrected"
    assert (await found("umbrella mug candle"))[1] == "mug candle"
    assert (await found("mug candle mug"))[1:] == (await found("mug candle"))[1:], "twice is once"


async def test_words_that_say_little_are_not_looked_for_by_themselves(found: Search) -> None:
    both = (await found("mug candle", most=99))[2]
    assert await found("the mug with a candle", most=99) == ("", "mug candle", both)
    assert await found("apron for a lavender", most=99) == (
        "", "apron lavender", (await found("apron lavender", most=99))[2],
    )  # fmt: skip
    assert await found("mug b lavender x", most=99) == (
        "", "mug lavender", (await found("mug lavender", most=99))[2],
    )  # fmt: skip
    assert (await found("with of the a for umbrella", most=99))[1] == ""
    assert await found("from not with is dragon umbrella", most=99) == ("", "", []), "nothing by itself"


HOSTILE = (
    'soap" OR "mug', "mug candle*", "mug) candle", "NEAR(mug candle)", "search_title:mug candle", "!mug & !candle",
    "mug:* | candle", "mug <-> candle", "mug ' candle", "mug \\ candle", "\x00mug candle", "-- mug; candle",
    ":collection mug candle", "é" * 500, "mug " * 200, "mug candle " * 4,
)  # fmt: skip


async def test_no_operator_passes_on_any_way(found: Search) -> None:
    for query in HOSTILE:
        for unfinished in (False, True):
            assert isinstance((await found(query, unfinished=unfinished))[2], list), query
    mugs_and_candles = (await found("mug candle"))[2]
    for query in ("!mug & !candle", "mug ' candle", "mug <-> candle*"):
        assert await found(query) == ("", query, mugs_and_candles)


class Counting:
    """A reader that counts what it is asked."""

    def __init__(self, reader: Any) -> None:
        self._reader, self.asked = reader, 0

    async def execute(self, statement: Any, params: Any = None, /) -> Any:
        self.asked += 1
        return await self._reader.execute(statement, params)

    async def close(self) -> None:
        await self._reader.close()


class Doubtful(Words):
    """Every word may have been three others."""

    async def near(self, word: str, *, in_titles: bool = False, unfinished: bool = False) -> list[str]:
        return [f"{word}{letter}" for letter in "abc"]


async def test_the_work_is_bounded(database: Database) -> None:
    words = Doubtful(database.glance, lambda: version(database.glance))
    counting = Counting(database.glance)
    database.glance = counting  # type: ignore[assignment]
    typed = "mug candle bowl towel apron soap basket vase".split()
    for many in range(1, len(typed) + 1):
        counting.asked = 0
        assert await find_meant(database, words, " ".join(typed[:many]), most=241) == Found([])
        assert 3 < counting.asked <= 20, many


def test_the_nearest_word() -> None:
    words = {"soap": 9 * IN_TITLE, "soup": 2 * IN_TITLE, "lavender": 3, "mug": 5 * IN_TITLE, "350": 1}
    assert nearest("saop", words) == ["soap"]
    assert nearest("soop", words) == ["soap", "soup"], "the commoner one first"
    assert nearest("lavneder", words) == ["lavender"]
    assert nearest("lvnder", words) == ["lavender"]
    assert nearest("mu", words) == nearest("351", words) == nearest("soap", words) == []
    assert nearest("saop" * 10, words) == []


def test_near_is_nearer_the_shorter_a_word_is() -> None:
    words = {
        "woven": 9,
        "basket": 9,
        "some": 9,
        "the": 9,
        "tea": IN_TITLE,
        "soap": IN_TITLE,
        "candle": IN_TITLE,
    }
    assert nearest("wollen", words) == nearest("blanket", words) == [], "two slips in few letters"
    assert nearest("sope", words) == [], "short words are those of titles"
    assert nearest("tee", words) == ["tea"]
    assert nearest("kandle", words) == ["candle"]
    assert nearest("nasket", words) == nearest("koap", words) == [], "few mistype the first letter"
    assert nearest("osap", words) == nearest("oap", words) == ["soap"], "but by being too quick"


def test_what_is_no_slip_by_itself_may_be_one_for_a_word_of_a_title() -> None:
    words = {"soup": 9, "soap": IN_TITLE, "scent": 9, "scene": 9}
    assert nearest("soup", words) == nearest("scent", words, in_titles=True) == []
    assert nearest("soup", words, in_titles=True) == ["soap"]
    assert nearest("soap", words, in_titles=True) == []


async def test_pages_say_what_they_looked_for(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/search?q=lavander"))
    assert "Nothing matches “lavander”. Showing results for “lavender”." in page.words
    assert "Lavender soap" in page.words
    typed = Answer(await client.get("/search?q=lavander", headers=HTMX))
    assert "for “lavender”" in typed.element("suggestions").text


SOME = "Nothing has all of “mug candle”. Showing what has some of it."


async def test_pages_say_that_they_show_what_has_some_of_the_words(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/search?q=mug+candle"))
    assert SOME in page.words
    assert "Speckled mug" in page.words
    assert (
        "Zu allen Wörtern von „mug candle“ passt nichts."
        in Answer(await client.get("/de/search?q=mug+candle")).words
    )
    typed = Answer(await client.get("/search?q=mug+candle", headers=HTMX))
    assert "for some of “mug candle”" in typed.element("suggestions").text


async def test_what_has_some_of_the_words_can_be_narrowed(client: httpx.AsyncClient) -> None:
    page = Answer(await client.get("/search?q=mug+candle"))
    every = len(page.root.all("li", class_name="card"))
    [checkbox] = page.root.all("label", class_name="narrow-check")
    narrowed = Answer(await client.get("/search?q=mug+candle&available=1"))
    left = len(narrowed.root.all("li", class_name="card"))
    assert SOME in narrowed.words
    assert 0 < left < every
    assert checkbox.text.endswith(f"({left})")
    shelf = Answer(await client.get("/search?q=mug+candle&collection=ceramics"))
    assert SOME in shelf.words
    assert 0 < len(shelf.root.all("li", class_name="card")) < every


async def test_what_has_some_of_the_words_goes_on_over_pages(
    client: httpx.AsyncClient, database: Database
) -> None:
    await load_big(database, "USD", 300, lambda _: None)
    seen: list[str] = []
    address = "/search?q=mug+candle"
    for _ in range(20):
        page = Answer(await client.get(address))
        assert SOME in page.words
        seen += [card.all("a")[0].attrs["href"] for card in page.root.all("li", class_name="card")]
        links = page.root.all("a", rel="next")
        if not links:
            break
        address = links[0].attrs["href"]
    assert len(seen) == len(set(seen)) > 48
    assert page.element("shown").text == f"{len(seen)} products"
