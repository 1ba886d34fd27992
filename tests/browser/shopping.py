"""What shoppers do, in a browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, expect

from tests.shop import ANNA

VARIANT = re.compile(r'name="variant_id" value="(\d+)"(?! data-price="[^"]*" disabled)')
MUG, SOAP, APRON, PATTERN = "speckled-mug", "lavender-soap", "linen-apron", "apron-sewing-pattern"


async def put(page: Page, slug: str, quantity: int = 1) -> None:
    """Put the first variant of a product into the cart without opening a page."""
    product = await page.context.request.get(f"/products/{slug}")
    found = VARIANT.search(await product.text())
    assert found, f"{slug} cannot be bought"
    form = {"variant_id": found[1], "quantity": str(quantity)}
    answer = await page.context.request.post("/cart/items", form=form, max_redirects=0)
    assert answer.status == 303, await answer.text()


async def count(page: Page) -> int:
    """How many pieces the shop says are in this browser's cart."""
    answer = await page.context.request.get("/api/cart/count")
    return int((await answer.json())["count"])


async def add(page: Page, slug: str) -> None:
    """Open a product and press its button."""
    await page.goto(f"/products/{slug}")
    await page.get_by_role("button", name="Add to cart").click()


async def enter_code(page: Page, code: str) -> None:
    """Unfold the cart's field for a discount code, type it and press Enter."""
    await page.get_by_text("Add a discount code").click()
    await page.get_by_label("Discount code").fill(code)
    await page.get_by_label("Discount code").press("Enter")


async def fill(page: Page, **changes: str) -> None:
    """Fill the checkout form as Anna; `changes` are typed instead, what the country has no field for is left out."""
    for name, text in (ANNA | changes).items():
        field = page.locator(f"#{name}")
        if not await field.count():
            continue
        if await field.evaluate("field => field.tagName") == "SELECT":
            await field.select_option(text)
        else:
            await field.fill(text)
    await field.blur()


async def to_payment(page: Page, slug: str = SOAP) -> None:
    """Up to Stripe's page, with one thing."""
    await put(page, slug)
    await page.goto("/checkout")
    await fill(page)
    await page.locator("#pay").click()
    await expect(page).to_have_url(re.compile("/sandbox/pay/"))


async def pay_with(page: Page, card: str) -> None:
    """Press a test card on the sandbox's payment page."""
    await page.locator(f"#card-{card}").click()


@asynccontextmanager
async def stripe_fails(page: Page) -> AsyncIterator[None]:
    """Meanwhile the sandbox answers 503 when a payment page is asked for."""
    fault: dict[str, str | float | bool] = {"match": "POST /v1/checkout/sessions", "kind": "503", "times": ""}
    assert (await page.context.request.post("/sandbox/faults", form=fault)).ok
    try:
        yield
    finally:
        assert (await page.context.request.delete("/sandbox/faults")).ok
