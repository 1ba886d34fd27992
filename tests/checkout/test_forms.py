"""The checkout form: what it takes, what it says, and how it is shown."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from storefront.cart.delivery import Rate
from storefront.cart.queries import CartView, Line
from storefront.checkout.address import all_countries
from storefront.checkout.forms import (
    FIELDS,
    UNREADABLE,
    Checked,
    check,
    check_field,
    chosen_country,
    deliverable,
    draft_of,
)
from storefront.checkout.views import checkout_context, field_context, totals
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.web.templates import Templates

US = Rate(("US",), "standard", "Standard delivery", "3 to 5 working days", 490, 7500)
US_FAST = Rate(("US",), "express", "Express delivery", "1 to 2 working days", 1490, None)
EU = Rate(("DE", "FR", "IE"), "standard", "Standard delivery", "", 990, None)
EU_FAST = Rate(("DE", "FR", "IE"), "express", "Express delivery", "", 2490, None)
WORLD = Rate(("*",), "standard", "International delivery", "", 1990, None)
RATES = [US, US_FAST, EU, EU_FAST, WORLD]
NEAR = [US, US_FAST, EU, EU_FAST]

ADA = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "tel": "",
    "country": "US",
    "address_line1": "1 Dr Carlton B Goodlett Pl",
    "address_level2": "San Francisco",
    "address_level1": "CA",
    "postal_code": "94102",
    "shipping_method": "standard",
    "shown_total": "3490",
}
SOAP = Line(
    id=1,
    variant_id=1,
    product_id=1,
    sku="SOAP",
    title="Lavender soap",
    variant_title="Two bars",
    slug="lavender-soap",
    image=None,
    quantity=2,
    price=1500,
    seen_price=1500,
    on_sale=True,
    tracked=True,
    left=50,
    requires_shipping=True,
)
PATTERN = replace(
    SOAP, id=2, sku="PDF", title="Sewing pattern", requires_shipping=False, price=900, quantity=1
)
CART = CartView(1, lines=[SOAP])
DOWNLOADS = CartView(1, lines=[PATTERN])


def look(rates: Sequence[Rate] = RATES, /, **changed: str) -> Checked:
    return check(ADA | changed, needs_delivery=True, rates=rates)


# What is taken


def test_a_right_form_has_no_errors() -> None:
    checked = look(
        name="  Ada Lovelace ", email="Ada@EXAMPLE.com", surprise="x", note="Ring twice.\nThank you."
    )
    assert checked.errors == {}
    assert checked.rate is US
    assert checked.shown_total == 3490
    assert checked.needs_delivery
    assert checked.values == {
        "email": "Ada@example.com",
        "name": "Ada Lovelace",
        "tel": "",
        "country": "US",
        "address_line1": "1 Dr Carlton B Goodlett Pl",
        "address_level2": "San Francisco",
        "address_level1": "CA",
        "postal_code": "94102",
        "organization": "",
        "vat_number": "",
        "address_line2": "",
        "shipping_method": "standard",
        "billing_other": "",
        "note": "Ring twice.\nThank you.",
    }


def test_what_another_country_asks_for_is_left_out() -> None:
    checked = look(country="DE", postal_code="26133", shipping_method="express")
    assert checked.errors == {}
    assert checked.rate is EU_FAST
    assert "address_level1" not in checked.values


def test_the_same_place_is_the_same_order_however_it_was_said() -> None:
    checked = look(country="us", address_level1="california")
    assert checked.errors == {}
    assert (checked.values["country"], checked.values["address_level1"]) == ("US", "CA")
    assert look(postal_code="94102-4604").values["postal_code"] == "94102-4604"


def test_nothing_is_asked_about_delivery_when_nothing_is_delivered() -> None:
    form = {"email": "ada@example.com", "name": "Ada", "country": "XX", "postal_code": "?", "tel": "?"}
    checked = check(form | {"shipping_method": "?"}, needs_delivery=False, rates=[])
    assert checked.errors == {}
    assert checked.rate is None
    assert checked.values == {"email": "ada@example.com", "name": "Ada", "note": ""}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("anna@shop.test", "anna@shop.test"),
        ("Anna.B+soap@Mail.Example.ORG", "Anna.B+soap@mail.example.org"),
        ("o'hara@example.com", "o'hara@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        (
            f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.de",
            f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.de",
        ),
    ],
)
def test_mail_addresses_are_kept_in_the_form_that_every_server_takes(sent: str, kept: str) -> None:
    checked = look(email=sent)
    assert checked.errors == {}
    assert checked.values["email"] == kept
    assert checked.typed == checked.values | {"email": sent}


@pytest.mark.parametrize(
    "name", ["Bo", "李小龍", "Renée O’Connor-Łuczak", "X Æ A-12", "محمد علي", "Jo\u0308rg"]
)
def test_names_of_all_the_world_are_names(name: str) -> None:
    assert look(name=name).errors == {}


@pytest.mark.parametrize(
    "tel", ["", "12345", "+1 (415) 555-0132", "030/901 820-0", "+49.30.9018200", "1" * 20]
)
def test_telephone_numbers(tel: str) -> None:
    assert look(tel=tel).errors == {}


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("3490", 3490),
        ("0", 0),
        ("", UNREADABLE),
        ("-1", UNREADABLE),
        ("34.90", UNREADABLE),
        ("٣", UNREADABLE),
        ("1" * 13, UNREADABLE),
        ("x", UNREADABLE),
    ],
)
def test_the_total_that_was_shown_is_a_whole_number_or_no_orders(sent: str, amount: int) -> None:
    checked = look(shown_total=sent)
    assert checked.shown_total == amount
    assert checked.errors == {}
    assert check({}, needs_delivery=True, rates=RATES).shown_total is None


# What is refused


def test_an_empty_form_hears_about_every_field_in_page_order() -> None:
    assert check({}, needs_delivery=True, rates=RATES).errors == {
        "email": "Enter your e-mail address.",
        "name": "Enter your full name.",
        "country": "Choose a country.",
        "address_line1": "Enter an address.",
        "address_level2": "Enter a city.",
        "address_level1": "Choose a state from the list.",
        "postal_code": "Enter a ZIP code.",
        "shipping_method": "Choose a delivery method that is offered for United States.",
    }
    errors = check({"country": "JP"}, needs_delivery=True, rates=RATES).errors
    assert list(errors) == [
        "email",
        "name",
        "postal_code",
        "address_level1",
        "address_line1",
        "shipping_method",
    ]
    assert list(check({}, needs_delivery=False, rates=RATES).errors) == ["email", "name"]


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example",
        "a b@example.com",
        "ada@example.com, bob@example.com",
        "Ada <ada@example.com>",
        "ada@[127.0.0.1]",
        '"ada"@example.com',
        "ådå@example.com",
        "ada@exa mple.com",
        "ada@-example.com",
        "ada..b@example.com",
        f"{'a' * 65}@example.com",
    ],
)
def test_what_no_mail_reaches_is_refused(email: str) -> None:
    assert look(email=email).errors == {"email": "Enter an e-mail address like name@example.com."}
    assert look(email=email).values["email"] == email


@pytest.mark.parametrize("name", ["", " ", "12", "--", "\u200b\u200b"])
def test_a_name_has_letters(name: str) -> None:
    assert look(name=name).errors == {"name": "Enter your full name."}


@pytest.mark.parametrize("name", ["王", "X", "Ó"])
def test_a_name_may_be_one_letter(name: str) -> None:
    assert look(name=name).errors == {}


@pytest.mark.parametrize("tel", ["1234", "1" * 21, "call me", "+49 30 abc 123", "１２３４５", "12345;ext=1"])
def test_what_cannot_be_dialled_is_refused(tel: str) -> None:
    assert look(tel=tel).errors == {"tel": "Enter a phone number like +1 415 555 0132, or leave it empty."}


@pytest.mark.parametrize(
    ("name", "noun", "limit"),
    [
        ("name", "full name", 100),
        ("organization", "company", 100),
        ("address_line1", "address", 100),
        ("address_line2", "apartment or floor", 100),
        ("address_level2", "city", 100),
        ("note", "note", 500),
        ("email", "e-mail address", 254),
        ("tel", "phone number", 40),
    ],
)
def test_long_texts_are_to_be_shortened_and_not_cut(name: str, noun: str, limit: int) -> None:
    long = "a" * (limit + 1)
    checked = look(**{name: long})
    assert checked.errors == {name: f"Shorten the {noun} to {limit} characters."}
    assert checked.values[name] == long
    if name not in {"email", "tel"}:
        assert look(**{name: "a" * limit}).errors == {}


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x0b", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("name", ["name", "address_line1", "organization"])
def test_one_line_fields_have_one_line(name: str, character: str) -> None:
    assert look(**{name: f"Ada{character}Lovelace"}).errors == {
        name: f"Write the {FIELDS[name].noun} in one line."
    }


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9f", "\u202e", "\u2066", "\ud800"])
@pytest.mark.parametrize("name", ["name", "address_line1", "note"])
def test_characters_that_nobody_types_are_refused(name: str, character: str) -> None:
    assert look(**{name: f"Ada{character}Lovelace"}).errors == {
        name: f"Type the {FIELDS[name].noun} anew: it holds characters that cannot be seen."
    }


def test_the_country_is_one_that_is_delivered_to() -> None:
    swiss = look(NEAR, country="CH")
    assert swiss.errors["country"] == "We do not deliver to Switzerland. Choose another country."
    assert swiss.values["country"] == "CH"
    assert look(country="XX").errors == {"country": "Choose a country from the list."}
    assert look(country="").errors == {"country": "Choose a country."}
    for code in ("all", "ZZ", "../us", "U\x00", "u" * 10_000):
        assert look(country=code).errors == {"country": "Choose a country from the list."}


def test_the_delivery_method_is_one_that_is_offered_there() -> None:
    japan = {"country": "JP", "address_level1": "Tokyo", "postal_code": "100-0001"}
    text = "Choose a delivery method that is offered for Japan."
    assert look(**japan, shipping_method="express").errors == {"shipping_method": text}
    assert look(**japan, shipping_method="").errors == {"shipping_method": text}
    assert look(**japan).rate is WORLD
    assert look(shipping_method="express").rate is US_FAST
    assert look(shipping_method="express' OR 1=1").rate is None


def test_the_address_is_the_countrys_own() -> None:
    assert look(postal_code="1000").errors == {"postal_code": "Enter a ZIP code like 95014."}
    assert look(postal_code="10001").errors["postal_code"].startswith("This ZIP code is not in California")
    dublin = {"country": "IE", "address_level2": "Dublin", "address_level1": "", "postal_code": ""}
    assert look(**dublin).errors == {}
    dubai = check(
        ADA | {"country": "AE", "address_level1": "Dubai", "postal_code": "?", "address_level2": "?"},
        needs_delivery=True,
        rates=RATES,
    )
    assert dubai.errors == {}
    assert "postal_code" not in dubai.values


def test_a_shop_that_delivers_nowhere_says_so() -> None:
    assert set(look([]).errors) == {"country"}
    assert deliverable([]) == []


def test_every_sentence_says_what_to_do() -> None:
    said = set()
    for form in (
        {},
        {name: "\x00" for name in FIELDS},
        {name: "x" * 999 for name in FIELDS},
        {"country": "JP"},
    ):
        for code in ("US", "GB", "AE", form.get("country", "")):
            said |= set(check(form | {"country": code}, needs_delivery=True, rates=NEAR).errors.values())
    assert len(said) > 15
    for text in said:
        assert text.endswith(".")
        assert any(verb in text for verb in ("Enter ", "Choose ", "Shorten ", "Type ", "Write ")), text


@pytest.mark.parametrize("form", [{}, ADA, ADA | {"email": "?", "postal_code": "?", "country": "DE"}])
def test_one_field_hears_what_the_whole_form_hears(form: dict[str, str]) -> None:
    whole = check(form, needs_delivery=True, rates=RATES).errors
    alone = {name: check_field(name, form, needs_delivery=True, rates=RATES) for name in FIELDS}
    assert {name: text for name, text in alone.items() if text} == whole


@pytest.mark.parametrize("name", ["", "shown_total", "password", "email ", "__class__"])
def test_there_are_no_other_fields(name: str) -> None:
    with pytest.raises(KeyError):
        check_field(name, ADA, needs_delivery=True, rates=RATES)
    with pytest.raises(KeyError):
        field_context(name, ADA)


def test_a_draft_keeps_what_the_shown_country_does_not_ask_for() -> None:
    form = ADA | {"country": "DE", "note": " soon ", "surprise": "x", "email": "not yet"}
    assert draft_of(form) == {name: form[name].strip() for name in FIELDS if name in form}
    assert draft_of(form)["address_level1"] == "CA"
    assert "surprise" not in draft_of(form)


@examples(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "shown_total", "x"]), st.text(max_size=60)), st.booleans())
def test_no_form_breaks_the_check(form: dict[str, str], needs_delivery: bool) -> None:
    checked = check(form, needs_delivery=needs_delivery, rates=RATES)
    assert set(checked.errors) <= set(checked.values) <= set(FIELDS)
    checkout_context(_Pictures(), "USD", CART, RATES, form, errors=checked.errors)  # type: ignore[arg-type]


def test_a_huge_form_is_refused_field_by_field_and_quickly() -> None:
    form = {name: "١a@" * 20_000 for name in FIELDS} | {"country": "BR"}
    # By the processor's clock: what else the machine does is not counted.
    began = time.process_time()
    checked = check(form, needs_delivery=True, rates=RATES)
    assert time.process_time() - began < 0.5
    # What is chosen from a list is refused by that, or not asked for.
    refused = {name for name, text in checked.errors.items() if text.startswith("Shorten")}
    assert refused == FIELDS.keys() - {"country", "shipping_method", "billing_country"}


# What is shown


class _Pictures:
    def asset(self, path: str) -> str:
        return f"/static/{path}"


class Page(HTMLParser):
    """The tags of a page, and the text of those that matter."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, name: str) -> dict[str, str | None]:
        return next(found for _, found in self.tags if found.get("name") == name)

    @property
    def ids(self) -> list[str]:
        return [found["id"] or "" for _, found in self.tags if "id" in found]


