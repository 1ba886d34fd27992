"""The checkout form: what is kept, what is said, and what is placed."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from storefront.cart.models import Cart
from storefront.catalogue.models import Variant
from storefront.database import now
from tests.shop import ANNA, GERMAN, HTMX, Running, Shopper, shopper_at, token_of
from tests.stripe_double import StripeDouble
from tests.web.page import Answer

TOKENS = {
    "email": "email",
    "name": "name",
    "tel": "tel",
    "country": "country",
    "address_line1": "address-line1",
    "address_line2": "address-line2",
    "address_level1": "address-level1",
    "address_level2": "address-level2",
    "postal_code": "postal-code",
    "organization": "organization",
}


def filled(page: Answer) -> dict[str, str]:
    """What the form would send as it stands."""
    return dict(page.form("/checkout").filled({}, None))


@pytest.fixture(params=[False, True], ids=["plain", "htmx"])
def htmx(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_fields_bear_the_autofill_tokens(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    page = await shopper.get("/checkout")
    for name, token in TOKENS.items():
        field = page.element(name)
        assert (field.attrs["name"], field.attrs["autocomplete"]) == (name, token)
        assert page.root.all("label", **{"for": name}), name
    assert {"shipping_method", "note", "shown_total"} <= filled(page).keys()
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert page.root.all("meta", name="robots", content="noindex")


async def test_an_empty_cart_has_no_checkout(shopper: Shopper) -> None:
    sent = await shopper.get("/checkout")
    assert (sent.status, sent.location) == (303, "/cart")
    assert "set-cookie" not in sent.headers, "looking around sets no cookie"
    assert "empty" in (await shopper.follow(sent)).words
    assert (await shopper.post("/checkout", ANNA)).location == "/cart"
    assert "empty" in (await shopper.get("/cart")).element("notice").text


async def test_a_single_field_is_checked_while_typing(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout"))
    wrong = await shopper.post("/checkout/fields/email", form | {"email": "anna@"}, **HTMX)
    assert wrong.status == 200
    assert wrong.element("field-email").all("p", id="email-error")
    assert wrong.element("email").attrs["value"] == "anna@"
    assert wrong.element("email").attrs["aria-invalid"] == "true"
    assert not wrong.has("checkout-form")
    right = await shopper.post("/checkout/fields/email", form | {"email": "anna@example.org"}, **HTMX)
    assert not right.has("email-error")
    assert right.root.all("span", class_name="tick")
    zip_code = await shopper.post("/checkout/fields/postal_code", form | {"postal_code": "ABC"}, **HTMX)
    assert "97201" not in zip_code.text
    assert zip_code.element("postal_code-error").text
    assert (await shopper.post("/checkout/fields/nonsense", form, **HTMX)).status == 404


async def test_what_was_typed_is_kept_for_24_hours(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout")) | ANNA | {"note": "Ring twice,\nplease"}
    sent = await shopper.post("/checkout/fields/name", form)
    assert (sent.status, sent.location) == (303, "/checkout")
    assert filled(await shopper.follow(sent)) == form | {"note": "Ring twice,\nplease"}
    await shop.change(update(Cart).values(draft_at=now() - timedelta(hours=23, minutes=55)))
    assert filled(await shopper.get("/checkout"))["email"] == ANNA["email"]
    await shop.change(update(Cart).values(draft_at=now() - timedelta(hours=24, minutes=1)))
    assert filled(await shopper.get("/checkout"))["email"] == ""


async def test_the_country_changes_fields_delivery_and_total(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing(price=5000))
    page = await shopper.get("/checkout")
    assert filled(page)["shown_total"] == "5490"
    sent = await shopper.submit(
        page, "/checkout", press="/checkout/fields/country", country="DE", name="Anna L"
    )
    assert (sent.status, sent.location) == (303, "/checkout")
    german = await shopper.follow(sent)
    assert filled(german)["shown_total"] == "5990"
    assert filled(german)["name"] == "Anna L"
    assert "address_level1" not in filled(german), "no states there"
    assert [one.attrs["value"] for one in german.root.all("input", name="shipping_method")] == [
        "standard",
        "express",
    ]
    fragment = await shopper.post("/checkout/fields/country", filled(german) | {"country": "JP"}, **HTMX)
    assert fragment.headers["hx-retarget"] == "#checkout-form"
    assert filled(fragment)["shown_total"] == "6990"
    assert "<html" not in fragment.text


async def test_mistakes_are_listed_above_and_said_at_each_field(shop: Running, htmx: bool) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        await shopper.add(await shop.new_thing())
        page = await shopper.get("/checkout")
        typed = {
            "email": "anna@",
            "name": '"><script>x</script>',
            "postal_code": "ABC",
            "note": "Ring <b>twice",
        }
        answer = await shopper.submit(page, "/checkout", **typed)
        assert answer.status == 422
        assert ("<html" in answer.text) is not htmx
        summary = answer.root.all("div", class_name="errors")[0]
        assert summary.attrs["tabindex"] == "-1"
        assert "There is a problem" in summary.text
        links = summary.all("a")
        assert [one.attrs["href"] for one in links] == [
            "#email",
            "#address_line1",
            "#address_level2",
            "#address_level1",
            "#postal_code",
        ]
        for link in links:
            name = link.attrs["href"].removeprefix("#")
            field = answer.element(name)
            assert field.attrs["aria-invalid"] == "true"
            assert f"{name}-error" in field.attrs["aria-describedby"].split()
            assert answer.element(f"{name}-error").text == f"Error: {link.text}"
        assert filled(answer) | typed == filled(answer), "every input is kept"
        assert "<script>x" not in answer.text
        if not htmx:
            assert answer.root.all("title")[0].text.startswith("Error: ")
        assert filled(await shopper.get("/checkout"))["email"] == "anna@"


async def test_a_total_that_nobody_could_pay_is_mended_in_the_cart_first(shop: Running, htmx: bool) -> None:
    to_cart = ("/cart", "HX-Redirect" if htmx else "303")

    async def led(shopper: Shopper) -> tuple[str | None, str]:
        sent = await (shopper.fragment("/checkout") if htmx else shopper.get("/checkout"))
        return sent.location, "HX-Redirect" if "hx-redirect" in sent.headers else str(sent.status)

    async with shopper_at(shop.url) as shopper:
        await shopper.add(await shop.new_thing(price=20, requires_shipping=False))
        assert await led(shopper) == to_cart
        assert "at least" in (await shopper.get("/cart")).words
        # Delivery belongs to the total.
        await shopper.add(await shop.new_thing(price=20))
        assert (await shopper.get("/checkout")).status == 200
    async with shopper_at(shop.url) as shopper:
        await shopper.add(await shop.new_thing(price=1_010_100, on_hand=99), 99)
        page = await shopper.get("/checkout")
        assert page.status == 200, "delivered free of charge"
        await shopper.post("/checkout/fields/country", filled(page) | {"country": "JP"})
        assert await led(shopper) == to_cart
        assert "at most" in (await shopper.get("/cart")).words


async def test_what_was_written_by_hand_comes_back_as_it_was_written(
    shop: Running, stripe: StripeDouble, htmx: bool
) -> None:
    by_hand = {"email": "Ann.B@EXÄMPLE.org", "vat_number": "de 136 695 976"}
    form = ANNA | GERMAN | by_hand | {"shipping_method": "standard", "shown_total": "1"}
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        await shopper.add(await shop.new_thing())
        wrong = await shopper.post("/checkout", form | {"postal_code": "x"})
        assert wrong.status == 422
        assert filled(wrong) == filled(wrong) | by_hand
        dearer = await shopper.post("/checkout", form)
        assert dearer.status == 409
        assert filled(dearer) == filled(dearer) | by_hand
        sent = await shopper.submit(dearer, "/checkout")
        order = await shop.order(token_of(stripe.session_at(sent.location)["cancel_url"]))
        assert order.email == "Ann.B@xn--exmple-cua.org"
        assert order.address is not None
        assert order.address["vat_number"] == "DE136695976"
        assert filled(await shopper.get("/checkout")) | by_hand == filled(await shopper.get("/checkout"))


async def test_a_price_that_rose_is_said_and_ordering_again_places(
    shop: Running, stripe: StripeDouble, htmx: bool
) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        thing = await shop.new_thing(price=1000)
        await shopper.add(thing, 2)
        page = await shopper.get("/checkout")
        await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(price=1300))
        answer = await shopper.submit(page, "/checkout", **ANNA, tel="+1 415 555 0132", note="Hello")
        assert answer.status == 409
        assert "from $24.90 to $30.90" in answer.element("checkout-form").text
        assert filled(answer) == filled(answer) | ANNA | {"note": "Hello", "shown_total": "3090"}
        assert await shop.stock(thing) == (90, 0)
        sent = await shopper.submit(answer, "/checkout")
        assert stripe.session_at(sent.location)["amount_total"] == 3090
        assert await shop.stock(thing) == (90, 2)


async def test_a_country_that_costs_more_is_409_and_that_form_places(
    shop: Running, stripe: StripeDouble, htmx: bool
) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        await shopper.add(await shop.new_thing(price=5000))
        form = filled(await shopper.get("/checkout")) | ANNA | GERMAN
        del form["address_level1"]
        answer = await shopper.post("/checkout", form)
        assert answer.status == 409
        shown = filled(answer)
        assert shown["shown_total"] == "5990"
        assert {name: shown[name] for name in GERMAN} == GERMAN
        assert shown["email"] == ANNA["email"]
        assert "$59.90" in answer.element("pay").text
        sent = await shopper.submit(answer, "/checkout")
        session = stripe.session_at(sent.location)
        assert session["amount_total"] == 5990
        order = await shop.order(token_of(session["cancel_url"]))
        assert order.address is not None
        assert (order.address["country"], order.shipping) == ("DE", 990)


async def test_a_delivery_that_is_not_offered_is_422(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout")) | ANNA
    for method in ("express-by-pigeon", "", "Standard"):
        answer = await shopper.post("/checkout", form | {"shipping_method": method})
        assert answer.status == 422
        assert answer.root.all("a", href="#shipping_method")
    japanese = {
        "country": "JP",
        "address_level1": "Tokyo",
        "postal_code": "100-0001",
        "shipping_method": "express",
    }
    answer = await shopper.post("/checkout", form | japanese)
    assert answer.status == 422
    assert filled(answer)["shown_total"] == "3490", "with the total of the first that is offered"


async def test_a_country_without_delivery_or_made_up_is_422(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout")) | ANNA
    # In capitals ß is SS, which is South Sudan.
    for country in ("XX", "", "Germany", "ZZ", "<>", "ß"):
        answer = await shopper.post("/checkout", form | {"country": country})
        assert answer.status == 422, country
        assert answer.root.all("a", href="#country")


async def test_things_that_were_bought_away_meanwhile_are_said(shop: Running, htmx: bool) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        thing = await shop.new_thing(on_hand=3)
        await shopper.add(thing, 3)
        page = await shopper.get("/checkout")
        await shop.change(update(Variant).where(Variant.id == thing.variant_id).values(on_hand=1))
        answer = await shopper.submit(page, "/checkout", **ANNA)
        assert answer.status == 409
        assert "only 1 left" in answer.words.lower()
        assert filled(answer) == filled(answer) | ANNA
        agreed = await shopper.submit(answer, "/checkout", press="/checkout/mend")
        assert agreed.location == "/checkout"
        again = await shopper.get("/checkout")
        assert "what can be had" in again.element("notice").text
        assert filled(again) == filled(again) | ANNA
        assert filled(again)["shown_total"] == str(1500 + 490)
        placed = await shopper.submit(again, "/checkout")
        assert placed.location.startswith(("https://", "http://"))


async def test_what_is_sold_out_meanwhile_takes_no_address_along(shop: Running, htmx: bool) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        thing = await shop.new_thing(on_hand=3)
        await shopper.add(thing, 3)
        page = await shopper.get("/checkout")
        sold_out = update(Variant).where(Variant.id == thing.variant_id)
        await shop.change(sold_out.values(on_hand=0))
        answer = await shopper.submit(page, "/checkout", **ANNA)
        assert answer.status == 409
        assert "sold out" in answer.words.lower()
        assert "Change the cart" in answer.words
        assert not answer.has("pay")
        assert filled(answer) == filled(answer) | ANNA
        cart = await shopper.get("/cart")
        assert "No delivery needed" not in cart.words
        assert "Delivery from" not in cart.words
        await shop.change(sold_out.values(on_hand=3))
        assert filled(await shopper.get("/checkout")) == filled(answer) | {"shown_total": "4990"}


async def test_one_goes_on_without_what_is_sold_out(shop: Running, htmx: bool) -> None:
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        gone, file = await shop.new_thing(), await shop.new_thing(requires_shipping=False)
        await shopper.add(gone)
        await shopper.add(file)
        page = await shopper.get("/checkout")
        await shop.change(update(Variant).where(Variant.id == gone.variant_id).values(archived=True))
        answer = await shopper.submit(page, "/checkout", **ANNA)
        assert answer.status == 409
        assert "no longer available." in answer.words
        assert "No longer available" in answer.words, "as the cart calls it"
        assert "sold out" not in answer.words.lower()
        assert "Go on without it" in answer.words
        assert (await shopper.submit(answer, "/checkout", press="/checkout/mend")).location == "/checkout"
        again = filled(await shopper.get("/checkout"))
        assert again["shown_total"] == "1500"
        assert "address_line1" not in again


async def test_nothing_is_mended_in_an_empty_cart(shopper: Shopper) -> None:
    assert (await shopper.post("/checkout/mend", ANNA)).location == "/cart"


@pytest.mark.parametrize("shown", ["", "-5", "abc", "９", "1e3", "19.90"])
async def test_a_total_that_cannot_be_read_places_nothing(
    shop: Running, shopper: Shopper, shown: str
) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout")) | ANNA
    answer = await shopper.post("/checkout", form | {"shown_total": shown})
    assert answer.status == 409
    assert "$19.90" in answer.element("checkout-form").text
    assert filled(answer)["shown_total"] == "1990"
    assert (await shopper.post("/checkout", filled(answer))).status == 303


async def test_an_amount_that_stripe_cannot_take_is_refused_with_a_sentence(
    shop: Running, stripe: StripeDouble
) -> None:
    for price, text in ((49, "$0.49"), (10_000_000, "$1,000,000.00")):
        async with shopper_at(shop.url) as shopper:
            thing = await shop.new_thing(price=price, requires_shipping=False)
            await shopper.add(thing, 10 if price > 1000 else 1)
            before = len(stripe.asked)
            # From a form that was open before: for such a cart there is no new one.
            answer = await shopper.post("/checkout", {"email": ANNA["email"], "name": ANNA["name"]})
            assert answer.status == 409
            assert text in answer.words
            assert len(stripe.asked) == before
            assert await shop.stock(thing) == (90, 0)


async def test_prices_that_a_browser_sends_count_for_nothing(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing(price=2000)
    await shopper.add(thing)
    form = filled(await shopper.get("/checkout")) | ANNA
    sent = await shopper.post(
        "/checkout", form | {"price": "1", "total": "1", "subtotal": "1", "currency": "JPY"}
    )
    assert stripe.session_at(sent.location)["amount_total"] == 2490
    assert (await shopper.post("/checkout", form | {"shown_total": "1"})).status == 409


async def test_the_bill_goes_to_another_address_and_to_a_company(
    htmx: bool, shop: Running, stripe: StripeDouble
) -> None:
    thing = await shop.new_thing()
    async with shopper_at(shop.url, htmx=htmx) as shopper:
        await shopper.add(thing)
        page = await shopper.get("/checkout")
        shopper.htmx = False
        asked = await shopper.submit(
            page, "/checkout", press="/checkout/fields/billing_other", billing_other="1", name="Bea"
        )
        page = await shopper.follow(asked)
        assert filled(page)["name"] == "Bea"
        shopper.htmx = htmx
        bill = {"name": "Bea Huber", "address_line1": "Rue de la Paix 1", "address_level2": "Paris"}
        typed = {f"billing_{name}": text for name, text in bill.items()}
        country = await shopper.post(
            "/checkout/fields/billing_country", filled(page) | typed | {"billing_country": "FR"}
        )
        page = await shopper.follow(country) if country.status == 303 else country
        sent = await shopper.submit(
            page, "/checkout", **ANNA, **typed, billing_postal_code="75002", vat_number="FR 40 303 265 045"
        )
        order = await shop.order(token_of(stripe.session_at(sent.location)["cancel_url"]))
        assert sent.status in {200, 303}
        assert order.address is not None
        assert order.address["vat_number"] == "FR40303265045"
        assert order.address["billing_lines"].splitlines()[-2:] == ["75002 PARIS", "FRANCE"]
        shown = await shopper.get(f"/orders/{order.token}")
        assert "Rue de la Paix 1" in shown.words
        assert "FR40303265045" in shown.words


async def test_a_mail_address_with_a_typo_is_offered_as_it_was_meant(shopper: Shopper, shop: Running) -> None:
    await shopper.add(await shop.new_thing())
    typed = filled(await shopper.get("/checkout")) | {"email": "anna@gmial.com"}
    field = await shopper.post("/checkout/fields/email", typed, **HTMX)
    assert "anna@gmail.com" in field.words
    taken = await shopper.post("/checkout/fields/email", typed | {"use_email": "anna@gmail.com"}, **HTMX)
    assert taken.element("email").attrs["value"] == "anna@gmail.com"
    assert "Did you mean" not in taken.words
    # Without a script the button is there once the form has come back.
    page = await shopper.follow(await shopper.post("/checkout/fields/email", typed))
    back = await shopper.submit(page, "/checkout", press="use_email=anna@gmail.com")
    assert filled(await shopper.follow(back))["email"] == "anna@gmail.com"


async def test_a_mistake_stays_marked_when_the_delivery_changes(shop: Running, shopper: Shopper) -> None:
    await shopper.add(await shop.new_thing())
    form = filled(await shopper.get("/checkout")) | {"email": "anna@", "name": ""}
    answer = await shopper.post("/checkout/fields/shipping_method", form, **HTMX)
    assert answer.element("email").attrs["aria-invalid"] == "true"
    assert answer.element("email-error").text
    assert not answer.has("name-error"), "nobody has been there yet"
    assert not answer.has("errors-title"), "the focus stays"
