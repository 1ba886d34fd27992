"""What a person may send at checkout, and the sentence for each mistake."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ValidationInfo

from storefront.cart.delivery import Rate, countries_of, home_country, rates_for
from storefront.checkout import billing
from storefront.checkout.address import (
    capital,
    check_address,
    country_code,
    country_names,
    normal_area,
    rules,
)
from storefront.language import gettext as _
from storefront.language import later
from storefront.web.forms import email_address, parse


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it is where the country has no word of its own for it. `noun` is its name in a sentence,
    `limit` the most characters, `autocomplete` the token of the HTML standard."""

    noun: str
    limit: int
    autocomplete: str = "off"
    type: str = "text"
    inputmode: str = ""

    @property
    def said(self) -> str:
        return _(self.noun)

    @property
    def label(self) -> str:
        return capital(self.said)


# The names are the autofill tokens with underscores. E-mail and telephone inputs bring their own keyboards.
# https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill
FIELDS = {
    "email": Field(later("e-mail address"), 254, "email", "email"),
    "name": Field(later("full name"), 100, "name"),
    "tel": Field(later("phone number"), 40, "tel", "tel"),
    "country": Field(later("country"), 2, "country", "select"),
    "organization": Field(later("company"), 100, "organization"),
    "address_line1": Field(later("address"), 100, "address-line1"),
    "address_line2": Field(later("apartment or floor"), 100, "address-line2"),
    "address_level3": Field(later("neighborhood"), 100, "address-level3"),
    "address_level2": Field(later("city"), 100, "address-level2"),
    "address_level1": Field(later("province"), 100, "address-level1"),
    "postal_code": Field(later("postal code"), 20, "postal-code"),
    "vat_number": Field(later("VAT number"), 30),
    "shipping_method": Field(later("delivery method"), 100),
    "billing_other": Field(later("bill to another address"), 1, "", "checkbox"),
    "billing_name": Field(later("full name"), 100, "billing name"),
    "billing_organization": Field(later("company"), 100, "billing organization"),
    "billing_country": Field(later("country"), 2, "billing country", "select"),
    "billing_address_line1": Field(later("address"), 100, "billing address-line1"),
    "billing_address_level2": Field(later("city"), 100, "billing address-level2"),
    "billing_address_level1": Field(later("province"), 100, "billing address-level1"),
    "billing_postal_code": Field(later("postal code"), 20, "billing postal-code"),
    "note": Field(later("note"), 500, type="textarea"),
}
# What an order keeps in another spelling than people write it in; it must not change under their eyes.
BY_HAND = ("email", "vat_number")
# A total that no order has, so that it never equals the true one.
UNREADABLE = -1
FEWEST_TEL_DIGITS, MOST_TEL_DIGITS = 5, 20
TEL = re.compile(r"[0-9+()\-./ ]+")
# Control characters, and marks that turn the direction of what follows, so that it reads as something else.
LINE_BREAKS = frozenset("\n\r\t\x0b\x0c\x85\u2028\u2029")
NOT_TYPED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _within(value: str, info: ValidationInfo) -> str:
    field = FIELDS[str(info.field_name)]
    if NOT_TYPED.search(value):
        raise ValueError(
            _("Type the %(field)s anew: it holds characters that cannot be seen.", field=field.said)
        )
    if len(value) > field.limit:
        raise ValueError(
            _("Shorten the %(field)s to %(limit)s characters.", field=field.said, limit=field.limit)
        )
    return value


def _one_line(value: str, info: ValidationInfo) -> str:
    if not LINE_BREAKS.isdisjoint(value):
        field = FIELDS[str(info.field_name)]
        raise ValueError(_("Write the %(field)s in one line.", field=field.said))
    return value


def _name(value: str) -> str:
    # One letter is enough: there are such names.
    if not any(letter.isalpha() for letter in value):
        raise ValueError(_("Enter your full name."))
    return value


def _tel(value: str) -> str:
    digits = sum(letter.isdigit() for letter in value)
    if value and not (TEL.fullmatch(value) and FEWEST_TEL_DIGITS <= digits <= MOST_TEL_DIGITS):
        raise ValueError(_("Enter a phone number like +1 415 555 0132, or leave it empty."))
    return value


Text = Annotated[str, AfterValidator(_within)]
OneLine = Annotated[Text, AfterValidator(_one_line)]


