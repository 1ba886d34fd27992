"""The checkout form: checked when a field is left, never while somebody types, and nothing typed is ever lost."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, Request, Route, expect
from sqlalchemy import func, select, update

from storefront.catalogue.models import Variant
from storefront.orders.models import Order
from tests.browser.scene import Scene
from tests.browser.shopping import PATTERN, SOAP, fill, put
from tests.browser.states import checkout_bought_away
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import ANNA, Running

PAYMENT = re.compile("/sandbox/pay/")
NEW_FORM = """() => new Promise((done) => addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if ((ctx.target?.id ?? ctx.target)?.endsWith("checkout-form")) done();
}))"""


async def at_checkout(page: Page, slug: str = SOAP) -> None:
    await put(page, slug)
    await page.goto("/checkout")


@at_both_widths
async def test_a_field_is_checked_when_it_is_left_and_not_while_typing(page: Page) -> None:
    await at_checkout(page)
    checks: list[str] = []
    page.on("request", lambda request: checks.append(request.url) if "/fields/" in request.url else None)
    email = page.locator("#email")
    await email.press_sequentially("anna@", delay=30)
    await asyncio.sleep(0.5)
    assert checks == []
    await email.press("Tab")
    await expect(page.locator("#email-error")).to_contain_text("Enter an e-mail address like")
    await expect(email).to_have_attribute("aria-invalid", "true")
    await expect(email).to_have_attribute("aria-describedby", re.compile("email-error"))
    await expect(email).to_have_value("anna@")
    await expect(page.locator("#name")).to_be_focused()
    await email.fill("anna@example.org")
    await email.blur()
    await expect(page.locator("#field-email .tick")).to_be_visible()
    await expect(page.locator("#email-error")).to_have_count(0)


@at_both_widths
async def test_typing_on_while_the_last_field_is_checked(page: Page) -> None:
    await at_checkout(page)
    await page.route("**/checkout/fields/*", _slowly)
    await page.locator("#email").fill("anna@example.org")
    await page.locator("#name").press_sequentially("Anna Larsson", delay=40)
    await page.locator("#tel").focus()
    await expect(page.locator("#field-name .tick")).to_be_visible()
    await expect(page.locator("#field-email .tick")).to_be_visible()
    await expect(page.locator("#name")).to_have_value("Anna Larsson")
    await expect(page.locator("#tel")).to_be_focused()


@at_both_widths
async def test_mistakes_are_listed_linked_and_kept(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await at_checkout(page)
    await page.locator("#email").fill("anna@")
    await page.locator("#address_line1").fill("12 Mill Lane")
    await page.get_by_text("Add a note").click()
    await page.locator("#note").fill("Ring twice,\nplease")
    await page.locator("#pay").click()
    summary = page.locator(".errors")
    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("heading")).to_have_text("There is a problem")
    await expect(page).to_have_title(re.compile("^Error: Checkout"))
    for name, text in {
        "email": "anna@",
        "address_line1": "12 Mill Lane",
        "note": "Ring twice,\nplease",
    }.items():
        await expect(page.locator(f"#{name}")).to_have_value(text)
    for link in await summary.get_by_role("link").all():
        field = page.locator(str(await link.get_attribute("href")))
        await link.click()
        await expect(field).to_be_focused()
        error = page.locator(f"#{await field.get_attribute('id')}-error")
        await expect(error).to_contain_text(str(await link.text_content()))
        await expect(error).to_be_in_viewport(ratio=1)
        await expect(page.locator(f"label[for={await field.get_attribute('id')}]")).to_be_in_viewport(ratio=1)
    await fill(page)
    await page.locator("#pay").click()
    await expect(page).to_have_url(PAYMENT)


@at_both_widths
async def test_enter_in_a_field_orders(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await at_checkout(page)
    await page.locator("#name").fill("Anna Larsson")
    await page.locator("#name").press("Enter")
    await expect(page.locator(".errors")).to_be_focused()
    await expect(page.locator("#name")).to_have_value("Anna Larsson")


@at_both_widths
async def test_another_country_brings_its_own_fields_and_costs(page: Page) -> None:
    await at_checkout(page)
    await page.locator("#email").fill("anna@example.org")
    await page.locator("#address_line1").fill("Lindenstraße 5")
    await expect(page.locator("#pay")).to_contain_text("$13.40")
    await page.locator("#country").focus()
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#pay")).to_contain_text("$18.40")
    await expect(page.locator("#country")).to_be_focused()
    await expect(page.get_by_label("Postal code")).to_be_visible()
    await expect(page.locator("#address_level1")).to_have_count(0)
    await expect(page.locator("#email")).to_have_value("anna@example.org")
    await expect(page.locator("#address_line1")).to_have_value("Lindenstraße 5")
    await page.get_by_label("Express delivery").check()
    await expect(page.locator("#pay")).to_contain_text("$33.40")
    await expect(page.get_by_label("Express delivery")).to_be_focused()


@at_both_widths
async def test_a_new_total_is_said_aloud(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/checkout")
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#live")).to_have_text("Total $18.40")
    await page.get_by_label("Express delivery").check()
    await expect(page.locator("#live")).not_to_have_text("Total $18.40")
    await expect(page.locator("#live")).to_contain_text(re.compile(r"^Total \$"))


@at_both_widths
async def test_what_is_typed_while_another_country_is_on_its_way_stays(page: Page) -> None:
    await at_checkout(page)
    await page.locator("#address_line1").fill("12 Mill")
    await page.locator("#country").select_option("CA")
    await expect(page.get_by_label("Province")).to_be_visible()
    country, fields = asyncio.Event(), asyncio.Event()
    await page.route("**/checkout/fields/*", _when(fields))
    await page.route("**/checkout/fields/country", _when(country))
    await page.locator("#country").select_option("US")
    await page.locator("#address_line1").fill("12 Mill Lane")
    await page.locator("#address_level2").fill("Portland")
    country.set()
    fields.set()
    await expect(page.get_by_label("ZIP code")).to_be_visible()
    # The form that this brings must not come between what follows.
    swapped = asyncio.ensure_future(page.evaluate(NEW_FORM))
    await page.get_by_label("Express delivery").check()
    await swapped
    await expect(page.locator("#address_level1")).to_have_value("")
    country.clear()
    fields.clear()
    await page.locator("#country").select_option("US")
    await page.locator("#address_level1").select_option("OR")
    # The form comes before what is said of the field in it.
    swapped = asyncio.ensure_future(page.evaluate(NEW_FORM))
    country.set()
    await swapped
    fields.set()
    await expect(page.locator("#field-address_level1 .tick")).to_be_visible()
    await expect(page.locator("#address_level1")).to_have_value("OR")
    await expect(page.locator("#address_line1")).to_have_value("12 Mill Lane")
    await expect(page.locator("#address_level2")).to_have_value("Portland")


@at_both_widths
async def test_a_guest_fills_in_at_most_eight_fields(page: Page) -> None:
    await at_checkout(page)
    fields = page.locator(
        "#checkout-form :is(input, select, textarea):not([type=radio], [type=checkbox], [type=hidden]):visible"
    )
    assert await fields.count() <= 8
    assert all([await field.get_attribute("autocomplete") for field in await fields.all()])


@at_both_widths
async def test_a_file_needs_no_address(page: Page) -> None:
    await at_checkout(page, PATTERN)
    await expect(page.locator("#address_line1")).to_have_count(0)
    await page.locator("#email").fill(ANNA["email"])
    await page.locator("#name").fill(ANNA["name"])
    await page.locator("#pay").click()
    await expect(page).to_have_url(PAYMENT)


@at_both_widths
async def test_what_is_left_is_taken_with_one_press_and_nothing_typed_is_lost(
    page: Page, shop: Running, watch: Watch
) -> None:
    watch.expect("^409 ")
    await checkout_bought_away(Scene(page, shop, {}))
    await expect(page.locator("#checkout-form [role=alert]")).to_be_focused()
    await page.get_by_role("button", name="Take what is left").click()
    await expect(page.locator(".checkout-summary .small-line")).to_have_count(1)
    await expect(page.locator("#notice")).to_contain_text("what can be had")
    await expect(page.locator("#address_line1")).to_have_value(ANNA["address_line1"])
    await page.locator("#pay").click()
    await expect(page).to_have_url(PAYMENT)


@at_both_widths
async def test_ordering_before_the_new_total_was_seen_shows_it_first(page: Page, watch: Watch) -> None:
    watch.expect("^409 POST")
    await at_checkout(page)
    await fill(page)
    await expect(page.locator("#field-postal_code .tick")).to_be_visible()
    await page.route("**/checkout/fields/*", _slowly)
    await page.get_by_label("Express delivery").check()
    await page.locator("#pay").click()
    await expect(page.locator("#checkout-form .notice")).to_contain_text("from $13.40 to $23.40")
    await page.locator("#pay").click()
    await expect(page).to_have_url(PAYMENT)


@at_both_widths
async def test_two_presses_make_one_order(page: Page, shop: Running) -> None:
    email = f"{uuid.uuid4().hex}@example.org"
    await at_checkout(page)
    await fill(page, email=email)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/checkout") else None)
    await page.route("**/checkout", _slowly)
    await page.locator("#pay").dblclick()
    await expect(page).to_have_url(PAYMENT)
    assert len([request for request in sent if request.method == "POST"]) == 1
    assert await _orders(shop, email) == 1


@at_both_widths
async def test_a_price_that_rose_is_shown_before_anything_is_ordered(
    page: Page, shop: Running, watch: Watch
) -> None:
    watch.expect("^409 POST")
    thing = await shop.new_thing(price=1500)
    email = f"{uuid.uuid4().hex}@example.org"
    await at_checkout(page, thing.slug)
    await fill(page, email=email)
    await expect(page.locator("#field-postal_code .tick")).to_be_visible()
    async with shop.database() as database, database.writes() as session:
        dearer = update(Variant).where(Variant.id == thing.variant_id).values(price=1900)
        await session.execute(dearer)
    await page.locator("#pay").click()
    notice = page.locator("#checkout-form .notice")
    await expect(notice).to_contain_text("from $19.90 to $23.90")
    await expect(notice).to_be_focused()
    await expect(page.locator("#pay")).to_contain_text("$23.90")
    await expect(page.locator("#name")).to_have_value(ANNA["name"])
    assert await _orders(shop, email) == 0
    await page.locator("#pay").click()
    await expect(page).to_have_url(PAYMENT)


async def _orders(shop: Running, email: str) -> int:
    async with shop.database() as database, database.reads() as session:
        mine = select(func.count()).select_from(Order).where(Order.email == email)
        return await session.scalar(mine) or 0


async def _slowly(route: Route) -> None:
    await asyncio.sleep(0.5)
    await route.continue_()


def _when(answered: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    """Questions wait until it is set."""

    async def wait(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    return wait


@at_both_widths
async def test_a_typo_is_offered_as_it_was_meant_and_another_bill_opens_in_place(page: Page) -> None:
    await at_checkout(page)
    await page.locator("#email").fill("anna@gmial.com")
    await page.locator("#email").press("Tab")
    await page.get_by_role("button", name="anna@gmail.com").click()
    await expect(page.locator("#email")).to_have_value("anna@gmail.com")
    await expect(page.locator("#email")).to_be_focused()
    await expect(page.locator("#field-email .tick")).to_be_visible()
    await page.locator("#billing_other").check()
    await expect(page.locator("#billing_country")).to_have_value("US")
    await expect(page.locator("#billing_other")).to_be_focused()
    await page.locator("#billing_other").uncheck()
    await expect(page.locator("#billing_country")).to_have_count(0)
    await expect(page.locator("#email")).to_have_value("anna@gmail.com")


@at_both_widths
async def test_what_was_unfolded_stays_so_and_a_mistake_unfolds(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await put(page, SOAP)
    await page.goto("/checkout")
    fold = page.get_by_text("Add company and VAT number")
    company = page.get_by_label("VAT number")
    await fold.click()
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#field-address_level1")).to_have_count(0)
    await expect(company).to_be_visible()
    await company.fill("D" * 60)
    await fold.click()
    await expect(company).to_be_hidden()
    await page.locator("#pay").click()
    await expect(page.locator(".errors")).to_be_visible()
    await expect(company).to_be_visible()
    await expect(company).to_have_value("D" * 60)


@at_both_widths
async def test_a_refusal_takes_the_place_of_what_the_page_before_said(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await at_checkout(page)
    await page.context.add_cookies([{"name": "notice", "value": "address-kept", "url": page.url}])
    await page.reload()
    await expect(page.locator("#notice")).to_have_text("The address is kept.")
    await page.locator("#pay").click()
    await expect(page.locator(".errors")).to_be_focused()
    await expect(page.locator("#notice")).to_be_empty()
