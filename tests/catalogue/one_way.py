"""Stripe's catalogue is read, never written: what a call or a line of source would have to look like to break that."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "storefront"
THINGS = ("products", "prices", "promotion_codes")
READS = {"list", "list_async", "retrieve", "retrieve_async", "search", "search_async", "auto_paging_iter"}
A_WRITE = re.compile(rf"(?!GET )\w+ /v1/(?:{'|'.join(THINGS)})\b")


def catalogue_writes(calls: Iterable[str]) -> list[str]:
    """Those of `calls` ("POST /v1/products") that write to Stripe's catalogue."""
    return [call for call in calls if A_WRITE.match(call)]


def writing_lines(sources: Path = SOURCES) -> list[str]:
    """Lines of the shop that use the SDK's products, prices or promotion codes for anything but reading."""
    files = [path for path in sources.rglob("*.py") if "sandbox" not in path.parts]
    return [
        f"{path.relative_to(sources)}:{node.lineno} {'.'.join(names)}"
        for path in sorted(files)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        for names in [_chain(node)]
        if len(names) > 1 and names[-2] in THINGS and "v1" in names and names[-1] not in READS
    ]


def _chain(node: ast.expr) -> list[str]:
    """The names of a.b.c, the last one last."""
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else ["?"]