@pytest.fixture
def templates(settings: Settings, tmp_path: Path) -> Templates:
    assets = Assets(settings)
    assets.published = tmp_path / "static"
    return Templates(settings, assets)


def shown(values: Mapping[str, str], cart: CartView = CART, **more: Any) -> dict[str, Any]:
    rates = more.pop("rates", RATES)
    return checkout_context(_Pictures(), "USD", cart, rates, values, **more)  # type: ignore[arg-type]


def test_a_new_form_begins_at_home() -> None:
    form = shown({})
    assert form["contact"] == ("email", "name", "tel")
    assert form["address"] == ("country", "address_line1", "address_level2", "address_level1", "postal_code")
    assert form["address_more"] == ("address_line2",)
    assert form["address_more_label"] == "Add apartment or floor"
    assert form["company"] == ("organization", "vat_number")
    assert (form["company_open"], form["billing"]) == ("", ())
    assert not form["address_more_open"]
    assert form["fields"]["country"]["value"] == "US"
    assert [method["checked"] for method in form["methods"]] == [True, False]
    assert form["errors"] == []
    assert (form["subtotal_text"], form["delivery_text"], form["total_text"]) == ("$30.00", "$4.90", "$34.90")
    assert form["shown_total"] == 3490
    assert form["button"] == "Pay $34.90 now — order with obligation to pay"
    assert form["lines"][0]["title"] == "Lavender soap"
    assert form["lines"][0]["total"] == "$30.00"


