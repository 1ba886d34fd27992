"""Jinja as the shop uses it: what is kept is what would be made, and nothing gets past the escaping."""

import re
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from markupsafe import Markup, escape

from storefront.language import speaking
from storefront.web import environment
from storefront.web.environment import Kept, Pages, escaped
from storefront.web.templates import NavEntry
from storefront.web.words import said


class AsHtml:
    def __html__(self) -> str:
        return "<b>own</b>"


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def pages(asked: list[str]) -> Pages:
    def ask(name: str) -> str:
        asked.append(name)
        return name

    made = Pages(loader=DictLoader({}), autoescape=True, undefined=StrictUndefined)
    made.globals.update(ask=ask, _=said)
    return made


def render(pages: Pages, source: str, **names: Any) -> str:
    loader = pages.loader
    assert isinstance(loader, DictLoader)
    loader.mapping = {**loader.mapping, source: source}
    return pages.get_template(source).render(names)


@pytest.mark.parametrize(
    "value", ["", "plain", "<a href='x'>&\"", Markup("<b>"), AsHtml(), 12, None, True, 1.5, ["<"]]
)
def test_what_is_escaped(pages: Pages, value: Any) -> None:
    assert escaped(value) == escape(value)
    source = "{{ one }}{{ one ~ '<' }}{% set two %}{{ one }}{% endset %}{{ two }}{% macro m(x) %}{{ x }}{% endmacro %}"
    source += "{{ m(one) }}{{ m(one) ~ one }}{% kept two %}{{ one }}{% endkept %}"
    usual = Environment(autoescape=True).from_string(re.sub("{% (end)?kept.*?%}", "", source))
    assert render(pages, source, one=value) == usual.render(one=value)


def test_a_piece_is_made_once_for_what_it_is_made_of(pages: Pages, asked: list[str]) -> None:
    source = "{% for one in every %}{% kept one, tone %}{{ ask(one) }} {{ tone }};{% endkept %}{% endfor %}"
    assert render(pages, source, every=["<a>", "b", "<a>"], tone="!") == "&lt;a&gt; !;b !;&lt;a&gt; !;"
    assert render(pages, source, every=["b"], tone="?") == "b ?;"
    assert render(pages, source, every=["b"], tone="!") == "b !;"
    assert asked == ["<a>", "b", "b"]


def test_two_pieces_are_never_taken_for_each_other(pages: Pages) -> None:
    source = "{% kept one %}1{{ one }}{% endkept %}{% kept one %}2{{ one }}{% endkept %}"
    for _ in range(2):
        assert render(pages, source, one="x") == "1x2x"
        assert render(pages, f"{source} ", one="x") == "1x2x "


def test_a_piece_is_kept_in_each_language(pages: Pages, asked: list[str]) -> None:
    source = '{% kept %}{{ ask("x") }} {{ _("Cart") }}{% endkept %}'
    for _ in range(2):
        assert render(pages, source) == "x Cart"
        with speaking("de"):
            assert render(pages, source) == "x Warenkorb"
    assert asked == ["x", "x"]


def test_what_cannot_be_a_key_is_made_each_time(pages: Pages, asked: list[str]) -> None:
    source = "{% kept one %}{{ ask(one.name) }}{% endkept %}"
    assert [render(pages, source, one={"name": name}) for name in "aab"] == ["a", "a", "b"]
    assert asked == ["a", "a", "b"]


def test_a_name_that_is_not_there_is_a_mistake(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        render(pages, "{% kept nothing %}x{% endkept %}")


def test_a_piece_that_fails_is_not_kept(pages: Pages) -> None:
    source = "{% kept %}{{ one.name() }}{% endkept %}"
    with pytest.raises(ZeroDivisionError):
        render(pages, source, one={"name": lambda: 1 / 0})
    assert render(pages, source, one={"name": lambda: "there"}) == "there"


def test_the_pieces_are_forgotten_with_the_templates(pages: Pages, asked: list[str]) -> None:
    source = "{% kept %}{{ ask('x') }}{% endkept %}"
    render(pages, source)
    pages.forget()
    assert render(pages, source) == "x"
    assert asked == ["x", "x"]


def test_inventions_do_not_fill_the_memory(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MOST_KEPT", 100_000)
    kept = pages.extensions[Kept.identifier]
    assert isinstance(kept, Kept)
    most = 0
    for n in range(1000):
        assert render(pages, "{% kept one %}{{ one * 100 }}{% endkept %}", one=str(n)) == str(n) * 100
        most = max(most, len(kept.made))
    assert 100 < most < 200


@pytest.mark.parametrize("call", ["cut('a b', 1)", "'a b'.upper()", "kind(one)", "cut(length=1, text='a b')"])
def test_functions_methods_and_classes_are_called_alike(pages: Pages, call: str) -> None:
    def cut(text: str, length: int) -> str:
        return text[:length]

    pages.globals.update(cut=cut, kind=str)
    source = (
        "{% for _ in [1] %}{{ " + call + " }}{% endfor %}{% macro m(x) %}{{ caller() }}{{ x }}{% endmacro %}"
    )
    source += "{% call m(2) %}{{ " + call + " }}{% endcall %}"
    expected = str(eval(call, {"cut": cut, "kind": str, "one": 1}))
    assert render(pages, source, one=1) == f"{expected}{expected}2"


def test_what_is_not_escaped_in_a_mail_is_not_kept_for_a_page(pages: Pages) -> None:
    loader = pages.loader
    assert isinstance(loader, DictLoader)
    loader.mapping = {"piece": "{% kept one %}{{ one }}{% endkept %}"}
    mails = pages.overlay(autoescape=False)
    for _ in range(2):
        assert mails.get_template("piece").render(one="<b>") == "<b>"
        assert pages.get_template("piece").render(one="<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("name", ["count", "index", "nothing"])
def test_a_named_tuple_has_its_fields_and_nothing_else(pages: Pages, name: str) -> None:
    assert render(pages, "{{ one.title }}", one=NavEntry("Cart", "/cart")) == "Cart"
    with pytest.raises(UndefinedError):
        render(pages, "{{ one." + name + " }}", one=NavEntry("Cart", "/cart"))
