"""The addresses that an account keeps, and where a checkout begins."""

import pytest

from tests.accounts.people import new_person, sign_in, signed_in
from tests.shop import ANNA, GERMAN, Running, Shopper, token_of
from tests.stripe_double import StripeDouble
from tests.web.page import Answer

BOOK = "/account/addresses"
HOME = {name: ANNA[name] for name in ANNA if name != "email"}
BERLIN = {"name": "Anna Larsson", **GERMAN}


async def add(shopper: Shopper, address: dict[str, str]) -> Answer:
    """Write an address down, by way of its country's form."""
    page = await shopper.get(f"{BOOK}/new")
    country = {"country": address["country"]}
    page = await shopper.submit(page, f"{BOOK}/new", press=f"{BOOK}/new/country", **country)
    return await shopper.submit(page, f"{BOOK}/new", **address)


async def first_id(shopper: Shopper) -> str:
    return actions(await shopper.get(BOOK), "/remove")[0].split("/")[3]


def written(page: Answer) -> list[str]:
    """The addresses of the book, each in one line."""
    return [one.text for one in page.root.all("address")]


def actions(page: Answer, ending: str) -> list[str]:
    """Where the page's forms post to, of those that end so."""
    found = [one.attrs.get("action", "") for one in page.root.all("form")]
    return [one for one in found if one.endswith(ending)]


async def test_an_address_is_written_down_changed_and_removed(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    assert "None yet" in (await either.get(BOOK)).words
    done = await add(either, BERLIN)
    assert done.location == BOOK
    page = await either.follow(done)
    assert "is kept" in page.element("notice").text
    assert written(page) == ["Anna Larsson Lindenstraße 5 10969 BERLIN GERMANY"]
    number = await first_id(either)
    form = await either.get(f"{BOOK}/{number}")
    assert form.element("address_level2").attrs["value"] == "Berlin"
    done = await either.submit(form, f"{BOOK}/{number}", address_line1="Ackerstraße 9")
    page = await either.follow(done)
    assert "Ackerstraße 9" in page.words
    assert "Lindenstraße" not in page.words
    number = await first_id(either)
    plain, either.htmx = either.htmx, False
    done = await either.submit(page, f"{BOOK}/{number}/remove")
    either.htmx = plain
    assert "None yet" in (await either.follow(done)).words


async def test_an_address_that_cannot_be_is_said_at_its_fields(shop: Running, either: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    answer = await add(either, HOME | {"postal_code": "12", "name": "", "address_line1": ""})
    assert answer.status == 422
    for field, said in (
        ("name", "full name"),
        ("address_line1", "Enter an address"),
        ("postal_code", "ZIP code"),
    ):
        assert said in answer.element(f"field-{field}").text
    assert answer.element("address_level2").attrs["value"] == "Portland"
    summary = answer.root.all(class_name="errors")[0]
    assert {one.attrs["href"] for one in summary.all("a")} == {"#name", "#address_line1", "#postal_code"}
    assert "shipping" not in summary.text.lower()


async def test_a_country_brings_its_own_fields_and_keeps_what_was_typed(
    shop: Running, either: Shopper
) -> None:
    person = await new_person(shop)
    await sign_in(either, person.email)
    page = await either.get(f"{BOOK}/new")
    assert page.has("field-address_level1")
    typed = {"country": "DE", "name": "Anna Larsson"}
    page = await either.submit(page, f"{BOOK}/new", press=f"{BOOK}/new/country", **typed)
    assert page.status == 200
    assert not page.has("field-address_level1")
    assert page.element("name").attrs["value"] == "Anna Larsson"
    assert not page.root.all(class_name="errors")


async def test_what_was_ordered_to_is_kept_once(shop: Running, stripe: StripeDouble) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        for vat_number in ("de 136 695 976", "DE136695976"):
            await shopper.add(await shop.new_thing())
            await shopper.order(email=person.email, vat_number=vat_number)
        page = await shopper.get(BOOK)
        assert written(page) == ["Anna Larsson 12 Mill Lane PORTLAND, OR 97201 UNITED STATES"]
        form = (await shopper.get("/checkout")).form("/checkout")
        assert dict(form.filled({}, None))["address_line1"] == "12 Mill Lane"


async def test_a_checkout_begins_with_the_address_that_was_used_last(shop: Running) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        await add(shopper, HOME)
        await add(shopper, BERLIN)
        await shopper.add(await shop.new_thing())
        page = await shopper.get("/checkout")
        assert page.element("email").attrs["value"] == person.email
        assert page.element("address_line1").attrs["value"] == "Lindenstraße 5"
        assert page.element("address_level2").attrs["value"] == "Berlin"
        book = await shopper.get(BOOK)
        await shopper.submit(book, actions(book, "/first")[0])
        page = await shopper.get("/checkout")
        assert page.element("address_line1").attrs["value"] == "12 Mill Lane"


async def test_another_address_is_chosen_at_the_checkout(shop: Running, stripe: StripeDouble) -> None:
    person = await new_person(shop)
    async with signed_in(shop, person) as shopper:
        await add(shopper, HOME)
        await add(shopper, BERLIN)
        await shopper.add(await shop.new_thing())
        page = await shopper.get("/checkout")
        typed = page.form("/checkout").filled({"note": "Ring twice"}, None)
        await shopper.post("/checkout/fields/note", typed)
        form = next(one for one in page.root.all("form", action="/checkout/address"))
        chosen = next(one for one in form.all("button") if "Mill Lane" in one.text)
        done = await shopper.post("/checkout/address", {"address_id": chosen.attrs["value"]})
        page = await shopper.follow(done)
        assert page.element("address_line1").attrs["value"] == "12 Mill Lane"
        assert page.element("postal_code").attrs["value"] == "97201"
        assert "Ring twice" in page.element("note").text
        sent = await shopper.submit(page, "/checkout")
        order = await shop.order(token_of(stripe.session_at(sent.location)["cancel_url"]))
        assert order.address is not None
        assert order.address["lines"].splitlines()[1] == "12 Mill Lane"


async def test_a_guest_sees_the_way_to_sign_in_and_no_address(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    page = await shopper.get("/checkout")
    assert page.root.all("a", href="/account/sign-in?next=/checkout")
    assert page.element("address_line1").attrs["value"] == ""
    assert (await shopper.post("/checkout/address", {"address_id": "1"})).location.startswith(
        "/account/sign-in"
    )


async def test_twenty_addresses_are_kept(shop: Running) -> None:
    async with signed_in(shop) as shopper:
        for n in range(22):
            assert (
                await shopper.post(f"{BOOK}/new", HOME | {"address_line1": f"{n} Mill Lane"})
            ).status == 303
        page = await shopper.get(BOOK)
        assert len(actions(page, "/remove")) == 20
        assert written(page)[0].startswith("Anna Larsson 21 Mill Lane")
        assert written(page)[-1].startswith("Anna Larsson 2 Mill Lane")


@pytest.mark.parametrize("path", ["0", "-1", "99999999999999", "x"])
async def test_an_address_that_is_not_there_is_a_404(shop: Running, path: str) -> None:
    async with signed_in(shop) as shopper:
        assert (await shopper.get(f"{BOOK}/{path}")).status == 404
        for what in ("", "/remove", "/first", "/country"):
            assert (await shopper.post(f"{BOOK}/{path}{what}", HOME)).status == 404