def test_another_country_brings_its_own_form_and_total() -> None:
    form = shown({"country": "BR", "shipping_method": "express"})
    assert form["address"] == ("country", "address_line1", "address_level2", "address_level1", "postal_code")
    assert form["address_more"] == ("address_level3", "address_line2")
    assert form["address_more_label"] == "Add neighborhood, apartment or floor"
    assert [(method["title"], method["price"]) for method in form["methods"]] == [
        ("International delivery", "$19.90")
    ]
    assert form["methods"][0]["checked"]
    assert form["shown_total"] == 3000 + 1990
    assert shown({"country": "DE", "shipping_method": "express"})["shown_total"] == 3000 + 2490


def test_a_country_that_is_not_delivered_to_leaves_the_form_at_home() -> None:
    checked = look(NEAR, country="CH")
    form = shown(checked.values, rates=NEAR, errors=checked.errors)
    assert form["fields"]["country"]["value"] == "US"
    assert form["fields"]["country"]["error"].startswith("We do not deliver to Switzerland")
    assert [code for code, _ in form["fields"]["country"]["options"]] == ["FR", "DE", "IE", "US"]


def test_totals_are_those_of_the_chosen_delivery() -> None:
    assert totals(CART, RATES, ADA, "USD") == (US, 490, 3490)
    assert totals(CART, RATES, ADA | {"shipping_method": "express"}, "USD") == (US_FAST, 1490, 4490)
    assert totals(CART, RATES, ADA | {"shipping_method": "pigeon"}, "USD") == (US, 490, 3490)
    assert totals(CART, RATES, {"country": "DE", "shipping_method": "express"}, "USD") == (
        EU_FAST,
        2490,
        5490,
    )
    assert totals(CART, RATES, {}, "USD") == (US, 490, 3490)
    assert totals(CART, [], ADA, "USD") == (None, 0, 3000)
    assert totals(DOWNLOADS, RATES, ADA, "USD") == (None, 0, 900)
    many = CartView(1, lines=[replace(SOAP, quantity=5)])
    assert totals(many, RATES, ADA, "USD") == (US, 0, 7500)
    assert shown(ADA, many)["delivery_text"] == shown(ADA, many)["methods"][0]["price"] == "Free"


