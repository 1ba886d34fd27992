"""storefront theme check, eject and diff."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from storefront.cli.theme import theme as commands
from storefront.settings import ROOT, Settings
from storefront.workshop.check.given import given
from storefront.workshop.check.look import check
from tests.workshop.conftest import Theme, Wearing

# What stands in line 3 of a theme's cart/cart.html, and what is said of it.
MISTAKES = {
    '{% include "cart/_lin.html" %}': "there is no template cart/_lin.html. Did you mean cart/_line.html",
    '{% import "cart/none.html" as gone %}': "import: there is no template cart/none.html",
    "{{ cart.total_text | uper }}": "There is no filter 'uper'. Did you mean upper",
    "{% if cart is emty %}{% endif %}": "There is no test 'emty'",
    '{{ asset("css/tokes.css") }}': "There is no static/css/tokes.css. Did you mean css/tokens.css",
    '{{ hole("bagde") }}': "There is no hole 'bagde'",
    "{{ crat.total_text }}": "'crat' is not among what this template is given. Did you mean cart",
    '{% import "emails/_colours.html" as colour %}{% block x %}{{ colour.brand }}{% endblock %}': "",
    "{{ shout(cart) }}": "'shout' is not among",
    '{% include "cart/_line.html" %}': "cart/_line.html is not given line here",
    '{% for line in cart.lines %}{% include "cart/_line.html" %}{% endfor %}': "",
    '{% include "cart/_gone.html" ignore missing %}': "",
    "{% if cart %}": "Unexpected end of template",
    "{% kept cart.lines %}{{ cart.total_text }}{% endkept %}": "cart.total_text is not among what stands in",
    '{% kept %}{% include "cart/_code.html" %}{% endkept %}': "cart is not among what stands in the {% kept %}",
    "{% kept cart.lines %}{% for one in cart.lines %}{{ one.title }}{{ shop.name }}{% endfor %}{% endkept %}": "",
    "{% kept %}{{ _('Cart') }}": "Unexpected end of template",
    "{% kept %}{% block x %}{% endblock %}{% endkept %}": "A {% block %} cannot stand in a {% kept %}",
    "{% block x %}{% kept %}{{ super() }}{% endkept %}{% endblock %}": "super cannot stand in a {% kept %}",
    '{% kept %}{% include ["cart/_code.html"] %}{% endkept %}': "cart is not among what stands in the {% kept %}",
    '{% kept %}{% with count = 1 %}{% include "components/badge.html" %}{% endwith %}{% endkept %}': "",
    '{% set count, oob = 1, page %}{% kept count %}{% include "components/badge.html" %}{% endkept %}': (
        "oob is not among what stands in"
    ),
    '{% kept %}{% from "components/picture.html" import picture with context %}{% endkept %}': "given the context",
    "{% macro m() %}{{ caller(1) }}{% endmacro %}{% kept m %}{% call(z) m() %}{{ z }}{% endcall %}{% endkept %}": "",
    "{% kept cart.name %}{% include cart.name %}{% endkept %}": "must be named outright",
    "{% set one = cart.count %}{% kept cart.lines %}{{ one }}{% for one in cart.lines %}{% endfor %}{% endkept %}": (
        "one is not among what stands in"
    ),
    '{% from "components/picture.html" import picture %}{% kept %}{{ picture }}{% endkept %}': "import it inside",
    '<p style="color: red">': "style= is forbidden",
    '<p onclick="buy()">': "onclick= is forbidden",
    '<p hx-on:click="buy()">': "hx-on:click= needs eval",
    '<p hx-trigger="click[ctrlKey]">': "A filter in hx-trigger needs eval",
    '<a href=" JavaScript:buy()">': "href= holds a script",
    "<style>p { color: red }</style>": "<style> is forbidden",
    "<script>buy()</script>": "A script in the page is forbidden",
    '<script type="application/ld+json">{}</script>': "",
    '<link rel="stylesheet" href="https://fonts.example/one.css">': "from another site",
    '<img src="{{ asset("images/logo.svg") }}" alt="">': "A picture without width and height",
    '<img src="/x.png" width="{{ cart.count }}" height="1" {% if cart %}alt="x"{% endif %}>': "",
}


EXAMPLE = ROOT / "examples/theme-night-market"


def worn(theme: Theme) -> Settings:
    return Settings(_env_file=None, THEME=str(theme.folder))  # type: ignore[call-arg]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_at_its_line(theme: Theme, mistake: str) -> None:
    theme.write("templates/cart/cart.html", f"{{# given: page, shop, cart #}}\n\n{mistake}\n")
    found = [str(one) for one in check(worn(theme), render=False)]
    assert len(found) == bool(MISTAKES[mistake]), found
    for one in found:
        assert one.startswith(("templates/cart/cart.html:3: ", "templates/cart/cart.html:4: "))
        assert MISTAKES[mistake] in one


def test_a_key_that_is_not_there_shows_when_the_gallery_is_made(theme: Theme) -> None:
    theme.write(
        "templates/components/cards.html", "{% for card in cards %}\n{{ card.titel }}\n{% endfor %}\n"
    )
    theme.write("static/css/theme.css", '@import url("//fonts.example/one.css");\n')
    (style,) = check(worn(theme))
    assert str(style).startswith("static/css/theme.css:1: ")
    theme.write("static/css/theme.css", "")
    (one,) = check(worn(theme))
    found, seen = str(one).split(" (Seen in /_gallery/")
    assert re.fullmatch(r"\S+ and \d+ more\.\)", seen)
    assert found == (
        "templates/components/cards.html:2: There is no 'titel' in what stands before the dot, "
        "which is a ShownCard. Did you mean title?"
    )


def test_a_file_that_a_style_names_and_that_is_not_there_is_found(theme: Theme) -> None:
    theme.write(
        "static/css/theme.css",
        ".brand-mark { background: url('../images/favicon.svg') }\n"
        "/* url(../images/once.png)\n */\n"
        ".card { background: url(../images/favicn.svg), url(data:image/png;base64,AA==), url( #mark ) }\n"
        """.card { background: url("data:image/svg+xml;utf8,<svg fill='url(%23g)'/>"), url( data:image/png,x) }\n""",
    )
    (one,) = check(worn(theme), render=False)
    said = "There is no file images/favicn.svg. Did you mean images/favicon.svg"
    assert str(one).startswith(f"static/css/theme.css:4: {said}")


@pytest.mark.parametrize("file", ["templates/components/cards.html", "static/css/theme.css"])
def test_a_file_in_another_encoding_is_found(theme: Theme, file: str) -> None:
    theme.write(file, "")
    (theme.folder / file).write_bytes("/* one */\n/* für alle */".encode("latin-1"))
    (one,) = check(worn(theme))
    assert str(one).startswith(f"{file}:2: This is not UTF-8.")


def test_the_comment_at_the_top_declares_names_and_asides() -> None:
    said = given(
        "{# From elsewhere. #}\n{# given: cart, line {a, b}, mood (optional: one of a, b). More, words #}"
    )
    assert said is not None
    assert (said.needed, said.optional) == ({"cart", "line"}, {"mood"})
    assert given("<p>") is None


def test_the_shops_own_templates_have_no_mistakes() -> None:
    assert check(Settings(_env_file=None)) == []  # type: ignore[call-arg]


async def test_the_example_has_no_mistakes_and_is_worn(wearing: Wearing) -> None:
    assert check(Settings(_env_file=None, THEME=str(EXAMPLE))) == []  # type: ignore[call-arg]
    async with wearing(THEME="examples/theme-night-market") as client:
        page = (await client.get("/products")).text
        assert page.count('class="card stall"') == 24
        (sheet,) = re.findall(r'href="(/static/css/theme\.[^"]+)"', page)
        assert "--paper: light-dark" in (await client.get(sheet)).text


def storefront(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(commands, words)
    return done.exit_code, done.output


def test_what_is_ejected_works_and_knows_when_its_original_changes(tmp_path: Path) -> None:
    into = ("--into", str(tmp_path))
    for wanted in (
        "cart/_line.html",
        "static/css/tokens.css",
        "emails/order-paid.subject.txt",
        "images/logo.svg",
    ):
        assert storefront("eject", wanted, *into)[0] == 0
    assert storefront("eject", "cart/_line.html", *into)[0] == 1
    assert storefront("eject", "../storefront/app.py", *into)[0] == 1
    copy = tmp_path / "templates/cart/_line.html"
    remark, rest = copy.read_text().split("\n", 1)
    assert "templates/cart/_line.html, version " in remark
    assert rest == (ROOT / "templates/cart/_line.html").read_text()
    assert check(Settings(_env_file=None, THEME=str(tmp_path))) == []  # type: ignore[call-arg]
    assert "nothing has changed" in storefront("diff", *into)[1]

    original = tmp_path / ".originals/templates/cart/_line.html"
    original.write_text("an older line\n" + rest)
    (tmp_path / "templates/cart/cart.html").write_text("{# given: page, shop, cart #}")
    said = storefront("diff", *into)[1]
    assert "-an older line" in said
    assert "templates/cart/cart.html: it was not ejected" in said
    assert storefront("diff", "cart/_line.html", "--taken", *into)[0] == 0
    assert "an older line" not in storefront("diff", *into)[1]
