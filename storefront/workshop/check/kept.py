"""What stands in a `{% kept %}` and not in its tag (`storefront.web.environment`)."""

from collections.abc import Iterator, Mapping

from jinja2 import Environment, nodes

from storefront.workshop.check.given import Given
from storefront.workshop.check.names import SETS, brought_by, includes, named, read_from_outside

IMPORTS = (nodes.Import, nodes.FromImport)
BRINGS = (*SETS, nodes.For, nodes.With, nodes.Macro)
OF_MACROS = {"caller", "kwargs", "varargs"}
ADD = "add it there; what is more than a name is given one by {% set %} before."


def not_kept_by(
    tree: nodes.Template, have: frozenset[str], environment: Environment, needs: Mapping[str, Given | None]
) -> Iterator[tuple[int, str]]:
    """Names in a `kept` that its tag lacks: everybody would be shown what they were for the first one."""
    everywhere = set(environment.globals) | OF_MACROS
    seen = (have | {name for node in tree.find_all(BRINGS) for name in brought_by(node)}) - everywhere
    imported = {name for node in tree.find_all((*IMPORTS, nodes.Macro)) for name in brought_by(node)}
    for block in tree.find_all(nodes.CallBlock):
        if not isinstance(block.call.node, nodes.ExtensionAttribute):
            continue
        key = block.call.args[-1]
        keys = {_chain(one) for one in (key.items if isinstance(key, nodes.Tuple) else [key])}
        inside = nodes.Template(block.body)
        inside.set_environment(environment)
        outside = read_from_outside(inside) - everywhere
        used = {chain: line for chain, line in _chains(inside) if chain[0] in outside}
        for tag, there in includes(inside, frozenset()):
            names = named(tag)
            if names is None:
                yield tag.lineno, "What is included in a {% kept %} must be named outright."
            given = {one for name in names or () if (wanted := needs.get(name)) for one in wanted.names}
            used |= {(name,): tag.lineno for name in given & seen - there}
        for chain, line in sorted(used.items()):
            if not any(chain[: place + 1] in keys for place in range(len(chain))):
                text = f"{'.'.join(chain)} is not among what stands in the {{% kept %}} around it: "
                yield line, text + ("import it inside." if chain[0] in imported else ADD)
        for brings in inside.find_all(IMPORTS):
            if brings.with_context:  # type: ignore[attr-defined] # both have it
                yield brings.lineno, "What is imported in a {% kept %} must not be given the context."


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