class CheckoutForm(BaseModel):
    """What is asked of each text alone; what depends on the country and on the rates comes in check."""

    email: Annotated[OneLine, AfterValidator(email_address)]
    name: Annotated[OneLine, AfterValidator(_name)]
    tel: Annotated[OneLine, AfterValidator(_tel)] = ""
    organization: OneLine = ""
    address_line1: OneLine = ""
    address_line2: OneLine = ""
    address_level1: OneLine = ""
    address_level2: OneLine = ""
    address_level3: OneLine = ""
    postal_code: OneLine = ""
    vat_number: OneLine = ""
    billing_other: OneLine = ""
    billing_name: OneLine = ""
    billing_organization: OneLine = ""
    billing_country: OneLine = ""
    billing_address_line1: OneLine = ""
    billing_address_level1: OneLine = ""
    billing_address_level2: OneLine = ""
    billing_postal_code: OneLine = ""
    note: Text = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The names of a form's fields as they stand on the page; `more` and `company` are optional and folded away,
    `billing` is there where the bill goes to another address."""

    contact: tuple[str, ...]
    address: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    company: tuple[str, ...] = ()
    billing: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        delivery = (*self.address, *self.more, *self.company, "shipping_method", billing.OTHER, *self.billing)
        return (*self.contact, *(delivery if self.address else ()), "note")


@dataclass(frozen=True, slots=True)
class Checked:
    """A form that was looked at. `values` holds what this country's form has and nothing else, as an order
    keeps it; `typed` is the same with what was written by hand left alone, to be shown again; `errors` is in
    page order; `rate` is the chosen delivery where it is offered; `shown_total` (minor units) and
    `shown_credits` are what the shopper saw, None if the form did not say, UNREADABLE if it says nothing that a form of
    ours would."""

    values: dict[str, str]
    typed: dict[str, str]
    errors: dict[str, str]
    rate: Rate | None
    shown_total: int | None
    shown_credits: int | None
    needs_delivery: bool


def deliverable(rates: Sequence[Rate]) -> list[tuple[str, str]]:
    """(code, name) of the countries that the shop delivers to and knows the addresses of, by name."""
    names = country_names()
    reached = countries_of(rates, names)
    return [(code, name) for code, name in names.items() if code in reached]


def chosen_country(values: Mapping[str, str], rates: Sequence[Rate]) -> str:
    """The country whose form is shown: the chosen one if the shop delivers there, else the shop's own; empty
    when there is neither."""
    for code in (_country(values), home_country(rates)):
        if code in country_names() and rates_for(rates, code):
            return code
    return ""


def parts_for(country: str, *, needs_delivery: bool, bill_to: str = "") -> Parts:
    """The fields of the form for `country`. At most eight are not folded away, while the bill goes where the parcel
    goes; `bill_to` is the country of another billing address."""
    if not needs_delivery:
        return Parts(("email", "name"))
    own = rules(country).fields if country else ()
    folded = tuple(name for name in own if name == "address_level3")
    shown = tuple(name for name in own if name != "address_level3")
    return Parts(
        ("email", "name", "tel"),
        ("country", *shown),
        (*folded, "address_line2"),
        ("organization", "vat_number"),
        billing.fields_for(bill_to) if bill_to else (),
    )


def billed_to(form: Mapping[str, str], country: str) -> str:
    """The country of another billing address; empty where the bill goes where the parcel goes."""
    return billing.chosen_country(form, country) if form.get(billing.OTHER, "").strip() else ""


def draft_of(form: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a form that is not sent yet: everything that is the form's, as it was typed."""
    return {name: form[name].strip() for name in FIELDS if name in form}


def check(form: Mapping[str, str], *, needs_delivery: bool, rates: Sequence[Rate]) -> Checked:
    """Look at a whole form. When nothing needs delivery, address, telephone and method are ignored."""
    country = chosen_country(form, rates) if needs_delivery else ""
    bill_to = billed_to(form, country) if needs_delivery else ""
    names = parts_for(country, needs_delivery=needs_delivery, bill_to=bill_to).names
    values = {name: form.get(name, "").strip() for name in names}
    if bill_to:
        values[billing.COUNTRY] = bill_to
    by_hand = {name: values[name] for name in BY_HAND if name in values}
    found, wrong = parse(CheckoutForm, values)
    if found is not None:
        values["email"] = found.email
    rate = None
    if needs_delivery:
        wrong = _check_delivery(values, country, rates) | wrong
        rate = chosen_rate(values, country, rates)
        _normalise(values, country)
    errors = {name: wrong[name] for name in names if name in wrong}
    total, credits = (
        _whole_amount(form[name]) if name in form else None for name in ("shown_total", "shown_credits")
    )
    return Checked(values, values | by_hand, errors, rate, total, credits, needs_delivery)


def check_field(name: str, form: Mapping[str, str], *, needs_delivery: bool, rates: Sequence[Rate]) -> str:
    """The sentence for one field of `form`, empty if it is right or not part of this country's form. Raises
    KeyError for a name that no checkout form has."""
    if name not in FIELDS:
        raise KeyError(name)
    return check(form, needs_delivery=needs_delivery, rates=rates).errors.get(name, "")


def chosen_rate(values: Mapping[str, str], country: str, rates: Sequence[Rate]) -> Rate | None:
    """The delivery that `values` chose, if it is offered to `country`."""
    code = values.get("shipping_method", "")
    return next((rate for rate in rates_for(rates, country) if rate.code == code), None)


def _check_delivery(values: Mapping[str, str], country: str, rates: Sequence[Rate]) -> dict[str, str]:
    # A country that is missing or wrong leaves the shop's own on the page, so its fields are what is checked.
    errors = check_address(country, values) if country else {}
    code = _country(values)
    if not code:
        errors["country"] = _("Choose a country.")
    elif code != country:
        known = country_names().get(code)
        errors["country"] = (
            _("We do not deliver to %(country)s. Choose another country.", country=known)
            if known
            else _("Choose a country from the list.")
        )
    errors |= billing.check_vat_number(values)
    if values.get(billing.OTHER):
        errors |= billing.check_billing(values)
    if country and chosen_rate(values, country, rates) is None:
        errors["shipping_method"] = _(
            "Choose a delivery method that is offered for %(country)s.", country=country_names()[country]
        )
    return errors


def _normalise(values: dict[str, str], country: str) -> None:
    """Codes in place of names and spellings, so that the same choice always makes the same order."""
    values["country"] = _country(values)
    area = normal_area(country, values.get("address_level1", "")) if country else None
    if area:
        values["address_level1"] = area
    billing.normalise(values)


def _country(values: Mapping[str, str]) -> str:
    return country_code(values.get("country", ""))


def _whole_amount(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else UNREADABLE
