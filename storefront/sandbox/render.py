"""Templates, and the headers that every page of the sandbox carries."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from storefront.sandbox.asgi import Answer
from storefront.sandbox.currencies import shown

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


def page(status: int, template: str, *, forms_to: tuple[str, ...] = (), **names: Any) -> Answer:
    """A page; `forms_to`: addresses its forms may lead to (browsers check redirects after a post too)."""
    text = _environment().get_template(template).render(**names)
    policy = " ".join([_POLICY, *sorted({origin(address) for address in forms_to})])
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
    return Answer(status, text.encode(), headers)


def see_other(address: str) -> Answer:
    """303 to another page."""
    return Answer(303, b"", {"location": address, "cache-control": "no-store"})


def style() -> Answer:
    """The one stylesheet."""
    headers = {"content-type": "text/css; charset=utf-8", "cache-control": "max-age=60"}
    return Answer(200, (_HERE / "static" / "sandbox.css").read_bytes(), headers)


def origin(address: str) -> str:
    """scheme://host:port of an address."""
    url = urlsplit(address)
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["money"] = shown
    environment.filters["moment"] = lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return environment
