"""Stripe's test cards (docs.stripe.com/testing) and what each of them does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from storefront.sandbox.books import Obj


@dataclass(frozen=True)
class Card:
    """A test card. `decline` is Stripe's decline code; `refunds` says how its refunds go."""

    number: str
    does: str
    code: str | None = None
    decline: str | None = None
    message: str = ""
    asks: bool = False
    refunds: str = "succeeded"
    exp_month: int = 12
    exp_year: int = 2040

    @property
    def brand(self) -> str:
        """visa, mastercard or amex."""
        return {"3": "amex", "5": "mastercard"}.get(self.number[0], "visa")

    def details(self) -> Obj:
        """The card as payment methods show it."""
        return {
            "brand": self.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": self.brand,
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "fingerprint": f"sandbox{self.number[-4:]}",
            "funding": "credit",
            "generated_from": None,
            "last4": self.number[-4:],
            "networks": {"available": [self.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }

    def charged(self, amount: int, *, authenticated: bool) -> Obj:
        """The card as charges show it; amount in minor units."""
        shown = {name: value for name, value in self.details().items() if name in _SHOWN_ON_CHARGES}
        secure: Obj = {"authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0"}
        rest = {"electronic_commerce_indicator": "05", "result_reason": None, "transaction_id": None}
        return shown | {
            "amount_authorized": amount,
            "installments": None,
            "mandate": None,
            "network": self.brand,
            "three_d_secure": secure | rest if authenticated else None,
        }


_SHOWN_ON_CHARGES = (
    "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet",
)  # fmt: skip

CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "pays"),
        Card("5555555555554444", "pays (Mastercard)"),
        Card(
            "4000000000000002", "is declined", "card_declined", "generic_decline", "Your card was declined."
        ),
        Card(
            "4000000000009995",
            "has insufficient funds",
            "card_declined",
            "insufficient_funds",
            "Your card has insufficient funds.",
        ),
        Card("4000000000000069", "has expired", "expired_card", "expired_card", "Your card has expired."),
        Card(
            "4000000000000127",
            "has another security code",
            "incorrect_cvc",
            "incorrect_cvc",
            "Your card's security code is incorrect.",
        ),
        Card("4000002760003184", "asks for 3-D Secure", asks=True),
        Card("4000000000007726", "pays; its refunds are pending first", refunds="pending"),
        Card("4000000000005126", "pays; its refunds fail later", refunds="fails"),
    )
}
DECLINED_BY = {card.decline: card.number for card in CARDS.values() if card.decline}


class CardMistake(Exception):
    """What was typed is no card; `field` names the input."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_card(number: str, expiry: str, cvc: str, now: int) -> Card:
    """The test card that was typed: number, expiry as MM / YY, security code."""
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"[0-9]{12,19}", digits) or not _luhn(digits):
        raise CardMistake("number", "Your card number is invalid.")
    if digits not in CARDS:
        raise CardMistake("number", "This is no test card. The sandbox only takes the cards listed below.")
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*[/ -]?\s*((?:20)?[0-9]{2})\s*", expiry)
    if match is None:
        raise CardMistake("expiry", "Your card's expiration date is incomplete.")
    month, year = int(match[1]), 2000 + int(match[2][-2:])
    today = datetime.fromtimestamp(now, UTC)
    if (year, month) < (today.year, today.month):
        raise CardMistake("expiry", "Your card's expiration date is in the past.")
    if not re.fullmatch(r"[0-9]{3,4}", cvc.strip()):
        raise CardMistake("cvc", "Your card's security code is incomplete.")
    return replace(CARDS[digits], exp_month=month, exp_year=year)


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0