def test_what_cannot_be_had_is_shown_as_gone_and_not_counted() -> None:
    cart = CartView(1, lines=[replace(SOAP, id=3, title="Gone", left=0), SOAP])
    form = shown(ADA, cart)
    assert form["lines"][0]["total"] == "Sold out"
    assert (form["orderable"], form["mend"]) == (False, "Go on without it")
    assert form["shown_total"] == 3490


def test_downloads_need_a_mail_address_and_a_name() -> None:
    form = shown({}, DOWNLOADS)
    assert (form["contact"], form["address"], form["methods"]) == (("email", "name"), (), [])
    assert form["delivery_text"] == ""
    assert form["button"].startswith("Pay $9.00 now")
    free = CartView(1, lines=[replace(PATTERN, price=0)])
    assert shown({}, free)["button"] == "Place order"


def test_errors_stand_in_the_summary_and_at_their_fields_in_the_same_words() -> None:
    checked = look(email="?", postal_code="?", organization="x" * 101, shipping_method="?")
    form = shown(checked.values, errors=checked.errors)
    assert {error["href"]: error["text"] for error in form["errors"]} == {
        f"#{name}": text for name, text in checked.errors.items()
    }
    assert {
        name: field["error"] for name, field in form["fields"].items() if field["error"]
    } == checked.errors
    assert (form["company_open"], form["address_more_open"]) == ("wrong", "")
    assert form["fields"]["email"]["value"] == "?"


