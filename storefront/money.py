"""Money: a whole number of the currency's smallest unit beside an ISO 4217 code."""

import re
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.core import Locale, get_global

from storefront.language import spoken

# https://docs.stripe.com/currencies#zero-decimal and #three-decimal: how many decimals Stripe's amounts have.
# ISK and UGX have no decimals any more, yet Stripe goes on taking them with two, which must be zero.
ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())
WHOLE_UNITS_ONLY = frozenset({"ISK", "UGX"})

# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in minor units. For currencies that
# Stripe does not list, the shop asks for 50 minor units (the US dollar's) and leaves the rest to Stripe.
MINIMUM_CHARGE = {
    "USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300,
    "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}  # fmt: skip
MAXIMUM_CHARGE = 99_999_999
# KWD 12.500, not KWD12.500: CLDR's rule for codes beside numbers, which Babel does not apply.
LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


# Of ISO 4217's codes that begin with X, those that are money; the others are metals, funds and tests.
ACROSS_COUNTRIES = frozenset("XAF XCD XCG XOF XPF".split())


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the smallest unit of `currency` (cents for USD, yen for JPY, thousandths for KWD)."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.amount

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)

    @property
    def payable(self) -> bool:
        """Whether Stripe can take this amount: nothing to pay, or between its minimum and eight digits."""
        return self.amount == 0 or self.least <= self.amount <= MAXIMUM_CHARGE

    @property
    def least(self) -> int:
        """The least that Stripe takes in this currency, in minor units."""
        return MINIMUM_CHARGE.get(self.currency, 50)


def decimals(currency: str) -> int:
    """How many decimals an amount in `currency` has, by Stripe's table."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def smallest_step(currency: str) -> int:
    """Amounts must be a multiple of this many minor units, or Stripe refuses them."""
    if currency in WHOLE_UNITS_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def is_currency(code: str) -> bool:
    """True for a code of ISO 4217 that stands for money."""
    return code in get_global("all_currencies") and (code[0] != "X" or code in ACROSS_COUNTRIES)


def format_money(amount: int, currency: str, locale: str = "") -> str:
    """`amount` minor units as people write it: $18.00, €4.90, ¥1,200; in the spoken language, or by `locale`."""
    return _formatted(amount, currency, locale or spoken().locale)


@lru_cache(maxsize=4096)
def _formatted(amount: int, currency: str, locale: str) -> str:
    places = decimals(currency)
    shown = 0 if currency in WHOLE_UNITS_ONLY else places
    parsed = Locale.parse(locale)
    pattern = copy(parsed.currency_formats["standard"])
    pattern.frac_prec = (shown, shown)
    value = Decimal(amount).scaleb(-places)
    text = str(pattern.apply(value, parsed, currency=currency, currency_digits=False))
    return LETTER_BEFORE_DIGIT.sub("\u00a0", text)
