"""Every page of the shop in every state, and how somebody gets there: what axe, the budgets and the pictures see."""

import re

from playwright.async_api import expect
from sqlalchemy import update

from storefront.catalogue.models import Variant
from tests.browser.accounts import ACCOUNT_STATES
from tests.browser.orders import ASKS, DECLINED
from tests.browser.scene import Reach, Scene, at
from tests.browser.shopping import (
    APRON,
    MUG,
    PATTERN,
    SOAP,
    add,
    enter_code,
    fill,
    pay_with,
    put,
    stripe_fails,
    to_payment,
)


def order(state: str) -> Reach:
    async def reach(scene: Scene) -> None:
        await scene.page.goto(scene.orders[state])

    return reach


async def next_page(scene: Scene) -> None:
    await scene.page.goto("/products")
    link = await scene.page.locator("#more a").get_attribute("href")
    await scene.page.goto(str(link))


async def loaded_more(scene: Scene) -> None:
    await scene.page.goto("/products")
    await scene.page.get_by_role("link", name="Load more").click()
    await expect(scene.page.locator("#more a")).to_have_count(0)


async def suggestions(scene: Scene) -> None:
    await scene.page.goto("/")
    await scene.page.locator("#site-q").press_sequentially("so")
    await expect(scene.page.locator("#suggestions li")).not_to_have_count(0)


async def added(scene: Scene) -> None:
    await add(scene.page, MUG)
    await expect(scene.page.locator("#add-message")).to_contain_text("added")


async def too_many(scene: Scene) -> None:
    thing = await scene.shop.new_thing(on_hand=2)
    await scene.page.goto(f"/products/{thing.slug}")
    await scene.page.get_by_label("Quantity").fill("5")
    await scene.page.get_by_role("button", name="Add to cart").click()
    await expect(scene.page.locator("#add-message")).to_contain_text("Only 2 left")


async def unanswered(scene: Scene) -> None:
    await scene.page.goto(f"/products/{SOAP}")
    await scene.page.route("**/cart/items", lambda route: route.abort("connectionrefused"))
    await scene.page.get_by_role("button", name="Add to cart").click()
    await expect(scene.page.locator("#notice")).to_contain_text("Try again")


async def cart(scene: Scene) -> None:
    await put(scene.page, SOAP, 2)
    await put(scene.page, MUG)
    await scene.page.goto("/cart")


async def removed(scene: Scene) -> None:
    await cart(scene)
    await scene.page.get_by_role("button", name="Remove Lavender soap").click()
    await expect(scene.page.locator(".removed")).to_be_visible()


async def refused_quantity(scene: Scene) -> None:
    await cart(scene)
    await scene.page.get_by_label("Quantity of Lavender soap").fill("200")
    await expect(scene.page.locator(".field-error")).to_contain_text("at most 99")


async def reduced(scene: Scene) -> None:
    await cart(scene)
    await enter_code(scene.page, "welcome10")
    await expect(scene.page.locator("#code-remove")).to_be_visible()


async def refused_code(scene: Scene) -> None:
    await cart(scene)
    await enter_code(scene.page, "WELCOM10")
    await expect(scene.page.locator("#code-error")).to_contain_text("no code")


async def checkout_reduced(scene: Scene) -> None:
    await reduced(scene)
    await scene.page.goto("/checkout")


async def changed_meanwhile(scene: Scene) -> None:
    """One thing got dearer, of one too few are left, one was sold out."""
    dear, few, gone = [await scene.shop.new_thing() for _ in range(3)]
    for thing in (dear, few, gone):
        await put(scene.page, thing.slug, 3)
    async with scene.shop.database() as database, database.writes() as session:
        for thing, change in ((dear, {"price": 1900}), (few, {"on_hand": 2}), (gone, {"on_hand": 0})):
            await session.execute(update(Variant).where(Variant.id == thing.variant_id).values(**change))
    await scene.page.goto("/cart")


async def drawer(scene: Scene) -> None:
    await put(scene.page, SOAP, 2)
    await put(scene.page, MUG)
    await empty_drawer(scene)
    await expect(scene.page.locator("#cart .line")).to_have_count(2)


