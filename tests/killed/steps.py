"""The named steps of the shop, found in its sources, so that a new one is covered by itself."""

import ast
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "storefront"


def named_steps() -> dict[str, str]:
    """Every name that is given to `storefront.steps.step`, with the file and line where that stands."""
    found: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for call in _calls(tree) if _knows_steps(tree) else []:
            (name,) = call.args
            where = f"{path.relative_to(SOURCES.parent)}:{call.lineno}"
            assert isinstance(name, ast.Constant), f"{where}: a step's name is written out"
            assert name.value not in found, (
                f"{where}: {name.value!r} is named at {found[str(name.value)]} too"
            )
            found[str(name.value)] = where
    return found


def _knows_steps(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == "storefront.steps" for node in tree.body)


def _calls(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "step"
    ]
