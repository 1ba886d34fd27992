"""Pages of accounts in their states, and how somebody gets there."""

from playwright.async_api import Page, expect

from tests.accounts.people import PASSWORD, Person, new_person
from tests.browser.scene import Reach, Scene, at
from tests.shop import ANNA, Running


async def enter(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill the sign-in form that is open, and send it."""
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def signed_in(page: Page, shop: Running, to: str = "/account", **more: object) -> Person:
    """Somebody new is signed in, and looks at `to`; `more` are create_account's."""
    person = await new_person(shop, **more)
    await page.goto(f"/account/sign-in?next={to}")
    await enter(page, person.email)
    await expect(page).to_have_url(to)
    return person


def inside(path: str, **more: object) -> Reach:
    async def reach(scene: Scene) -> None:
        await signed_in(scene.page, scene.shop, path, **more)

    return reach


async def refused(scene: Scene) -> None:
    await scene.page.goto("/account/sign-in")
    await enter(scene.page, "nobody@example.org")
    await expect(scene.page.get_by_role("alert")).to_contain_text("is not right")


async def mistaken(scene: Scene) -> None:
    await scene.page.goto("/account/register")
    await scene.page.locator("#email").fill("anna@")
    await scene.page.get_by_role("button", name="Go on").click()
    await expect(scene.page.locator(".errors")).to_be_focused()


async def addresses(scene: Scene) -> None:
    page = scene.page
    await signed_in(page, scene.shop, "/account/addresses/new")
    for name in ("name", "address_line1", "postal_code", "address_level2"):
        await page.locator(f"#{name}").fill(ANNA[name])
    await page.locator("#address_level1").select_option(ANNA["address_level1"])
    await page.get_by_role("button", name="Keep").click()
    await expect(page).to_have_url("/account/addresses")


async def setting_up(scene: Scene) -> None:
    page = scene.page
    await signed_in(page, scene.shop, "/account/two-step")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#account-form .button").first.click()
    await expect(page).to_have_url("/account/two-step/set-up")


ACCOUNT_STATES: dict[str, Reach] = {
    "entry": at("/account/sign-in"),
    "entry-refused": refused,
    "entry-register": at("/account/register"),
    "entry-mistaken": mistaken,
    "entry-check-mail": at("/account/check-mail"),
    "account-overview": inside("/account"),
    "account-unconfirmed": inside("/account", verified=False),
    "account-orders": inside("/account/orders"),
    "address-book": addresses,
    "address-new": inside("/account/addresses/new"),
    "account-credits": inside("/account/credits"),
    "secrets-email": inside("/account/email"),
    "secrets-password": inside("/account/password"),
    "secrets-sessions": inside("/account/sessions"),
    "secrets-two-step": setting_up,
    "secrets-delete": inside("/account/delete"),
    "entry-link-over": at("/account/register/" + "x" * 43),
    "pricing": at("/pricing"),
    "staff": inside("/admin", role="owner"),
}
