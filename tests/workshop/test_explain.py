"""A mistake in a template is explained where it is made."""

import html

import pytest

from tests.shop import HTMX
from tests.workshop.conftest import Theme, Wearing

MISTAKES = {
    "a name": ("{{ cartt.total_text }}", "&#39;cartt&#39; is not among the names", "<code>cart</code>"),
    "a key": ("{{ cart.total_txt }}", "no &#39;total_txt&#39;", "<code>total_text</code>"),
    "a filter": ("{{ page.title | uper }}", "No filter named &#39;uper&#39;", "<code>upper</code>"),
    "a template": ('{% include "cart/_lin.html" %}', "no template cart/_lin.html", "cart/_line.html"),
    "a file": ('{{ asset("css/tokes.css") }}', "static/css/tokes.css does not exist", ""),
    "syntax": ("{% if cart %}{% endfor %}", "unknown tag &#39;endfor&#39;", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_shown_with_its_line_and_what_was_meant(
    theme: Theme, wearing: Wearing, mistake: str
) -> None:
    wrong, said, meant = MISTAKES[mistake]
    theme.write("templates/cart/_cart.html", f"{{# given: cart #}}\n<p>fine</p>\n{wrong}\n<p>after</p>\n")
    async with wearing() as client:
        page = await client.get("/cart")
        assert page.status_code == 500
        assert "_cart.html, line 3" in page.text
        assert said in page.text
        assert meant in page.text
        assert f'class="here"><b>3</b>{html.escape(wrong, quote=False)[:8]}' in page.text
        assert "/_live.js" in page.text
        fragment = await client.get("/cart", headers=HTMX)
        assert fragment.headers["hx-retarget"] == "#notice"
        assert "_cart.html:3: " in fragment.text


async def test_what_stands_on_every_page_is_explained_too(theme: Theme, wearing: Wearing) -> None:
    theme.write("templates/components/badge.html", "{{ cuont }}")
    async with wearing() as client:
        for _ in range(2):
            page = await client.get("/products", headers={"cookie": "cart_n=2"})
            assert page.status_code == 500
            assert "badge.html, line 1" in page.text
            assert "<code>count</code>" in page.text
