"""Sentences in templates: `_("Added %(count)s", count=n)` and `ngettext("%(n)s item", "%(n)s items", n)`.

What is translated is markup where the template escapes, and the values are escaped into it; a literal % is doubled.
Sentences without values, which are most, are kept ready.
"""

from functools import lru_cache
from typing import Any

from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from storefront import language

MOST_READY = 4096


@pass_eval_context
def said(context: EvalContext, text: str, /, **values: Any) -> str:
    """gettext for templates."""
    code = language.spoken().code
    if not values:
        return _ready(code, text, bool(context.autoescape))
    return _as(language.translated(code, text), context) % values


@pass_eval_context
def counted(context: EvalContext, one: str, many: str, n: int, /, **values: Any) -> str:
    """ngettext for templates."""
    form = _as(language.plural(language.spoken().code, one, many, n), context)
    return form % {"n": language.number(n), **values}


def _as(text: str, context: EvalContext) -> str:
    return Markup(text) if context.autoescape else text  # noqa: S704 - the shop's own words


@lru_cache(maxsize=MOST_READY)
def _ready(code: str, text: str, escaped: bool) -> str:
    whole = language.translated(code, text) % {}
    return Markup(whole) if escaped else whole  # noqa: S704 - the shop's own words
