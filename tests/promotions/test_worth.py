"""What a code is worth, to the last minor unit."""

from datetime import timedelta
from typing import Any

import pytest

from storefront.database import now
from storefront.promotions.offers import Offer, as_code


def made(**values: Any) -> Offer:
    given: dict[str, Any] = {
        "id": 1,
        "code": "SPRING",
        "percent": None,
        "amount": None,
        "minimum": 0,
        "most_orders": None,
        "begins_at": now() - timedelta(days=1),
        "ends_at": None,
    }
    return Offer(**given | values)


@pytest.mark.parametrize(
    ("percent", "subtotal", "currency", "off"),
    [
        (10, 999, "USD", 100),
        (10, 994, "USD", 99),
        (10, 995, "USD", 100),
        (15, 1, "USD", 0),
        (50, 1, "USD", 1),
        (33, 1000, "JPY", 330),
        (1, 49, "JPY", 0),
        (10, 12_340, "KWD", 1230),
        (10, 12_350, "KWD", 1240),
        (15, 1_000, "ISK", 200),
        (100, 4999, "USD", 4999),
        (100, 4990, "KWD", 4990),
    ],
)
def test_a_percentage_is_rounded_to_what_stripe_takes(
    percent: int, subtotal: int, currency: str, off: int
) -> None:
    assert made(percent=percent).off(subtotal, currency) == off


def test_an_amount_is_at_most_what_the_goods_cost() -> None:
    assert made(amount=500).off(1200, "USD") == 500
    assert made(amount=500).off(499, "USD") == 499
    assert made(amount=500).off(0, "USD") == 0


def test_it_counts_from_its_minimum_on() -> None:
    assert made(amount=500, minimum=2000).off(1999, "USD") == 0
    assert made(amount=500, minimum=2000).off(2000, "USD") == 500


def test_it_counts_from_its_begin_to_its_end() -> None:
    hour = timedelta(hours=1)
    assert made(amount=5, begins_at=now() + hour).off(10, "USD") == 0
    assert made(amount=5, ends_at=now() - hour).off(10, "USD") == 0
    assert made(amount=5, ends_at=now() + hour).off(10, "USD") == 5


def test_the_last_one_is_one() -> None:
    assert made(amount=5, most_orders=3, used=2).off(10, "USD") == 5
    assert made(amount=5, most_orders=3, used=3).off(10, "USD") == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" spring-10 ", "SPRING-10"),
        ("a", ""),
        ("-AB", ""),
        ("AB C", ""),
        ("ÄB", ""),
        ("ß1", ""),
        ("A" * 33, ""),
        ("", ""),
    ],
)
def test_codes_are_written_in_one_way(text: str, code: str) -> None:
    assert as_code(text) == code
