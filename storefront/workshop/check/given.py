"""What a template is given, as the comment at its top declares it: {# given: cart, line (optional) #}."""

import re
from dataclasses import dataclass

TOP = re.compile(r"\A(?:\s*\{#(?!\s*given:).*?#\})*\s*\{#-?\s*given:(.*?)-?#\}", re.S)
ASIDE = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\{[^{}]*\}")
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Given:
    """Names that a template may use. Whoever includes it must have those that are `needed`."""

    needed: frozenset[str]
    optional: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return self.needed | self.optional


def given(source: str) -> Given | None:
    """The declaration at the top of a template; None when there is none. It ends with its first sentence: names
    between commas, each with an aside in brackets. "nothing" declares that there are none."""
    found = TOP.match(source)
    if found is None:
        return None
    needed: set[str] = set()
    optional: set[str] = set()
    sentence = ASIDE.sub(lambda aside: "?" if "optional" in aside[0] else "", found[1]).split(".")[0]
    for part in sentence.split(","):
        name = NAME.match(part.strip())
        if name and name[0] != "nothing":
            (optional if "?" in part else needed).add(name[0])
    return Given(frozenset(needed), frozenset(optional))
