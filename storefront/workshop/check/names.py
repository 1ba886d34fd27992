"""What a template asks for: other templates, filters, tests, files, and names."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from jinja2 import Environment, TemplateAssertionError, meta, nodes

from storefront.workshop.check.given import Given
from storefront.workshop.explain import close, meant

HOLES = ("badge", "notice", "offer")
# What these bring at the top of a template is there in its blocks, too.
SETS = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport)
# Whoever is asked for a template: the tag as it is written.
ASKS = {
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
}


def templates_asked_for(tree: nodes.Template) -> Iterator[tuple[int, str, list[str], nodes.Node]]:
    """Line, tag, and the names that are tried, of each tag that names its template outright."""
    for node in tree.find_all(tuple(ASKS)):
        names = named(node)
        if names is not None and not getattr(node, "ignore_missing", False):
            yield node.lineno, ASKS[type(node)], names, node


def named(node: Any) -> list[str] | None:
    """The names that a tag tries; None where they are not written out."""
    wanted = node.template
    many = wanted.items if isinstance(wanted, nodes.List | nodes.Tuple) else [wanted]
    names = [one.value for one in many if isinstance(one, nodes.Const)]
    return names if len(names) == len(many) else None


def unknown_words(tree: nodes.Template, environment: Environment) -> Iterator[tuple[int, str]]:
    """Filters and tests that there are not."""
    for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
        word = kind.__name__.lower()
        for node in tree.find_all(kind):
            if node.name not in known:
                yield node.lineno, f"There is no {word} {node.name!r}.{meant(close(node.name, known))}"


def unknown_calls(tree: nodes.Template, asset: Any, files: list[str]) -> Iterator[tuple[int, str]]:
    """Static files and holes that there are not."""
    for call in tree.find_all(nodes.Call):
        if (
            not isinstance(call.node, nodes.Name)
            or not call.args
            or not isinstance(call.args[0], nodes.Const)
        ):
            continue
        name, value = call.node.name, str(call.args[0].value)
        if name == "hole" and value not in HOLES:
            yield call.lineno, f"There is no hole {value!r}; there are {', '.join(HOLES)}."
        if name == "asset":
            try:
                asset(value)
            except LookupError:
                yield call.lineno, f"There is no static/{value}.{meant(close(value, files))}"


def undeclared(
    tree: nodes.Template, declared: Given, globals_: Mapping[str, Any]
) -> Iterator[tuple[int, str]]:
    """Names that the template uses and is not given."""
    # Jinja takes a name that is set within an `if` for one that may come from outside.
    known = (
        declared.names | set(globals_) | {name for node in tree.find_all(SETS) for name in brought_by(node)}
    )
    for name in sorted(read_from_outside(tree) - known):
        lines = [
            node.lineno for node in tree.find_all(nodes.Name) if node.name == name and node.ctx == "load"
        ]
        yield (
            min(lines, default=1),
            f"{name!r} is not among what this template is given.{meant(close(name, known))}",
        )


def read_from_outside(tree: nodes.Template) -> set[str]:
    # An unknown filter or test stops Jinja here; each has been said by then.
    with suppress(TemplateAssertionError):
        return meta.find_undeclared_variables(tree)
    return set()


def lacking(
    tree: nodes.Template, have: frozenset[str], needs: Mapping[str, Given | None]
) -> Iterator[tuple[int, str]]:
    """Included templates that need what is not there where they are included. `have` is what this one is given."""
    for tag, there in includes(tree, have):
        names = tag.template.value if isinstance(tag.template, nodes.Const) else ""
        wanted = needs.get(names)
        missing = sorted(wanted.needed - there) if wanted else []
        if missing:
            yield tag.lineno, f"{names} is not given {', '.join(missing)} here."


def includes(node: nodes.Node, there: frozenset[str]) -> Iterator[tuple[nodes.Include, frozenset[str]]]:
    """Each include below `node`, with the names that can be seen from it."""
    for child in node.iter_child_nodes():
        inside = there | brought_by(child)
        if isinstance(child, nodes.Include):
            yield child, there if child.with_context else frozenset()
        yield from includes(child, inside)
        if isinstance(
            child, nodes.Assign | nodes.AssignBlock | nodes.Import | nodes.FromImport | nodes.Macro
        ):
            there |= brought_by(child)


def brought_by(node: nodes.Node) -> frozenset[str]:
    """Names that a tag brings to what stands in it, or after it."""
    targets: list[Any] = []
    if isinstance(node, nodes.For):
        targets = [node.target, nodes.Name("loop", "store")]
    elif isinstance(node, nodes.With):
        targets = list(node.targets)
    elif isinstance(node, nodes.Assign | nodes.AssignBlock):
        targets = [node.target]
    elif isinstance(node, nodes.Macro | nodes.CallBlock):
        targets = list(node.args)
    names = {
        one.name
        for target in targets
        for one in [target, *target.find_all(nodes.Name)]
        if isinstance(one, nodes.Name)
    }
    if isinstance(node, nodes.Import):
        names.add(node.target)
    elif isinstance(node, nodes.FromImport):
        names |= {one if isinstance(one, str) else one[1] for one in node.names}
    elif isinstance(node, nodes.Macro):
        names.add(node.name)
    return frozenset(names)
