"""Amounts, dates, counts and addresses in each language; and every sentence said in all of them."""

from datetime import UTC, datetime

import pytest

from storefront import language
from storefront.language import LANGUAGES, at, number, speaking, without_prefix
from storefront.money import format_money
from tests.checks import words

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("amount", "currency", "english", "german"),
    [
        (123_456, "EUR", "€1,234.56", f"1.234,56{NBSP}€"),
        (1_200, "JPY", "¥1,200", f"1.200{NBSP}¥"),
        (12_500, "KWD", f"KWD{NBSP}12.500", f"12,500{NBSP}KWD"),
        (500_000, "ISK", f"ISK{NBSP}5,000", f"5.000{NBSP}ISK"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(
    amount: int, currency: str, english: str, german: str
) -> None:
    assert format_money(amount, currency) == english
    with speaking("de"):
        assert format_money(amount, currency) == german


def test_dates_and_counts_follow_the_language() -> None:
    when = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    assert (language.moment(when), number(1234)) == ("5 March 2026, 09:30 UTC", "1,234")
    with speaking("de"):
        assert (language.moment(when), number(1234)) == ("5. März 2026, 09:30 UTC", "1.234")
        assert language.clock(when) == "09:30 UTC"


def test_addresses_take_the_prefix_on_and_off() -> None:
    with speaking("de"):
        assert [at(path) for path in ("/", "/cart", "", "https://x.test/")] == [
            "/de/",
            "/de/cart",
            "",
            "https://x.test/",
        ]
    for path, found in {
        "/de/cart": "/cart",
        "/de": "",
        "/desk": "/desk",
        "/en/x": "/en/x",
        "de/x": "de/x",
    }.items():
        assert without_prefix(path) == (
            LANGUAGES["de" if path[:3] == "/de" and found != path else "en"],
            found,
        )


def test_an_unknown_language_is_the_default() -> None:
    with speaking("tlh") as spoken:
        assert spoken.code == "en"


def test_every_sentence_is_said_in_every_language() -> None:
    assert words.problems() == []
