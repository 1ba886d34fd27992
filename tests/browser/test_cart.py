"""The cart under fast fingers: nothing typed or pressed is lost, and whatever is refused is said in place."""

import asyncio

from playwright.async_api import Page, Route, expect

from tests.browser.shopping import MUG, SOAP, add, count, put
from tests.browser.watch import Watch
from tests.browser.widths import at_both_widths
from tests.shop import Running


async def slowly(route: Route) -> None:
    await asyncio.sleep(0.25)
    await route.continue_()


@at_both_widths
async def test_add_keeps_the_focus_and_tells_everybody(page: Page) -> None:
    await add(page, MUG)
    button = page.get_by_role("button", name="Add to cart")
    await expect(page.locator("#cart-badge")).to_have_attribute("aria-label", "Cart, 1 item")
    await expect(page.locator("#live")).to_have_text("Speckled mug, Oat added, 1 in cart")
    await expect(page.locator("#add-message")).to_contain_text("added")
    await expect(button).to_be_focused()
    await page.get_by_label("Moss").check()
    await page.get_by_role("spinbutton", name="Quantity", exact=True).fill("3")
    await button.click()
    await expect(page.locator("#live")).to_have_text("Speckled mug, Moss added, 4 in cart")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 4")


@at_both_widths
async def test_pressing_add_twice_at_once_makes_one_cart(page: Page) -> None:
    await page.goto(f"/products/{SOAP}")
    await page.route("**/cart/items", slowly)
    await page.get_by_role("button", name="Add to cart").dblclick()
    await expect(page.locator("#live")).to_contain_text("added")
    assert await count(page) == 1, "the second press came while the first was under way"


@at_both_widths
async def test_adding_more_than_there_is_offers_what_there_is(
    page: Page, shop: Running, watch: Watch
) -> None:
    watch.expect("^409 POST")
    thing = await shop.new_thing(on_hand=3)
    await page.goto(f"/products/{thing.slug}")
    await page.get_by_label("Quantity").fill("5")
    button = page.get_by_role("button", name="Add to cart")
    await button.click()
    message = page.locator("#add-message")
    await expect(message).to_contain_text("Only 3 left")
    assert await count(page) == 0
    await message.get_by_role("button", name="Take 3").click()
    await expect(message).to_contain_text("added, 3 in cart")
    await expect(button).to_be_focused()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 3")


@at_both_widths
async def test_every_press_of_plus_counts(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await page.route("**/cart/items/*", slowly)
    more = page.get_by_role("button", name="One more of Lavender soap")
    for _ in range(6):
        await more.click(no_wait_after=True)
    field = page.get_by_label("Quantity of Lavender soap")
    await expect(field).to_have_value("7")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 7")
    await expect(more).to_be_focused()
    assert await count(page) == 7


@at_both_widths
async def test_the_last_digit_typed_is_the_one_that_counts(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await page.route("**/cart/items/*", slowly)
    field = page.get_by_label("Quantity of Lavender soap")
    await field.press("ControlOrMeta+a")
    await field.press_sequentially("1")
    await asyncio.sleep(0.4)
    await field.press_sequentially("2")
    await expect(page.locator(".line-total")).to_have_text("$102.00")
    await expect(field).to_have_value("12")
    await expect(field).to_be_focused()
    await expect(page.locator("#live")).to_have_text("Lavender soap added, 12 in cart")
    assert await count(page) == 12


@at_both_widths
async def test_plus_right_after_typing_is_not_lost(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await page.route("**/cart/items/*", slowly)
    await page.get_by_label("Quantity of Lavender soap").fill("4")
    await page.get_by_role("button", name="One more of Lavender soap").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 5")
    await expect(page.get_by_label("Quantity of Lavender soap")).to_have_value("5")


@at_both_widths
async def test_a_refused_quantity_is_said_beside_the_field(page: Page, watch: Watch) -> None:
    watch.expect("^422 POST")
    await put(page, SOAP, 2)
    await page.goto("/cart")
    field = page.get_by_label("Quantity of Lavender soap")
    await field.fill("200")
    await expect(page.locator(".field-error")).to_have_text("You can order at most 99 of one thing.")
    await expect(field).to_have_value("200")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    described = await field.get_attribute("aria-describedby")
    await expect(page.locator(f"#{described}")).to_be_visible()
    assert await count(page) == 2
    await field.fill("5")
    await expect(page.locator(".field-error")).to_have_count(0)
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    assert await count(page) == 5


@at_both_widths
async def test_more_than_there_is_is_said_beside_the_field(page: Page, shop: Running, watch: Watch) -> None:
    watch.expect("^409 POST")
    thing = await shop.new_thing(on_hand=3)
    await put(page, thing.slug)
    await page.goto("/cart")
    line = page.locator(".line")
    await line.get_by_role("spinbutton").fill("8")
    await expect(line.locator(".field-error")).to_contain_text("Only 3 left")
    await expect(line.get_by_role("spinbutton")).to_have_value("8")
    await line.get_by_role("button", name="Take 3").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 3")
    await expect(line.locator(".field-error")).to_have_count(0)


@at_both_widths
async def test_what_was_removed_can_be_taken_back_at_once(page: Page) -> None:
    await put(page, MUG)
    await put(page, SOAP, 3)
    await page.goto("/cart")
    await page.get_by_role("button", name="Remove Lavender soap").click()
    undo = page.get_by_role("button", name="Undo")
    await expect(undo).to_be_focused()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
    await expect(page.locator("#live")).to_have_text("Lavender soap removed, 1 in cart")
    await undo.press("Enter")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 4")
    await expect(page.get_by_label("Quantity of Lavender soap")).to_have_value("3")
    await expect(page.get_by_role("link", name="Lavender soap")).to_be_focused()


@at_both_widths
async def test_an_emptied_quantity_waits_for_the_next_one(page: Page, watch: Watch) -> None:
    watch.expect("^422 ")
    await put(page, SOAP)
    await page.goto("/cart")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    field = page.get_by_label("Quantity of Lavender soap")
    await field.fill("")
    await page.wait_for_timeout(500)
    assert asked == []
    await field.blur()
    await expect(page.locator(".line .field-error")).to_contain_text("whole number")
    await field.fill("2")
    await expect(page.locator("#cart-badge")).to_have_text("Cart 2")


@at_both_widths
async def test_an_estimate_says_for_which_country(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await expect(page.locator(".cart-summary")).to_contain_text("Delivery from $4.90 (United States)")
    await page.goto("/checkout")
    await page.locator("#country").select_option("DE")
    await expect(page.locator("#method-DE-standard")).to_be_visible()
    await page.goto("/cart")
    await expect(page.locator(".cart-summary")).not_to_contain_text("(")


@at_both_widths
async def test_an_empty_cart_still_offers_undo(page: Page) -> None:
    await put(page, SOAP)
    await page.goto("/cart")
    await page.get_by_role("button", name="One less of Lavender soap").click()
    await expect(page.get_by_text("Your cart is empty.")).to_be_visible()
    await expect(page.locator("#cart-badge")).to_have_attribute("aria-label", "Cart, empty")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#cart-badge")).to_have_text("Cart 1")
