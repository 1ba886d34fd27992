"""What takes long, and what the shop refuses: said where it can be seen, with everything kept."""

import asyncio
import re
from collections.abc import Awaitable
from typing import TypeAlias

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.conftest import Open
from tests.browser.orders import order_of
from tests.browser.shopping import SOAP, add, fill, put, stripe_fails, to_payment
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import ANNA, Running, eventually

Looks: TypeAlias = dict[str, str | bool]
ASK_AGAIN = "htmx.ajax('GET', location.pathname, { target: '#order-status', swap: 'outerMorph' })"
BAR = """(element) => {
  const { content, opacity, position, animationDelay } = getComputedStyle(element, "::before");
  const moves = element.getAnimations({ subtree: true }).some((one) => one.animationName === "pass");
  return content === "none" ? null : { opacity, position, moves, delay: animationDelay.split(",")[0] };
}"""
SPINNER = """(button) => {
  const { content, opacity, animationDelay } = getComputedStyle(button, "::after");
  return content === "none" ? null : { opacity, delay: animationDelay.split(",")[0] };
}"""


async def once_seen(element: Locator, looks: str) -> Looks:
    """How it looks when it has come out. What it waits for before that is in its style."""

    async def look() -> Looks | None:
        found: Looks | None = await element.evaluate(looks)
        return found if found and found["opacity"] == "1" else None

    return await eventually(look)


