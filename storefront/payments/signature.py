"""Whether a webhook really comes from Stripe (https://docs.stripe.com/webhooks#verify-manually)."""

import json
import re
import time
from collections.abc import Sequence
from typing import Any

TOLERANCE = 300
LATEST = 253_402_300_800  # the year 10000: beyond it no date can be made
UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
TIMESTAMP = re.compile(r"t=([0-9]{1,12})")


class BadSignature(Exception):
    """Missing, wrong or stale, or no event inside. Nothing of it may be stored."""


class NoEvent(BadSignature):
    """One of our secrets signed it, and yet it is no event."""


def verified_event(
    body: bytes, header: str | None, secrets: Sequence[str], at: float | None = None
) -> dict[str, Any]:
    """The event in `body` if one of `secrets` signed these very bytes within 300 seconds of `at` (now).

    Raises BadSignature. The SDK's check lets any future time pass and raises more than its own error for hostile
    input, hence the look at the time and the wide net.
    """
    at = time.time() if at is None else at
    if not header or not secrets:
        raise BadSignature("no signature, or no secret to check it with")
    if not header.isascii():
        raise BadSignature("the signature header is not ASCII")
    # One time and no other: with two, the one that was looked at need not be the one that was signed.
    stamps = [part for part in header.split(",") if part.partition("=")[0].strip() == "t"]
    stamp = TIMESTAMP.fullmatch(stamps[0]) if len(stamps) == 1 else None
    if stamp is None or abs(at - int(stamp[1])) > TOLERANCE:
        raise BadSignature("no time, more than one, or too far from now")
    if not any(_signed(body, header, secret) for secret in secrets):
        raise BadSignature("no secret fits")
    try:
        event = _storable(json.loads(body.decode("utf-8"), parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise NoEvent("the body is no JSON in UTF-8") from error
    if not _is_event(event):
        raise NoEvent("the body is no event")
    return dict(event)


def _storable(value: Any) -> Any:
    """The same without what PostgreSQL cannot keep in JSON: a NUL, half of a surrogate pair."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _signed(body: bytes, header: str, secret: str) -> bool:
    from stripe import WebhookSignature

    try:
        text = body.decode("utf-8")
        # No tolerance here: the time was looked at against our own clock already.
        return bool(WebhookSignature.verify_header(text, header, secret, None))
    except Exception:
        return False


def _is_event(event: object) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return False
    return (
        isinstance(event.get("id"), str)
        and 0 < len(event["id"]) <= 255
        and isinstance(event.get("type"), str)
        and len(event["type"]) <= 255
        and isinstance(event["data"].get("object"), dict)
        and isinstance(event.get("livemode"), bool)
        and isinstance(event.get("created"), int)
        and 0 <= event["created"] < LATEST
    )
