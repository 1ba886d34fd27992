"""A whole purchase in German: pages, mistakes, payment, the way back, and the message."""

from tests.http.test_buying import CARDS, paid_page, press_card
from tests.shop import ANNA, Running, Shopper, eventually, shopper_at

DEAR = 123_456


async def test_an_order_in_german_from_the_cart_to_the_message(demo_shop: Running) -> None:
    thing = await demo_shop.new_thing(price=DEAR)
    async with shopper_at(demo_shop.url) as shopper:
        page = await shopper.get(f"/de/products/{thing.slug}")
        await shopper.follow(await shopper.submit(page, "/de/cart/items"))
        assert "1.234,56 $" in (await shopper.get("/de/cart")).element("cart").text
        checkout = await shopper.get("/de/checkout")
        assert checkout.element("pay").text.startswith("Zahlungspflichtig bestellen: 1.2")
        assert "Standardversand" in checkout.text
        assert "3 bis 5 Werktage" in checkout.text
        sent = await shopper.submit(checkout, "/de/checkout", **(ANNA | {"email": "greta@example.org"}))
        paying = await shopper.get(sent.location)
        back = await press_card(shopper, paying, CARDS["pays"])
        assert "/de/checkout/return?session_id=cs_test_" in back.location
        order = (await shopper.get(back.location)).location
        assert order.startswith("/de/orders/")
        paid = await paid_page(shopper, order)
        assert paid.element("order-title").text == "Danke, Ihre Bestellung ist bezahlt"
        assert "Zahlung eingegangen" in paid.text
        assert "Standardversand" in paid.text
    [letter] = [
        one for one in await demo_shop.letters_about(order, count=1) if one["To"] == "greta@example.org"
    ]
    text = letter.get_body(("plain",)).get_content()
    assert letter["Subject"].startswith("Bestellung SF-")
    assert "Zwischensumme: 1.234,56\xa0$" in text
    assert "Standardversand: 0,00\xa0$" in text
    assert f"{demo_shop.url}{order}" in text
    assert f"{demo_shop.url}/de/pages/returns" in text
    assert 'lang="de"' in letter.get_body(("html",)).get_content()


async def test_why_a_card_was_declined_is_said_in_german(demo_shop: Running) -> None:
    thing = await demo_shop.new_thing()
    async with shopper_at(demo_shop.url) as shopper:
        await shopper.add(thing)
        paying = await shopper.get((await shopper.order()).location)
        await press_card(shopper, paying, CARDS["declined"])
        session = str(paying.response.request.url.path).rpartition("/")[2]
        order = (await shopper.get(f"/checkout/return?session_id={session}")).location

        async def told() -> str | None:
            # Above, and in the timeline: a page that was read while the reason came may have only one of them yet.
            page = (await shopper.get(f"/de{order}")).text
            return page if page.count("Ihre Karte wurde abgelehnt.") == 2 else None

        page = await eventually(told)
    assert "declined" not in page


async def test_what_was_refunded_is_told_in_the_readers_language(demo_shop: Running) -> None:
    thing = await demo_shop.new_thing(price=DEAR)
    async with shopper_at(demo_shop.url) as shopper:
        await shopper.add(thing)
        paying = await shopper.get((await shopper.order()).location)
        order = (await shopper.get((await press_card(shopper, paying, CARDS["pays"])).location)).location
        await paid_page(shopper, order)
        number = (await demo_shop.order(order.rpartition("/")[2])).number
        assert (await demo_shop.command("orders", "refund", number, "--amount", "1200.50"))[0] == 0

        async def told() -> str | None:
            page = await shopper.get(order)
            return page.text if "$1,200.50 refunded in all" in page.text else None

        assert "Refund of $1,200.50 started" in await eventually(told)
        german = (await shopper.get(f"/de{order}")).text
    assert "Erstattung von 1.200,50\xa0$ begonnen" in german
    assert "Insgesamt 1.200,50\xa0$ erstattet" in german
    assert "$1" not in german


async def test_mistakes_are_said_in_german(shopper: Shopper) -> None:
    page = await shopper.get("/de/products/lavender-soap")
    await shopper.submit(page, "/de/cart/items")
    wrong = await shopper.post("/de/checkout", {"email": "", "name": "", "country": "US"})
    assert wrong.status == 422
    said = wrong.element("checkout-form").text
    for sentence in (
        "Da stimmt etwas nicht",
        "Geben Sie Ihre E-Mail-Adresse ein.",
        "Geben Sie einen ZIP-Code ein.",
    ):
        assert sentence in said, sentence
    assert "Vereinigte Staaten" in said
    assert (await shopper.get("/de/nothing")).root.all("h1")[0].text == "Diese Seite haben wir nicht gefunden"


async def test_the_owners_pages_are_in_german_too(shopper: Shopper) -> None:
    for slug, words in {
        "imprint": "Anbieter",
        "terms": "Zahlungspflichtig bestellen",
        "privacy": "Ihre Rechte",
        "returns": "Ihr Widerrufsrecht",
        "contact": "Wann wir antworten",
    }.items():
        assert words in (await shopper.get(f"/de/pages/{slug}")).element("main").text
        assert words not in (await shopper.get(f"/pages/{slug}")).element("main").text
