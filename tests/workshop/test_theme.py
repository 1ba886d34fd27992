"""A theme lies over the shop, and what was saved is shown."""

import re
from typing import Any

import httpx

from tests.shop import eventually
from tests.workshop.conftest import Theme, Wearing

PRODUCTION = {
    "STOREFRONT_ENV": "production",
    "BASE_URL": "https://shop.example",
    "SECRET_KEY": "a secret of this very shop that is long enough",
    "STRIPE_SECRET_KEY": "sk_test_nobody",
}
FROM_OUTSIDE = {"host": "shop.example"}


async def live(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/_live")).json()
    return found


async def test_a_theme_extends_the_template_it_lies_over_and_adds_its_styles(
    theme: Theme, wearing: Wearing
) -> None:
    theme.write(
        "templates/cart/cart.html",
        '{# given: page, shop, cart #}\n{% extends "shop/cart/cart.html" %}\n'
        "{% block main %}<p>Before the cart</p>{{ super() }}{% endblock %}",
    )
    theme.write("static/images/logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    theme.write("static/css/theme.css", "@layer theme { :root { --brand: teal } }")
    async with wearing() as client:
        page = (await client.get("/cart")).text
        assert page.index("Before the cart") < page.index('id="cart"')
        sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
        assert [re.sub(r"\.[0-9a-f]{12}", "", sheet) for sheet in sheets] == [
            "/static/css/tokens.css",
            "/static/css/shop.css",
            "/static/css/theme.css",
        ]
        assert "teal" in (await client.get(sheets[2])).text
        logo = re.search(r'mask: url\("?([^")]+)', (await client.get(sheets[1])).text)
        assert logo
        assert "xmlns='" in (await client.get(logo[1])).text


async def test_an_open_page_hears_of_everything_that_is_saved(theme: Theme, wearing: Wearing) -> None:
    badge = theme.write("templates/components/badge.html", '<a id="cart-badge">{{ count }} old</a>')
    async with wearing() as client:
        first = await live(client)
        page = (await client.get("/cart")).text
        assert f'src="/_live.js?page={first["page"]}"' in page
        assert (await client.get("/_live.js")).headers["content-type"].startswith("text/javascript")

        theme.write("static/css/theme.css", "@layer theme { :root { --brand: teal } }")
        second = await _changed(client, first)
        assert "css/theme.css" in second["styles"], "a new sheet needs a link in the page"
        theme.write("static/css/theme.css", "@layer theme { :root { --brand: navy } }")
        third = await _changed(client, second, "styles")
        assert third["page"] == second["page"]
        assert "navy" in (await client.get(third["styles"]["css/theme.css"])).text

        badge.write_text('<a id="cart-badge">{{ count }} new</a>')
        fourth = await _changed(client, third)
        assert "0 new" in (await client.get("/cart")).text
        badge.unlink()
        await _changed(client, fourth)
        assert "cart-badge-count" in (await client.get("/cart")).text


async def _changed(client: httpx.AsyncClient, before: dict[str, Any], what: str = "page") -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        now = await live(client)
        return now if now[what] != before[what] else None

    return await eventually(look, 2)


async def test_production_has_no_workshop_and_an_ordinary_error_page(theme: Theme, wearing: Wearing) -> None:
    theme.write("templates/cart/cart.html", "{{ nothing_of_the_kind }}")
    async with wearing(**PRODUCTION) as client:
        for path in ("/_live", "/_live.js", "/_workshop/workshop.css", "/_gallery"):
            assert (await client.get(path, headers=FROM_OUTSIDE)).status_code == 404
        home = (await client.get("/", headers=FROM_OUTSIDE)).text
        assert "_live" not in home
        broken = await client.get("/cart", headers=FROM_OUTSIDE)
        assert broken.status_code == 500
        assert "Something went wrong on our side" in broken.text
        assert "nothing_of_the_kind" not in broken.text