@at_both_widths
async def test_what_takes_long_shows_that_it_works(page: Page) -> None:
    await page.goto(f"/products/{SOAP}")
    answered = asyncio.Event()

    async def late(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/cart/items", late)
    button = page.get_by_role("button", name="Add to cart")
    await button.click()
    assert await once_seen(button, SPINNER) == {"opacity": "1", "delay": "0.2s"}
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(button).to_be_focused()
    answered.set()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await expect(button).not_to_have_attribute("aria-disabled", "true")


async def test_a_drawer_that_waits_for_its_cart_shows_it(open_browser: Open) -> None:
    page = await open_browser(DESKTOP)
    await put(page, SOAP)
    await page.goto("/")
    answered = asyncio.Event()

    async def late(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/cart", late)
    await page.locator("#cart-badge").click()
    drawer = page.locator("#cart-drawer")
    assert (await once_seen(drawer, BAR))["delay"] == "0.2s"
    answered.set()
    await expect(drawer.locator(".line")).to_have_count(1)
    assert await drawer.evaluate(BAR) is None


@at_both_widths
async def test_a_page_that_only_asks_again_shows_no_work(page: Page, shop: Running) -> None:
    await to_payment(page)
    path = await order_of(shop, page.url.rpartition("/")[2])
    await page.goto(path)
    pay = page.locator("#order-pay")

    async def late(route: Route) -> None:
        await asyncio.sleep(0.6)
        await route.continue_()

    await page.route(f"**{path}", late)
    await page.wait_for_event("request")
    await asyncio.sleep(0.4)
    assert await pay.evaluate(SPINNER) is None
    assert await page.locator("html").evaluate(BAR) is None


async def test_the_answer_is_seen_where_the_button_was_the_last_thing_in_sight(open_browser: Open) -> None:
    page = await open_browser(PHONE)
    await page.goto(f"/products/{SOAP}")
    button = page.get_by_role("button", name="Add to cart")
    await button.evaluate("(button) => button.scrollIntoView({ block: 'end' })")
    await button.click()
    answer = page.locator("#add-message")
    await expect(answer).to_contain_text("1 in cart")
    await expect(answer).to_be_in_viewport(ratio=0.95)
    await expect(button).to_be_in_viewport()


async def test_what_has_no_button_of_its_own_shows_a_line(open_browser: Open) -> None:
    page = await open_browser(DESKTOP)
    answered = asyncio.Event()

    async def late(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    async def waits(act: Awaitable[None], within: str = "html") -> None:
        answered.clear()
        bar = page.locator(within)
        assert await bar.evaluate(BAR) is None
        await act
        await page.locator(".htmx-request").first.wait_for()
        assert await once_seen(bar, BAR) == {
            "opacity": "1",
            "position": "fixed",
            "moves": True,
            "delay": "0.2s",
        }
        answered.set()
        await expect(page.locator(".htmx-request")).to_have_count(0)

    await put(page, SOAP)
    await page.goto("/products")
    await page.route(re.compile(r"/products\?|/search\?|/cart/items/|/cart/promotion|/checkout/fields"), late)
    await waits(page.get_by_label("Sort by").select_option("-price"))
    await waits(page.locator("#site-q").press_sequentially("soap"))
    await page.goto("/cart")
    await waits(page.get_by_role("button", name="One more").click())
    await page.get_by_text("Add a discount code").click()
    await page.get_by_label("Discount code").fill("WELCOME10")
    await waits(page.get_by_role("button", name="Apply").click())
    await page.goto("/products")
    await page.locator("#cart-badge").click()
    await expect(page.get_by_role("dialog").locator(".line")).to_have_count(1)
    await expect(page.locator(".htmx-request")).to_have_count(0)
    await waits(page.get_by_role("dialog").get_by_role("button", name="One more").click(), ".drawer")
    await page.goto("/checkout")
    await waits(page.locator("#country").select_option("DE"))
    await page.locator("#name").fill("Anna Larsson")
    await waits(page.locator("#name").blur())


async def test_payment_that_is_unavailable_says_so_and_keeps_everything(
    open_browser: Open, watch: Watch
) -> None:
    watch.expect("^503 POST")
    page = await open_browser(PHONE)
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await expect(page.locator("#field-postal_code .tick")).to_be_visible()
    async with stripe_fails(page):
        await page.locator("#pay").click()
        notice = page.locator("#checkout-form .notice")
        await expect(notice).to_contain_text("Nothing was charged, and your cart is kept.", timeout=15_000)
    await expect(notice).to_be_focused()
    await expect(page.locator("#notice")).to_be_empty()
    await page.get_by_role("link", name="Try again").click()
    await expect(page.locator("#name")).to_have_value(ANNA["name"])
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


@at_both_widths
async def test_too_long_a_note_is_refused_and_kept(page: Page, watch: Watch) -> None:
    watch.expect("^413 POST", "^422 POST")
    await put(page, SOAP)
    await page.goto("/checkout")
    await fill(page)
    await page.get_by_text("Add a note").click()
    await page.locator("#note").fill("ring twice " * 7000)
    await page.locator("#pay").click()
    await expect(page.locator("#notice")).to_contain_text("too much")
    assert len(await page.locator("#note").input_value()) == 77_000
    await page.locator("#note").fill("ring twice")
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


@at_both_widths
async def test_a_thing_that_left_the_catalogue_is_said_in_a_notice(page: Page, watch: Watch) -> None:
    watch.expect("^404 POST")
    await page.goto(f"/products/{SOAP}")
    await page.locator("[name=variant_id]").evaluate("field => { field.value = '999999'; }")
    await page.get_by_role("button", name="Add to cart").click()
    await expect(page.locator("#notice")).to_contain_text("We could not find that page")
    await expect(page.locator("#notice [data-kind=error]")).to_be_in_viewport()
    await add(page, SOAP)
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")


async def test_a_hold_is_counted_down_by_the_clock_of_the_shop(
    open_browser: Open, orders: dict[str, str]
) -> None:
    """The browser's own clock is years off; what is counted is not read out."""
    page = await open_browser(PHONE)
    await page.add_init_script("Date.now = () => 0")
    await page.goto(orders["pending"])
    left = page.locator("[data-hold]")
    await expect(left).to_have_text(re.compile(r"· \d\d minutes left"))
    await expect(left).to_have_attribute("aria-hidden", "true")
    await expect(page.get_by_role("status").first).to_contain_text(
        re.compile(r"Held for you until \d\d:\d\d UTC")
    )
    left_now = ""

    async def later(route: Route) -> None:
        answer = await route.fetch()
        body = re.sub(r'data-hold="\d+"', f'data-hold="{left_now}"', await answer.text())
        await route.fulfill(response=answer, body=body)

    await page.route(f"**{orders['pending']}", later)
    for left_now, words in (  # noqa: B007 - `later` reads it
        ("130", "2 minutes left"),
        ("61", "1 minute left"),
        ("30", "less than a minute left"),
    ):
        await page.evaluate(ASK_AGAIN)
        await expect(left).to_have_text(f"· {words}")