def test_ticks_are_for_right_fields() -> None:
    form = shown(ADA, ok={"name", "email"}, errors={"email": "Enter your e-mail address."})
    assert form["fields"]["name"]["ok"]
    assert not form["fields"]["email"]["ok"]
    assert not form["fields"]["tel"]["ok"]


def test_a_field_alone_is_as_it_is_in_the_form() -> None:
    for values in (ADA, ADA | {"country": "JP", "address_level1": "Tokyo"}):
        form = shown(values)
        for name, field in form["fields"].items():
            assert field_context(name, values, rates=RATES) == field
            if name != "country":
                assert field_context(name, values) == field
    assert field_context("postal_code", {})["label"] == "Postal code"
    assert field_context("postal_code", ADA)["inputmode"] == "numeric"
    assert field_context("postal_code", {"country": "GB"})["inputmode"] == ""
    assert field_context("address_level1", {"country": "JP", "address_level1": "tokyo"})["value"] == "東京都"
    assert field_context("address_line1", {"country": "JP"})["hint"] == "With the city or town."
    assert field_context("address_line1", {"country": "DE"})["hint"] == ""


def test_a_shop_without_a_home_lets_people_choose() -> None:
    assert chosen_country({}, [WORLD]) == ""
    form = shown({}, rates=[WORLD])
    assert form["address"] == ("country",)
    assert form["fields"]["country"]["options"][0] == ("", "Choose a country")
    assert len(form["fields"]["country"]["options"]) == len(all_countries()) + 1
    assert shown({"country": "DE"}, rates=[WORLD])["address"][1] == "address_line1"
    nowhere = shown({}, rates=[])
    assert nowhere["fields"]["country"]["options"] == (("", "Choose a country"),)
    assert nowhere["total_text"] == "$30.00"