async def empty_drawer(scene: Scene) -> None:
    """Only wide screens have it; on a phone the badge leads to the cart's page."""
    await scene.page.goto("/")
    await scene.page.locator("#cart-badge").click()
    await expect(scene.page.locator("#cart > *").first).to_be_visible()


async def checkout(scene: Scene) -> None:
    await put(scene.page, SOAP)
    await put(scene.page, MUG, 2)
    await scene.page.goto("/checkout")


async def checkout_for_a_file(scene: Scene) -> None:
    await put(scene.page, PATTERN)
    await scene.page.goto("/checkout")


async def checkout_errors(scene: Scene) -> None:
    await checkout(scene)
    await scene.page.locator("#email").fill("anna@")
    await scene.page.locator("#pay").click()
    await expect(scene.page.locator(".errors")).to_be_visible()


async def checkout_filled(scene: Scene) -> None:
    await checkout(scene)
    await fill(scene.page)
    await scene.page.locator("#postal_code").blur()
    await expect(scene.page.locator("#field-postal_code .tick")).to_be_visible()
    # On a wide screen the order stands beside the form, and what would fold it out is hidden.
    for summary in await scene.page.locator("details summary:visible").all():
        await summary.click()


async def checkout_abroad(scene: Scene) -> None:
    await checkout(scene)
    await scene.page.locator("#country").select_option("DE")
    await expect(scene.page.locator("#method-DE-standard")).to_be_visible()


async def checkout_dearer(scene: Scene) -> None:
    thing = await scene.shop.new_thing()
    await put(scene.page, thing.slug)
    await scene.page.goto("/checkout")
    await fill(scene.page)
    await expect(scene.page.locator("#method-US-standard")).to_be_visible()
    async with scene.shop.database() as database, database.writes() as session:
        dearer = update(Variant).where(Variant.id == thing.variant_id).values(price=1900)
        await session.execute(dearer)
    await scene.page.locator("#pay").click()
    await expect(scene.page.locator("#checkout-form .notice")).to_contain_text("total has changed")


async def offered(scene: Scene) -> None:
    """For whoever comes from elsewhere and would rather read German."""
    await scene.page.set_extra_http_headers({"Accept-Language": "de"})
    await scene.page.goto("/")
    await expect(scene.page.get_by_role("link", name="Diese Seite auf Deutsch")).to_be_visible()


async def viewed(scene: Scene) -> None:
    for slug in (SOAP, MUG, APRON):
        await scene.page.goto(f"/products/{slug}")
    await scene.page.goto("/")
    await expect(scene.page.locator("#viewed li")).to_have_count(3)


async def checkout_bought_away(scene: Scene) -> None:
    """Of one thing too few are left, one is sold out."""
    few, gone = [await scene.shop.new_thing() for _ in range(2)]
    for thing in (few, gone):
        await put(scene.page, thing.slug, 3)
    await scene.page.goto("/checkout")
    await fill(scene.page)
    async with scene.shop.database() as database, database.writes() as session:
        for thing, left in ((few, 1), (gone, 0)):
            less = update(Variant).where(Variant.id == thing.variant_id)
            await session.execute(less.values(on_hand=left))
    await scene.page.locator("#pay").click()
    await expect(scene.page.get_by_role("button", name="Take what is left")).to_be_visible()


async def payment_unavailable(scene: Scene) -> None:
    await checkout(scene)
    await fill(scene.page)
    async with stripe_fails(scene.page):
        await scene.page.locator("#pay").click()
        await expect(scene.page.get_by_text("Nothing was charged")).to_be_visible(timeout=15_000)


async def turned_back(scene: Scene) -> None:
    await put(scene.page, SOAP)
    token = scene.orders["pending"].rpartition("/")[2]
    await scene.page.goto(f"/checkout/cancel?order={token}")


async def payment(scene: Scene) -> None:
    await to_payment(scene.page)


async def payment_declined(scene: Scene) -> None:
    await to_payment(scene.page)
    await pay_with(scene.page, DECLINED)
    await expect(scene.page.locator("#error")).to_be_visible()


