"""Whom the bill is for: a company with its VAT number, or another address than the parcel's."""

import re
from collections.abc import Mapping

from storefront.checkout.address import (
    check_address,
    country_code,
    country_names,
    label_lines,
    normal_area,
    rules,
)
from storefront.language import gettext as _

PREFIX = "billing_"
OTHER = "billing_other"
COUNTRY = "billing_country"
# Companies of the European Union have numbers that begin with their country (Directive 2006/112/EC, article 215);
# Greece is EL there. What stands elsewhere is not ours to judge.
VAT_OF_THE_EU = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,12}")
VAT_ANYWHERE = re.compile(r"[0-9A-Z+*./\- ]{4,30}")
IN_THE_EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def fields_for(country: str) -> tuple[str, ...]:
    """The names of a billing address's fields in `country`, as they stand on the page."""
    own = rules(country).fields if country in country_names() else ()
    first, rest = own[:1], own[1:]
    names = ("name", "organization", "country", *first, *rest)
    return tuple(PREFIX + name for name in names if name != "address_level3")


def chosen_country(values: Mapping[str, str], delivered_to: str) -> str:
    """The billing address's country: the chosen one, else the one that is delivered to."""
    code = country_code(values.get(COUNTRY, ""))
    return code if code in country_names() else delivered_to


def plain(values: Mapping[str, str]) -> dict[str, str]:
    """The billing address in `values` under the names of any address's fields."""
    return {
        name.removeprefix(PREFIX): text
        for name, text in values.items()
        if name.startswith(PREFIX) and name != OTHER
    }


def check_billing(values: Mapping[str, str]) -> dict[str, str]:
    """The sentence for each mistake in the billing address of `values`, by field name."""
    own = plain(values)
    code = own.get("country", "")
    problems = check_address(code, own) if code in country_names() else {"country": _("Choose a country.")}
    if not any(letter.isalpha() for letter in own.get("name", "")):
        problems["name"] = _("Enter the name that the bill is for.")
    return {PREFIX + name: _("Billing address: %(problem)s", problem=text) for name, text in problems.items()}


def check_vat_number(values: Mapping[str, str]) -> dict[str, str]:
    """A mistake in the company's VAT number, which anybody may leave out."""
    number = normal_vat_number(values.get("vat_number", ""))
    country = values.get(COUNTRY) or values.get("country", "")
    if not number:
        return {}
    if country in IN_THE_EU and not VAT_OF_THE_EU.fullmatch(number):
        example = ("EL" if country == "GR" else country) + "123456789"
        return {"vat_number": _("Enter a VAT number like %(example)s, or leave it empty.", example=example)}
    if not VAT_ANYWHERE.fullmatch(number):
        return {"vat_number": _("Check the VAT number, or leave it empty.")}
    return {}


def normal_vat_number(typed: str) -> str:
    """Capitals, without the spaces, dots and dashes that people put between."""
    return re.sub(r"[\s.\-]", "", typed).upper()


def normalise(values: dict[str, str]) -> None:
    """Codes in place of names and spellings, as the delivery address has them."""
    if "vat_number" in values:
        values["vat_number"] = normal_vat_number(values["vat_number"])
    if values.get(OTHER):
        values[COUNTRY] = country_code(values.get(COUNTRY, ""))
        if values[COUNTRY] in country_names():
            area = normal_area(values[COUNTRY], values.get(f"{PREFIX}address_level1", ""))
            if area:
                values[f"{PREFIX}address_level1"] = area


def of_order(values: Mapping[str, str]) -> dict[str, str]:
    """What an order keeps of it beside the address: `vat_number`, and `billing_lines` where the bill goes elsewhere."""
    kept = {}
    if values.get("vat_number"):
        kept["vat_number"] = values["vat_number"]
    if values.get(OTHER):
        kept["billing_lines"] = "\n".join(label_lines(plain(values)))
    return kept
