"""Identifiers that look like Stripe's: a prefix and letters and digits nobody can guess."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_LENGTHS = {"cs_test_a1": 56, "req_": 14, "li_": 24, "": 8, "prod_": 14}


def new_id(prefix: str) -> str:
    """A new identifier such as pi_3…, with the length that Stripe's have."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTHS.get(prefix, 23)))
