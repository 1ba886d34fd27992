"""A theme: a folder whose templates/ and static/ lie over the shop's own."""

from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader

from storefront.settings import ROOT

# A theme's template finds the one that it lies over behind this: {% extends "shop/catalogue/product.html" %}.
SHOP = "shop"
THEME_STYLES = "css/theme.css"


def folders(theme: str, kind: str) -> list[Path]:
    """Where to look for files of a `kind` ("templates", "static"), the theme's before the shop's own."""
    return [*([Path(theme) / kind] if theme else []), ROOT / kind]


def loader(theme: str) -> BaseLoader:
    """Templates by their name, the theme's first; the shop's own also behind `shop/`."""
    own = FileSystemLoader(ROOT / "templates")
    return ChoiceLoader([FileSystemLoader(folders(theme, "templates")), PrefixLoader({SHOP: own})])
