"""Finding things: suggestions, results, order, filters, more; every view has an address that can be shared."""

import asyncio
import re

from playwright.async_api import Page, Route, expect

from tests.browser.chromium import PHONE, TABLET
from tests.browser.conftest import Open
from tests.browser.widths import at_both_widths

# Other tests put things on sale too.
MANY = re.compile(r"^24 of \d+ products$")


@at_both_widths
async def test_suggestions_come_while_typing(page: Page) -> None:
    await page.goto("/")
    field = page.locator("#site-q")
    await field.press_sequentially("lavender", delay=30)
    first = page.locator("#suggestions li a").first
    await expect(first).to_contain_text("Lavender soap")
    await expect(page.locator("#suggestions [role=status]")).to_have_text(re.compile(r"^\d suggestions?$"))
    await field.press("Escape")
    await expect(page.locator("#suggestions li")).to_have_count(0)
    await expect(field).to_be_focused()
    await field.fill("soap")
    await expect(first).to_contain_text("soap")
    await first.click()
    await expect(page).to_have_url(re.compile("/products/[a-z-]*soap"))


@at_both_widths
async def test_enter_leads_to_the_results(page: Page) -> None:
    await page.goto("/")
    await page.locator("#site-q").fill("candle")
    await page.locator("#site-q").press("Enter")
    await expect(page).to_have_url("/search?q=candle")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Results for “candle”")
    await expect(page.locator("#shown")).to_have_text("6 products")
    assert await page.locator("#cards .card").count() == 6


@at_both_widths
async def test_nothing_found_says_so_and_leads_on(page: Page) -> None:
    await page.goto("/")
    await page.locator("#site-q").press_sequentially("umbrella")
    await expect(page.locator("#suggestions")).to_contain_text("Nothing found")
    await page.locator("#site-q").press("Enter")
    await expect(page.locator(".empty")).to_contain_text("Nothing here matches")
    await page.locator(".empty").get_by_role("link", name="See all products").click()
    await expect(page).to_have_url("/products")


async def test_a_label_stays_beside_its_list(open_browser: Open) -> None:
    page = await open_browser(TABLET)
    await page.goto("/products")
    label, choice = (
        await page.get_by_text("Sort by").bounding_box(),
        await page.locator("#sort").bounding_box(),
    )
    assert label
    assert choice
    assert choice["y"] < label["y"] + label["height"] < choice["y"] + choice["height"]


async def test_choices_can_be_read_on_a_phone(open_browser: Open) -> None:
    page = await open_browser(PHONE)
    await page.goto("/de/products")
    shown = """(list) => {
      const words = document.createElement("span");
      words.textContent = list.selectedOptions[0].text;
      list.after(words);
      const style = getComputedStyle(list);
      // The arrow takes its place too.
      return words.getBoundingClientRect().width <= list.clientWidth - 2 * parseFloat(style.paddingInlineStart) - 16;
    }"""
    for name in ("#price-range", "#option", "#sort"):
        assert await page.locator(name).evaluate(shown), name


@at_both_widths
async def test_sorting_has_an_address_and_back_is_right(page: Page) -> None:
    await page.goto("/products")
    first = page.locator("#cards .card-title").first
    await expect(first).to_have_text("Lavender soap")
    await page.get_by_label("Sort by").select_option("-price")
    await expect(page).to_have_url("/products?sort=-price")
    await expect(first).to_have_text("Lambswool throw")
    await page.get_by_label("Sort by").select_option("title")
    await expect(page).to_have_url("/products?sort=title")
    await expect(first).to_have_text("Amber jar candle")
    await page.go_back(wait_until="commit")
    await expect(page).to_have_url("/products?sort=-price")
    await expect(first).to_have_text("Lambswool throw")
    await expect(page.get_by_label("Sort by")).to_have_value("-price")
    await page.go_back(wait_until="commit")
    await expect(first).to_have_text("Lavender soap")
    await expect(page.get_by_label("Sort by")).to_have_value("featured")
    await page.go_forward(wait_until="commit")
    await expect(first).to_have_text("Lambswool throw")


