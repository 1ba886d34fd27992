"""Jinja as the shop uses it: pieces that many pages share are made once, and calls and names cost less."""

from types import FunctionType, MethodType
from typing import Any

from jinja2 import Environment, Template, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined] # escape is made of it

from storefront.language import spoken
from storefront.web.words import counted, said

# In characters, of what was made and of its keys: some thousand products' cards, or an attacker's inventions.
MOST_KEPT = 4_000_000
A_KEY = 500
FUNCTIONS = (FunctionType, MethodType)


def escaped(value: Any) -> str:
    """What `markupsafe.escape` gives, for text that is only put between other text: it need not become markup first,
    which is most of what that costs, some hundred times a page."""
    kind = type(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return] # as the line above says
    return _escape_inner(value) if kind is str else escape(value)


class Quick(Context):
    """Calls the shop's own functions without asking each time what they are."""

    def call(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """What Jinja does for a call in a template; of a function or method that wants nothing of the context, it is
        the call."""
        if type(function) not in FUNCTIONS:
            return super().call(function, *arguments, **named)
        if function is said or function is counted:
            arguments = (self.eval_ctx, *arguments)
        elif hasattr(function, "jinja_pass_arg"):
            return super().call(function, *arguments, **named)
        named.pop("_loop_vars", None)
        named.pop("_block_vars", None)
        return function(*arguments, **named)


class Page(Template):
    @classmethod
    def from_code(cls, *given: Any, **named: Any) -> Template:
        made = super().from_code(*given, **named)
        made.root_render_func.__globals__["escape"] = escaped
        return made


class Kept(Extension):
    """`{% kept card %}…{% endkept %}` makes what is inside once for all that it is made of, which stands in the tag,
    and the language; `theme check` finds what is missing there. What cannot be a key is made each time. Text and
    markup that read the same are one key, so a name there must always be the one or the other."""

    tags = {"kept"}  # noqa: RUF012 - Jinja's

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.made: dict[tuple[object, ...], Markup] = {}
        self.size = 0

    def bind(self, environment: Environment) -> "Kept":
        """For an overlay of the environment, which may escape otherwise and so keeps its own."""
        bound = super().bind(environment)
        bound.made, bound.size = {}, 0
        return bound

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        of: nodes.Expr = nodes.Tuple([], "load")
        if not parser.stream.current.test("block_end"):
            of = parser.parse_tuple(explicit_parentheses=True)
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        whole = nodes.Template(body)
        # Another template may fill a block with anything, which would be shown wherever the rest is the same.
        for block in whole.find_all(nodes.Block):
            parser.fail("A {% block %} cannot stand in a {% kept %}: take the {% kept %} away.", block.lineno)
        for name in whole.find_all(nodes.Name):
            if name.name in {"super", "self"}:
                parser.fail(f"{name.name} cannot stand in a {{% kept %}}.", name.lineno)
        place = nodes.Const(f"{parser.name} {parser.free_identifier().name}")
        return nodes.CallBlock(self.call_method("keep", [place, of]), [], [], body).set_lineno(line)

    def keep(self, place: str, of: object, caller: Any) -> Markup:
        """What the tag at `place` stands for: what `caller` makes of the values `of`."""
        key = (place, spoken().code, of)
        try:
            known = self.made.get(key)
        except TypeError:
            return caller()  # type: ignore[no-any-return] # Jinja's
        if known is None:
            known = caller()
            if self.size > MOST_KEPT:
                self.forget()
            self.size += len(known) + A_KEY
            self.made[key] = known
        return known

    def forget(self) -> None:
        """Make everything anew."""
        self.made.clear()
        self.size = 0


class Pages(Environment):
    """The environment of the shop's own templates."""

    context_class = Quick
    template_class = Page

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_extension(Kept)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`line.title` looks into a dict first. Jinja asks for an attribute and comes to the key by way of an
        exception, two hundred times a page. Of a named tuple there are its fields, and no `count` of a tuple's."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        if isinstance(obj, tuple) and attribute not in getattr(obj, "_fields", ()):
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def forget(self) -> None:
        """Read the templates anew, since one was saved."""
        if self.cache is not None:
            self.cache.clear()
        self.extensions[Kept.identifier].forget()  # type: ignore[attr-defined] # this one can
