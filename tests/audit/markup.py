"""The Nu HTML checker over every page, and stylelint over the styles."""

import json
import re
from pathlib import Path

from storefront.settings import ROOT
from tests.audit.tools import NU, STYLELINT, run

# The checker does not know htmx's attributes and element, nor of the HTML standard `closedby` of dialogs and, of links
# that are rel="expect", `blocking`: https://html.spec.whatwg.org/multipage/links.html#link-type-expect
NOT_KNOWN_YET = re.compile(r"hx-|“closedby”|with a “blocking” attribute must have a “rel” attribute")
RULES = {
    "extends": "stylelint-config-standard",
    "rules": {
        # The names of custom properties and classes are a designer's; the files are written one rule a line.
        "custom-property-empty-line-before": None,
        "declaration-block-single-line-max-declarations": None,
        "rule-empty-line-before": None,
        "comment-empty-line-before": None,
        "at-rule-empty-line-before": None,
        "declaration-empty-line-before": None,
        "no-descending-specificity": None,
        "property-no-vendor-prefix": None,
        # A marker of scrolling that stylelint does not know yet.
        "selector-pseudo-class-no-unknown": [True, {"ignorePseudoClasses": ["target-current"]}],
        # As colour tools write them; and the names of typefaces.
        "hue-degree-notation": None,
        "value-keyword-case": ["lower", {"ignoreProperties": ["/^--/"]}],
    },
}


def markup(pages: dict[str, str], folder: Path) -> list[str]:
    """What the Nu checker finds in the pages (HTML by name), as `name:line: what`."""
    files = {}
    for name, text in pages.items():
        files[name] = folder / f"{name}.html"
        files[name].write_text(text)
    said = run(
        (NU,),
        "vnu",
        "--format",
        "json",
        "--stdout",
        "--exit-zero-always",
        *map(str, files.values()),
        folder=folder,
    )
    messages = json.loads(said[said.index("{") : said.rindex("}") + 1])["messages"]
    return [
        f"{Path(one['url']).stem}:{one.get('lastLine', '?')}: {one['message']}"
        for one in messages
        if one["type"] == "error" and not NOT_KNOWN_YET.search(one["message"])
    ]


def styles(folder: Path) -> list[str]:
    """What stylelint finds in the shop's own styles, as `file:line: what`."""
    rules = folder / "stylelint.json"
    rules.write_text(json.dumps(RULES))
    (folder / "package.json").write_text("{}")
    files = [str(path) for path in sorted((ROOT / "static" / "css").glob("*.css"))]
    words = ("stylelint", "--formatter", "json", "--config", str(rules), "--config-basedir", _home(folder))
    said = run(STYLELINT, *words, *files, folder=folder)
    found = json.loads(said[said.index("[") : said.rindex("]") + 1])
    return [
        f"{Path(one['source']).name}:{warning['line']}: {warning['text']}"
        for one in found
        for warning in one["warnings"]
    ]


def _home(folder: Path) -> str:
    """Where npm put the packages: stylelint looks for what it extends from there."""
    said = run(STYLELINT, "node", "-p", "process.env.PATH.split(':')[0]", folder=folder)
    return str(Path(said.strip().splitlines()[-1]).parent.parent)