@at_both_widths
async def test_forward_before_the_scripts_came_shows_what_the_address_says(page: Page) -> None:
    await page.goto("/products")
    first = page.locator("#cards .card-title").first
    await page.get_by_label("Sort by").select_option("-price")
    await expect(first).to_have_text("Lambswool throw")
    came, may_come = asyncio.Event(), asyncio.Event()

    async def held(route: Route) -> None:
        came.set()
        await may_come.wait()
        await route.continue_()

    await page.route("**/htmx-*.js*", held)
    await page.go_back(wait_until="commit")
    await came.wait()
    await expect(first).to_have_text("Lavender soap")
    await page.go_forward(wait_until="commit")
    await expect(page).to_have_url("/products?sort=-price")
    may_come.set()
    await expect(first).to_have_text("Lambswool throw")


@at_both_widths
async def test_filters_are_links_and_chips_take_them_away(page: Page) -> None:
    await page.goto("/products?sort=price")
    await page.get_by_label("Collections").get_by_role("link", name="Ceramics").click()
    await expect(page).to_have_url("/products?collection=ceramics&sort=price")
    await expect(page.locator("#shown")).to_have_text("7 products")
    await page.get_by_label("Sort by").select_option("-price")
    await expect(page).to_have_url(
        re.compile("collection=ceramics.*sort=-price|sort=-price.*collection=ceramics")
    )
    await expect(page.locator("#cards .card-title").first).to_have_text("Ash-glaze teapot")
    await page.get_by_label("Chosen filters").get_by_role("link").click()
    await expect(page).to_have_url("/products?sort=-price")
    await expect(page.locator("#shown")).to_have_text(MANY)
    await page.go_back(wait_until="commit")
    await expect(page.locator("#shown")).to_have_text("7 products")


@at_both_widths
async def test_choices_say_what_they_leave_and_back_is_right(page: Page) -> None:
    await page.goto("/products?collection=candles-and-scent")
    option, shown = page.get_by_label("Option"), page.locator("#shown")
    await page.get_by_label("In stock (5)").check()
    await expect(shown).to_have_text("5 products")
    await expect(page).to_have_url("/products?collection=candles-and-scent&available=1")
    await option.focus()
    await option.select_option("Scent:Fig leaf")
    await expect(page).to_have_url(re.compile(r"option=Scent%3AFig\+leaf&available=1$"))
    await expect(shown).to_have_text("1 product")
    await expect(option).to_be_focused()
    await expect(page.get_by_label("Chosen filters").get_by_role("link")).to_have_count(3)
    await page.go_back(wait_until="commit")
    await expect(option).to_have_value("")
    await expect(shown).to_have_text("5 products")
    await page.go_back(wait_until="commit")
    await expect(page.get_by_label("In stock")).not_to_be_checked()
    await expect(shown).to_have_text("6 products")


@at_both_widths
async def test_load_more_goes_on_where_the_page_ended(page: Page) -> None:
    await page.goto("/products")
    await expect(page.locator("#shown")).to_have_text(MANY)
    more = page.get_by_role("link", name="Load more")
    await more.scroll_into_view_if_needed()
    await more.click()
    cards = page.locator("#cards .card")
    await expect(cards.nth(24).get_by_role("link")).to_be_focused()
    titles = await page.locator("#cards .card-title").all_text_contents()
    assert len(set(titles)) == len(titles) >= 30
    await expect(page.locator("#shown")).to_have_text(re.compile(rf"^{len(titles)} (of \d+ )?products$"))
    await cards.nth(26).get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/products/[a-z-]+$"))


@at_both_widths
async def test_the_price_follows_the_chosen_variant(page: Page) -> None:
    await page.goto("/products/beeswax-pillar-candle")
    prices = await page.locator(".option-price").all_text_contents()
    assert len(set(prices)) == 3
    for option, price in zip(await page.locator(".option").all(), prices, strict=True):
        await option.click()
        await expect(page.locator("#price")).to_have_text(price)


@at_both_widths
async def test_what_is_sold_out_cannot_be_pressed(page: Page) -> None:
    await page.goto("/products/ash-glaze-teapot")
    await expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    await page.goto("/products/linen-apron")
    await expect(page.locator(".option", has_text="Indigo")).to_contain_text("Only 2 left")
    await expect(page.locator(".option", has_text="Rust").get_by_role("radio")).to_be_disabled()


@at_both_widths
async def test_collections_do_not_look_alike(page: Page) -> None:
    await page.goto("/collections")
    sources = [await picture.get_attribute("src") for picture in await page.locator(".tile-picture").all()]
    assert len(set(sources)) == len(sources) >= 5
