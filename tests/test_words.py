"""What the commands say: plurals and lengths of time."""

import pytest

from storefront.cli.words import how_long, many


def test_one_of_a_thing_is_no_plural() -> None:
    assert [many(number, "check") for number in (0, 1, 2, 1234)] == [
        "0 checks",
        "1 check",
        "2 checks",
        "1,234 checks",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (4.26, "4.3 s"),
        (119, "119.0 s"),
        (300, "5 min"),
        (10_900, "3 h"),
        (27_996_508, "324 days"),
    ],
)
def test_a_length_of_time_is_said_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert how_long(seconds) == said