def test_rates_may_name_a_country_whose_addresses_nobody_knows() -> None:
    odd = [replace(US, countries=("QQ",)), US]
    assert chosen_country({"country": "QQ"}, odd) == ""
    assert deliverable(odd) == [("US", "United States")]


def test_the_form_of_every_country_can_be_filled(templates: Templates) -> None:
    for code, country in all_countries():
        errors = check({"country": code}, needs_delivery=True, rates=RATES).errors
        form = checkout_context(templates, "USD", CART, RATES, {"country": code}, errors=errors)
        page = Page(templates.render("checkout/_form.html", checkout=form))
        assert len(form["contact"]) + len(form["address"]) <= 8, code
        assert len(page.ids) == len(set(page.ids)), code
        assert errors.keys() <= form["fields"].keys(), code
        assert {error["href"].removeprefix("#") for error in form["errors"]} <= set(page.ids), code
        for name in (*form["contact"], *form["address"], *form["address_more"]):
            field = page.named(name)
            assert field["autocomplete"] == name.replace("_", "-"), code
            assert field.get("aria-invalid") == ("true" if name in errors else None), code
        assert ("option", {"value": code, "selected": None}) in page.tags, country


def test_hostile_input_comes_back_as_text(templates: Templates) -> None:
    hostile = "\"><script>alert(1)</script>{{ 7*7 }}<img src=x onerror=alert(1)>'"
    values = dict.fromkeys(FIELDS, hostile)
    checked = check(values, needs_delivery=True, rates=RATES)
    form = checkout_context(templates, "USD", CART, RATES, checked.values, errors=checked.errors)
    text = templates.render("checkout/_form.html", checkout=form)
    page = Page(text)
    assert page.named("name")["value"] == hostile
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(attribute.startswith("on") for _, found in page.tags for attribute in found)
    assert hostile in page.text


def test_the_chosen_things_are_chosen_on_the_page(templates: Templates) -> None:
    values = ADA | {"country": "JP", "address_level1": "Tokyo", "organization": "Engines", "note": "<b>"}
    page = Page(
        templates.render(
            "checkout/_form.html", checkout=checkout_context(templates, "USD", CART, RATES, values)
        )
    )
    chosen = [found["value"] for tag, found in page.tags if tag == "option" and "selected" in found]
    assert chosen == ["JP", "東京都"]
    assert page.named("shown_total")["value"] == str(3000 + 1990)
    assert [tag for tag, found in page.tags if tag == "details" and "open" in found] == ["details", "details"]
    assert page.named("organization")["value"] == "Engines"


def test_no_form_is_shown_while_payment_is_unavailable(templates: Templates) -> None:
    message = {"text": "Stripe is silent.", "kind": "error"}
    form = checkout_context(templates, "USD", CART, RATES, ADA, message=message, unavailable=True)
    page = Page(templates.render("checkout/_form.html", checkout=form))
    assert "form" not in {tag for tag, _ in page.tags}
    assert "Stripe is silent." in page.text


def test_the_form_without_delivery_has_no_address(templates: Templates) -> None:
    form = checkout_context(templates, "USD", DOWNLOADS, RATES, {})
    page = Page(templates.render("checkout/_form.html", checkout=form))
    names = {found["name"] for _, found in page.tags if "name" in found}
    assert names == {"shown_total", "shown_credits", "email", "name", "note"}