async def payment_asks(scene: Scene) -> None:
    await to_payment(scene.page)
    await pay_with(scene.page, ASKS)
    await expect(scene.page).to_have_url(re.compile("authenticate"))


def after_the_order(ending: str, *presses: str) -> Reach:
    """A page of a paid order, and what its buttons lead to."""

    async def reach(scene: Scene) -> None:
        await scene.page.goto(scene.orders["paid"] + ending)
        for name in presses:
            await scene.page.get_by_role("button", name=name, exact=True).click()
        await expect(scene.page.locator("h1")).to_be_visible()

    return reach


async def lookup_errors(scene: Scene) -> None:
    await scene.page.goto("/orders/lookup")
    await scene.page.get_by_role("button", name="Send me the link").click()
    await expect(scene.page.locator(".errors")).to_be_focused()


STATES: dict[str, Reach] = {
    "home": at("/"),
    "home-viewed": viewed,
    "home-offered": offered,
    "listing": at("/products"),
    "listing-next-page": next_page,
    "listing-loaded-more": loaded_more,
    "listing-filtered": at("/products?collection=ceramics&price=2000-&available=1&sort=-price"),
    "collection": at("/collections/soap-and-bath"),
    "collections": at("/collections"),
    "suggestions": suggestions,
    "search": at("/search"),
    "search-results": at("/search?q=candle"),
    "search-meant": at("/search?q=lavander"),
    "search-some": at("/search?q=mug+candle"),
    "search-nothing": at("/search?q=umbrella"),
    "product": at(f"/products/{MUG}"),
    "product-one-variant": at(f"/products/{SOAP}"),
    "product-few-left": at(f"/products/{APRON}"),
    "product-sold-out": at("/products/ash-glaze-teapot"),
    "product-all-variants-gone": at("/products/winter-tin-candle"),
    "product-file": at(f"/products/{PATTERN}"),
    "product-added": added,
    "product-too-many": too_many,
    "product-unanswered": unanswered,
    "product-reduced": at("/products/ribbed-soap-dish"),
    "cart-empty": at("/cart"),
    "cart-shared": at("/cart/shared/1x2.4x50.999x1"),
    "cart": cart,
    "cart-removed": removed,
    "cart-refused": refused_quantity,
    "cart-code": reduced,
    "cart-code-refused": refused_code,
    "cart-changed-meanwhile": changed_meanwhile,
    "cart-turned-back": turned_back,
    "drawer": drawer,
    "drawer-empty": empty_drawer,
    "checkout": checkout,
    "checkout-file": checkout_for_a_file,
    "checkout-errors": checkout_errors,
    "checkout-filled": checkout_filled,
    "checkout-abroad": checkout_abroad,
    "checkout-code": checkout_reduced,
    "checkout-dearer": checkout_dearer,
    "checkout-bought-away": checkout_bought_away,
    "checkout-unavailable": payment_unavailable,
    **{
        f"order-{state}": order(state)
        for state in (
            "pending",
            "declined",
            "paid",
            "awaiting",
            "failed",
            "cancelled",
            "refunded",
            "download",
        )
    },
    "order-cancel": after_the_order("/cancel"),
    "order-lookup": lookup_errors,
    "order-withdraw": after_the_order("/withdraw"),
    "order-withdraw-check": after_the_order("/withdraw", "Go on"),
    **{
        f"page-{slug}": at(f"/pages/{slug}") for slug in ("contact", "returns", "terms", "privacy", "imprint")
    },
    **ACCOUNT_STATES,
    "not-found": at("/no-such-page"),
    "payment": payment,
    "payment-declined": payment_declined,
    "payment-asks": payment_asks,
}
WIDE_ONLY = {"drawer", "drawer-empty"}
# The sandbox's pages stand in for Stripe's.
NOT_OURS = {"payment", "payment-declined", "payment-asks"}
# While Stripe fails for one it fails for all.
ALONE = {"checkout-unavailable"}
# Statuses that a state is there to show.
MEANT = ("^404 ", "^409 ", "^422 ", "^503 ", "connection refused", "CONNECTION_REFUSED", "fetch")
