"""An answer of the shop as a browser without JavaScript takes it in: elements, words, forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

import httpx

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
Pairs = list[tuple[str, str]]


@dataclass
class Node:
    """An element. `parts` are its texts and children in their order."""

    tag: str
    attrs: dict[str, str]
    parts: list[Node | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node]:
        """This element and all inside, in the order of the page."""
        yield self
        for part in self.parts:
            if isinstance(part, Node):
                yield from part

    @property
    def text(self) -> str:
        """Its words, with single spaces."""
        words = [part.text if isinstance(part, Node) else part for part in self.parts]
        return " ".join(" ".join(words).split())

    def all(self, tag: str = "", **attrs: str) -> list[Node]:
        """Elements inside with this tag and these attributes (class_name is class, _ is -)."""
        wanted = {name.replace("class_name", "class").replace("_", "-"): attrs[name] for name in attrs}
        return [
            node
            for node in self
            if tag in {"", node.tag} and all(node.attrs.get(name) == wanted[name] for name in wanted)
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(text: str) -> Node:
    """HTML as a tree."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.open[0]


@dataclass
class Form:
    """A form with what a browser would send of it (https://html.spec.whatwg.org/#constructing-form-data-set)."""

    node: Node

    @property
    def action(self) -> str:
        return self.node.attrs["action"]

    @property
    def buttons(self) -> list[Node]:
        return [node for node in self.node.all("button") if node.attrs.get("type", "submit") == "submit"]

    def filled(self, changes: dict[str, str], button: Node | None) -> Pairs:
        """The pairs to send when `button` is pressed, with `changes` typed in. Fails for a field that is not there."""
        pairs: Pairs = []
        for node in self.node:
            if "name" in node.attrs and "disabled" not in node.attrs:
                pairs += [(node.attrs["name"], value) for value in _values(node, changes)]
        missing = changes.keys() - {name for name, _ in pairs}
        assert not missing, f"the form has no field {missing}"
        if button is not None and "name" in button.attrs:
            pairs.append((button.attrs["name"], button.attrs.get("value", "")))
        return pairs


def _values(node: Node, changes: dict[str, str]) -> list[str]:
    change = changes.get(node.attrs["name"])
    match node.tag, node.attrs.get("type", ""):
        case "input", "radio" | "checkbox":
            value = node.attrs.get("value", "on")
            chosen = change == value if change is not None else "checked" in node.attrs
            return [value] if chosen else []
        case "input", _:
            return [node.attrs.get("value", "") if change is None else change]
        case "textarea", _:
            text = "".join(part for part in node.parts if isinstance(part, str))
            return [text.removeprefix("\n") if change is None else change]
        case "select", _:
            options = node.all("option")
            chosen_option = next((one for one in options if "selected" in one.attrs), options[0])
            return [chosen_option.attrs.get("value", chosen_option.text) if change is None else change]
    return []


class Answer:
    """What came back: status, headers, and the page in it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.text

    @property
    def location(self) -> str:
        """Where it sends the shopper, by 303 or by HX-Redirect."""
        return str(self.headers.get("hx-redirect") or self.headers.get("location", ""))

    @cached_property
    def root(self) -> Node:
        return read(self.text)

    @property
    def words(self) -> str:
        """Everything that can be read in the body."""
        bodies = self.root.all("body")
        return (bodies[0] if bodies else self.root).text

    def element(self, identity: str) -> Node:
        """The one element with this id."""
        found = self.root.all(id=identity)
        assert len(found) == 1, f"{len(found)} elements have the id {identity!r}: {self}"
        return found[0]

    def has(self, identity: str) -> bool:
        return bool(self.root.all(id=identity))

    def form(self, action: str) -> Form:
        """The first form with this action."""
        found = self.root.all("form", action=action)
        assert found, f"no form posts to {action!r}: {self}"
        return Form(found[0])

    @property
    def status_of_order(self) -> str:
        return self.element("order-status").attrs["data-status"]

    def __repr__(self) -> str:
        return (
            f"<{self.status} {self.response.request.method} {self.response.request.url}: {self.words[:600]}>"
        )
