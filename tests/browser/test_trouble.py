"""A slow line, a failing server, none at all: the page says so and offers again, and nothing typed is lost."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.conftest import Open
from tests.browser.orders import order_of
from tests.browser.shopping import APRON, SOAP, count, fill, put, to_payment
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import ANNA, Running

Answer: TypeAlias = Callable[[Route], Awaitable[None]]
PROXY = "<!doctype html><title>Not the shop</title><h1>Not the shop's own page</h1><p>Please wait.</p>"
SAID = "The shop did not answer. Nothing is lost. Try again"


async def nothing(route: Route) -> None:
    await route.abort("connectionrefused")


async def a_500(route: Route) -> None:
    await route.fulfill(status=500, content_type="text/html", body="<h1>Our page of errors</h1>")


async def a_503(route: Route) -> None:
    """As a proxy gives it while the shop is restarted."""
    await route.fulfill(status=503, content_type="text/html", body="<h1>Service Unavailable</h1>")


async def a_429(route: Route) -> None:
    """As a proxy gives it to somebody who is too quick."""
    await route.fulfill(status=429, content_type="text/html", body=PROXY)


async def a_portal(route: Route) -> None:
    """As the Wi-Fi of a hotel answers whatever is asked."""
    await route.fulfill(status=200, content_type="text/html", body=PROXY)


TROUBLES = {
    "nothing": (nothing, PHONE),
    "500": (a_500, PHONE),
    "503": (a_503, DESKTOP),
    "429": (a_429, PHONE),
    "portal": (a_portal, DESKTOP),
}


@pytest.fixture(params=TROUBLES.values(), ids=TROUBLES)
def trouble(request: pytest.FixtureRequest, watch: Watch) -> tuple[Answer, int]:
    watch.expect("^(429|50[03]) ", "^no answer .*CONNECTION_REFUSED", "Failed to fetch")
    given: tuple[Answer, int] = request.param
    return given


@pytest.fixture
def answer(trouble: tuple[Answer, int]) -> Answer:
    return trouble[0]


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_browser: Open, trouble: tuple[Answer, int]) -> Page:
    return await open_browser(trouble[1])


async def said(page: Page) -> None:
    """The notice is there and can be seen, wherever the page was scrolled to."""
    notice = page.locator("#notice [data-kind=error]")
    await expect(notice).to_have_text(SAID)
    await expect(notice).to_be_in_viewport()
    await expect(
        page.get_by_text(re.compile("Our page of errors|Service Unavailable|own page"))
    ).to_have_count(0)


async def test_adding(page: Page, answer: Answer) -> None:
    await page.goto(f"/products/{SOAP}")
    await page.route("**/cart/items", answer)
    button = page.get_by_role("button", name="Add to cart")
    await page.get_by_label("Quantity").fill("3")
    await button.click()
    await said(page)
    await expect(button).to_be_focused()
    await expect(page.get_by_label("Quantity")).to_have_value("3")
    await page.unroute("**/cart/items")
    await button.click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 3")
    await expect(page.locator("#notice")).to_be_empty()


async def test_changing_a_quantity(page: Page, answer: Answer) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await page.route("**/cart/items/*", answer)
    field = page.get_by_label("Quantity of Lavender soap")
    await field.fill("4")
    await said(page)
    await expect(field).to_have_value("4")
    await expect(page.locator("#cart .line")).to_have_count(1)
    assert await count(page) == 1
    await page.unroute("**/cart/items/*")
    await field.press("Enter")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 4")
    await expect(page.locator("#notice")).to_be_empty()


async def test_ordering(page: Page, answer: Answer) -> None:
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await expect(page.locator("#field-postal_code .tick")).to_be_visible()
    await page.route("**/checkout", answer)
    await page.locator("#pay").click()
    await said(page)
    await expect(page.locator("#name")).to_have_value(ANNA["name"])
    await expect(page.locator("#postal_code")).to_have_value(ANNA["postal_code"])
    await expect(page.locator("#pay")).not_to_have_attribute("aria-disabled", "true")
    await page.unroute("**/checkout")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


@pytest.mark.parametrize("status", [403, 404, 409, 422])
async def test_what_a_proxy_refuses(open_browser: Open, watch: Watch, status: int) -> None:
    """It has the statuses of the shop, but not its answers."""
    watch.expect(f"^{status} ")
    page = await open_browser(PHONE)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, content_type="text/html", body=PROXY)

    await page.goto(f"/products/{SOAP}")
    await page.route("**/cart/items", refuse)
    await page.get_by_role("button", name="Add to cart").click()
    await said(page)
    await page.unroute("**/cart/items")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await page.goto("/checkout")
    await fill(page)
    await page.route("**/checkout", refuse)
    await page.locator("#pay").click()
    await said(page)
    await expect(page.locator("#name")).to_have_value(ANNA["name"])
    await page.unroute("**/checkout")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


async def test_checking_a_field_and_changing_the_country(page: Page, answer: Answer) -> None:
    await put(page, SOAP)
    await page.goto("/checkout")
    await page.route("**/checkout/fields/*", answer)
    await page.locator("#name").fill("Anna Larsson")
    await page.locator("#name").blur()
    await said(page)
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await page.locator("#country").select_option("DE")
    await said(page)
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await page.unroute("**/checkout/fields/*")
    await page.locator("#country").select_option("US")
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#pay")).to_contain_text("$18.40")
    await expect(page.locator("#name")).to_have_value("Anna Larsson")


async def test_looking_around(page: Page, answer: Answer) -> None:
    await page.goto("/products")
    await page.route(re.compile(r"/products\?|/search\?"), answer)
    await page.get_by_role("link", name="Load more").click()
    await said(page)
    await expect(page.locator("#cards .card")).to_have_count(24)
    await page.get_by_label("Sort by").select_option("-price")
    await said(page)
    await expect(page).to_have_url("/products")
    await page.locator("#site-q").press_sequentially("soap")
    await said(page)
    await expect(page.locator("#site-q")).to_have_value("soap")
    await page.unroute(re.compile(r"/products\?|/search\?"))
    await page.get_by_role("link", name="Load more").click()
    await expect(page.locator("#cards .card")).not_to_have_count(24)


async def test_an_open_order_asks_again_when_the_shop_is_back(
    page: Page, shop: Running, answer: Answer
) -> None:
    await to_payment(page)
    session = page.url.rpartition("/")[2]
    path = await order_of(shop, session)
    await page.goto(path)
    await page.route(f"**{path}", answer)
    async with page.expect_event("requestfinished" if answer is not nothing else "requestfailed"):
        pass
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "pending")
    await expect(page.locator("#notice")).to_be_empty()
    await page.unroute(f"**{path}")
    paid = await page.context.request.post("/sandbox/control/pay", form={"session": session})
    assert paid.ok
    await expect(page.locator("#order-status")).to_have_attribute("data-status", "paid")


async def test_the_notice_offers_the_same_again(open_browser: Open, watch: Watch) -> None:
    """Whatever was asked: a form, a field that asks by itself, a choice, what is typed into the search."""
    watch.expect("^no answer .*INTERNET_DISCONNECTED", "Failed to fetch")
    page = await open_browser(DESKTOP)
    button = page.locator("[data-again]:visible")

    async def fail(act: Awaitable[None]) -> None:
        await page.context.set_offline(True)
        await act
        await expect(button).to_be_visible()
        await page.context.set_offline(False)
        await button.click()

    await page.goto(f"/products/{SOAP}")
    await page.get_by_label("Quantity").fill("3")
    await fail(page.get_by_role("button", name="Add to cart").click())
    await expect(page.locator("#cart-badge")).to_have_text("Cart 3")
    await expect(button).to_have_count(0)
    await page.goto("/products")
    await fail(page.get_by_label("Sort by").select_option("-price"))
    await expect(page).to_have_url(re.compile("sort=-price"))
    await fail(page.locator("#cart-badge").click())
    drawer = page.get_by_role("dialog")
    await expect(drawer.locator(".line")).to_have_count(1)
    await fail(drawer.get_by_label("Quantity of Lavender soap").fill("1"))
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await fail(drawer.get_by_role("button", name="One more").click())
    await expect(page.locator("#cart-badge")).to_have_text("Cart 2")
    await page.goto("/checkout")
    await fail(page.locator("#country").select_option("DE"))
    await expect(page.get_by_label("Postal code")).to_be_visible()
    await fail(page.locator("#site-q").press_sequentially("soap"))
    await expect(page.locator("#suggestions li")).not_to_have_count(0)
    await expect(page).to_have_url(re.compile("/checkout$"))


@at_both_widths
async def test_a_press_counts_though_the_page_moves(page: Page, watch: Watch) -> None:
    """The answer for the field that is left puts a message in, and takes a notice away, while the button is down."""
    watch.expect("^no answer .*CONNECTION_REFUSED", "Failed to fetch")
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    express = page.get_by_label("Express delivery")
    await express.scroll_into_view_if_needed()
    await page.locator("#postal_code").fill("12")
    async with page.expect_response("**/checkout/fields/postal_code"):
        await page.mouse.move(*await middle(express))
        await page.mouse.down()
    await page.wait_for_timeout(100)
    await page.mouse.up()
    await expect(express).to_be_checked()
    await put(page, APRON)
    await page.goto("/cart")
    await page.route("**/cart/items/*", nothing)
    await page.get_by_label("Quantity of Lavender soap").fill("4")
    await expect(page.locator("[data-again]")).to_be_visible()
    await page.unroute("**/cart/items/*")
    more = page.get_by_role("button", name="One more of Linen apron")
    await page.mouse.move(*await middle(more))
    await page.mouse.down()
    await page.wait_for_timeout(100)
    await page.mouse.up()
    await expect(page.get_by_label("Quantity of Linen apron")).to_have_value("2")


async def middle(place: Locator) -> tuple[float, float]:
    box = await place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@at_both_widths
async def test_trying_again_gives_the_focus_back_to_where_it_was(page: Page, watch: Watch) -> None:
    """Also where Enter was pressed in a field: the button that stands for it is hidden."""
    watch.expect("^503 ", "Failed to fetch")
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await page.route("**/checkout", a_503)
    await page.locator("#postal_code").press("Enter")
    again = page.locator("[data-again]")
    await expect(again).to_be_visible()
    await again.click()
    await expect(again).to_be_visible()
    await expect(page.locator("#postal_code")).to_be_focused()


@pytest.mark.parametrize("letters", ["100%", "200%"])
async def test_the_notice_covers_nothing_that_has_the_focus(
    open_browser: Open, watch: Watch, letters: str
) -> None:
    watch.expect("^503 ", "Failed to fetch")
    page = await open_browser(PHONE)
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await page.route("**/checkout", a_503)
    await page.evaluate(f"document.documentElement.style.fontSize = '{letters}'")
    await page.locator("#pay").click()
    await expect(page.locator("[data-again]")).to_be_visible()
    seen = set()
    while "email" not in seen:
        await page.keyboard.press("Shift+Tab")
        below = "document.activeElement.getBoundingClientRect().top - notice.getBoundingClientRect().bottom"
        assert await page.evaluate(below) >= 0, await page.evaluate("document.activeElement.outerHTML")
        seen.add(await page.evaluate("document.activeElement.id"))
    assert {"name", "address_line1"} <= seen


@at_both_widths
async def test_something_else_does_not_take_the_offer_away(page: Page, watch: Watch) -> None:
    watch.expect("^no answer .*CONNECTION_REFUSED", "Failed to fetch")
    await page.goto(f"/products/{SOAP}")
    await page.get_by_label("Quantity").fill("3")
    await page.route("**/cart/items", nothing)
    await page.get_by_role("button", name="Add to cart").click()
    again = page.locator("[data-again]")
    await expect(again).to_be_visible()
    await page.unroute("**/cart/items")
    await page.locator("#site-q").press_sequentially("so")
    await expect(page.locator("#suggestions li")).not_to_have_count(0)
    await page.locator("#suggestions a").first.click(trial=True)
    await again.click()
    await expect(page.locator("#cart-badge")).to_contain_text("3")
    await expect(again).to_have_count(0)


@at_both_widths
async def test_leaving_a_field_does_not_take_the_offer_away(page: Page, watch: Watch) -> None:
    watch.expect("^no answer .*CONNECTION_REFUSED", "Failed to fetch")
    await put(page, SOAP)
    await page.goto("/checkout")
    again = page.locator("[data-again]")
    await page.route("**/checkout/fields/country", nothing)
    await page.locator("#country").select_option("DE")
    await expect(again).to_be_visible()
    await page.unroute("**/checkout/fields/country")
    async with page.expect_response("**/checkout/fields/name"):
        await page.locator("#name").fill("Anna Larsson")
        await page.locator("#name").blur()
    await page.locator("#address_line1").fill("Unter den Linden 1")
    await again.click()
    await expect(page.get_by_label("Postal code")).to_be_visible()
    await expect(again).to_have_count(0)
    await expect(page.locator("#pay")).to_contain_text("$18.40")
    await expect(page.locator("#address_line1")).to_have_value("Unter den Linden 1")


async def test_a_refusal_in_the_place_of_an_offer_goes_like_any_other(
    open_browser: Open, watch: Watch
) -> None:
    watch.expect("^no answer .*CONNECTION_REFUSED", "Failed to fetch", "^404 POST")
    page = await open_browser(DESKTOP)
    await page.goto(f"/products/{SOAP}")
    await page.route("**/search*", nothing)
    await page.locator("#site-q").press_sequentially("so")
    await expect(page.locator("[data-again]")).to_be_visible()
    chosen = page.locator("[name=variant_id]:checked, [name=variant_id][type=hidden]").first
    real = await chosen.get_attribute("value")
    await chosen.evaluate("field => field.value = 999999")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("[data-again]")).to_have_count(0)
    await expect(page.locator("#notice")).not_to_be_empty()
    await chosen.evaluate("(field, real) => field.value = real", real)
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#cart-badge")).to_contain_text("1")
    await expect(page.locator("#notice")).to_be_empty()


async def test_an_offer_that_makes_no_sense_any_more_goes(open_browser: Open, watch: Watch) -> None:
    watch.expect("^no answer .*CONNECTION_REFUSED", "Failed to fetch")
    page = await open_browser(PHONE)
    again = page.locator("[data-again]")
    await put(page, SOAP)
    await page.goto("/checkout")
    await page.route("**/checkout/fields/address_level1", nothing)
    await page.locator("#address_level1").select_option("OR")
    await expect(again).to_be_visible()
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#address_level1")).to_have_count(0)
    await expect(again).to_have_count(0)
    await page.goto("/cart")
    await page.route("**/cart/items/*", nothing)
    await page.get_by_role("button", name="One more").click()
    await expect(again).to_be_visible()
    await page.unroute("**/cart/items/*")
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("#cart")).to_contain_text("Your cart is empty")
    await expect(again).to_have_count(0)
