"""How a page is written down: its name, what it is called in the gallery, and how it is made."""

from collections.abc import Callable
from typing import TypeAlias

from storefront.web.templates import Templates

# Given the templates and the currency.
Make: TypeAlias = Callable[[Templates, str], str]
Pages: TypeAlias = tuple[tuple[str, str, Make], ...]
