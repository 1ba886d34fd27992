"""A small Stripe for development, demos and tests. Imports nothing of the shop.

    sandbox = Sandbox(path, deliver)       # see sandbox.py
    sandbox.api, sandbox.pages             # two ASGI apps
    await sandbox.start(); await sandbox.stop()

What it does, rule by rule and beside the Stripe page that each follows: docs/sandbox.md.
The class is imported when it is first asked for, so that a shop with a real key pays nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> object:
    if name == "Sandbox":
        from storefront.sandbox.sandbox import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
