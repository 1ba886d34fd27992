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
BRINGS = (*SETS, nodes.For, nodes.With, nodes.Macro)
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
        wanted: Any = node.template  # type: ignore[attr-defined] # all four have one
        many = wanted.items if isinstance(wanted, nodes.List | nodes.Tuple) else [wanted]
        names = [one.value for one in many if isinstance(one, nodes.Const)]
        if len(names) == len(many) and not getattr(node, "ignore_missing", False):
            yield node.lineno, ASKS[type(node)], names, node


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
    known = declared.names | set(globals_) | {name for node in tree.find_all(SETS) for name in _brought(node)}
    # An unknown filter or test stops Jinja here; each has been said by then.
    wanted: set[str] = set()
    with suppress(TemplateAssertionError):
        wanted = meta.find_undeclared_variables(tree)
    for name in sorted(wanted - known):
        lines = [
            node.lineno for node in tree.find_all(nodes.Name) if node.name == name and node.ctx == "load"
        ]
        yield (
            min(lines, default=1),
            f"{name!r} is not among what this template is given.{meant(close(name, known))}",
        )


def lacking(
    tree: nodes.Template, have: frozenset[str], needs: Mapping[str, Given | None]
) -> Iterator[tuple[int, str]]:
    """Included templates that need what is not there where they are included. `have` is what this one is given."""
    for tag, there in _includes(tree, have):
        names = tag.template.value if isinstance(tag.template, nodes.Const) else ""
        wanted = needs.get(names)
        missing = sorted(wanted.needed - there) if wanted else []
        if missing:
            yield tag.lineno, f"{names} is not given {', '.join(missing)} here."


def not_kept_by(
    tree: nodes.Template, globals_: Mapping[str, Any], needs: Mapping[str, Given | None]
) -> Iterator[tuple[int, str]]:
    """Names in a `kept` that its tag lacks: everybody would be shown what they were for the first one."""
    for block in tree.find_all(nodes.CallBlock):
        key = block.call.args[-1] if isinstance(block.call.node, nodes.ExtensionAttribute) else None
        if key is None:
            continue
        keys = {_chain(one) for one in (key.items if isinstance(key, nodes.Tuple) else [key])}
        own = {name for node in block.find_all(BRINGS) for name in _brought(node)} - _brought(block)
        used = {chain: line for inside in block.body for chain, line in _chains(inside)}
        for tag in block.find_all(nodes.Include):
            there = needs.get(tag.template.value) if isinstance(tag.template, nodes.Const) else None
            used |= {(name,): tag.lineno for name in (there.needed if there else ())}
        for chain, line in sorted(used.items()):
            known = chain[0] in own or chain[0] in globals_
            if not known and not any(chain[: place + 1] in keys for place in range(len(chain))):
                yield line, f"{'.'.join(chain)} is not among what stands in the {{% kept %}} around it."


def _chains(node: nodes.Node) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each name below `node` that is read, with the attributes that are asked of it."""
    chain = _chain(node)
    if chain:
        yield chain, node.lineno
        return
    for child in node.iter_child_nodes():
        yield from _chains(child)


def _chain(node: nodes.Node) -> tuple[str, ...]:
    """`page.nav` as ("page", "nav"); nothing for what is no name."""
    if isinstance(node, nodes.Name):
        return (node.name,) if node.ctx == "load" else ()
    if isinstance(node, nodes.Getattr):
        before = _chain(node.node)
        return (*before, node.attr) if before else ()
    return ()


def _includes(node: nodes.Node, there: frozenset[str]) -> Iterator[tuple[nodes.Include, frozenset[str]]]:
    """Each include below `node`, with the names that can be seen from it."""
    for child in node.iter_child_nodes():
        inside = there | _brought(child)
        if isinstance(child, nodes.Include):
            yield child, there if child.with_context else frozenset()
        yield from _includes(child, inside)
        if isinstance(
            child, nodes.Assign | nodes.AssignBlock | nodes.Import | nodes.FromImport | nodes.Macro
        ):
            there |= _brought(child)


def _brought(node: nodes.Node) -> frozenset[str]:
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
