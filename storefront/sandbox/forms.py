"""Form bodies and query strings, nested the way Stripe nests them: a[b][0][c]=1.

docs.stripe.com/api: the API takes form-encoded bodies and gives JSON.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from storefront.sandbox.errors import ApiError, refuse

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
MOST_FIELDS = 2000


def parse_form(text: str) -> dict[str, Any]:
    """Nested dicts, lists and strings. Raises ApiError for a body that cannot be read one way only."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as problem:
        raise refuse(f"Invalid request: the form body cannot be read ({problem}).") from None
    tree: dict[str, Any] = {}
    for key, value in pairs:
        _plant(tree, key, value)
    return {name: _lists(value) for name, value in tree.items()}


def _plant(tree: dict[str, Any], key: str, value: str) -> None:
    match = _KEY.fullmatch(key)
    path = [match[1], *_PART.findall(match[2])] if match else []
    if not 1 <= len(path) <= 10:
        raise refuse(f"Invalid request: malformed parameter name {key[:80]!r}.")
    node = tree
    for part in path[:-1]:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise _twice(key)
        node = child
    last = path[-1] or str(len(node))
    if last in node:
        raise _twice(key)
    node[last] = value


def _twice(key: str) -> ApiError:
    return refuse(f"Invalid request: {key[:80]} was given twice.", param=key[:80])


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    inner = {key: _lists(value) for key, value in node.items()}
    if inner and all(key.isdecimal() for key in inner):
        numbers = sorted(inner, key=int)
        if [int(number) for number in numbers] == list(range(len(numbers))):
            return [inner[number] for number in numbers]
    return inner
