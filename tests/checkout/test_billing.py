"""Whom the bill is for, and addresses that were probably meant otherwise."""

import pytest

from storefront.checkout.likely import meant_address
from tests.checkout.test_forms import look, shown

BILL = {
    "billing_other": "1",
    "billing_name": "Bea Huber",
    "billing_organization": "Huber GmbH",
    "billing_country": "DE",
    "billing_address_line1": "Lange Straße 1",
    "billing_address_level2": "Oldenburg",
    "billing_postal_code": "26122",
}


def test_a_bill_goes_where_the_parcel_goes_unless_another_address_is_asked_for() -> None:
    assert shown({})["billing"] == ()
    assert "billing_name" not in look(**{**BILL, "billing_other": ""}).values
    form = shown({"billing_other": "1"})
    assert form["fields"]["billing_country"]["value"] == "US", "it begins where the parcel goes"
    assert "billing_address_level1" in form["billing"]
    german = shown({"billing_other": "1", "billing_country": "DE"})
    assert "billing_address_level1" not in german["billing"]
    assert german["fields"]["billing_postal_code"]["autocomplete"] == "billing postal-code"
    assert german["fields"]["country"]["value"] == "US"


def test_another_billing_address_is_looked_at_by_its_own_countrys_rules() -> None:
    assert look(**BILL).errors == {}
    wrong = look(**(BILL | {"billing_postal_code": "94102-1", "billing_name": "", "postal_code": ""})).errors
    assert set(wrong) == {"billing_postal_code", "billing_name", "postal_code"}
    assert wrong["billing_postal_code"] == "Billing address: Enter a postal code like 26133."
    assert set(look(billing_other="1").errors) == {
        "billing_name",
        "billing_address_line1",
        "billing_address_level2",
        "billing_address_level1",
        "billing_postal_code",
    }


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("DE", "de 129 274 202", "DE129274202"),
        ("DE", "129274202", None),
        ("GR", "EL123456789", "EL123456789"),
        ("US", "12-3456789", "123456789"),
        ("US", "<script>", None),
        ("US", "", ""),
    ],
)
def test_a_vat_number_looks_like_one(country: str, typed: str, kept: str | None) -> None:
    checked = look(country=country, vat_number=typed)
    if kept is None:
        assert "vat_number" in checked.errors
        assert checked.values["vat_number"] != "", "what was typed stays"
    else:
        assert "vat_number" not in checked.errors
        assert checked.values["vat_number"] == kept


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("anna@gmial.com", "anna@gmail.com"),
        ("anna@gmail.con", "anna@gmail.com"),
        ("Anna.L@HOTMIAL.com", "Anna.L@hotmail.com"),
        ("anna@gmx.dr", "anna@gmx.de"),
        ("anna@gmx.net", ""),
        ("anna@mail.com", ""),
        ("anna@company.example", ""),
        ("anna@larsson.se", ""),
        ("anna@", ""),
        ("anna", ""),
        ("", ""),
    ],
)
def test_an_address_that_was_probably_meant_is_offered(typed: str, meant: str) -> None:
    assert meant_address(typed) == meant
