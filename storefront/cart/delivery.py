"""What delivery costs: a table of rates by zone of countries, flat, free from an amount."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from storefront.cart.models import DeliveryRate
from storefront.glance import Reader
from storefront.language import later

EVERYWHERE = "*"
# The demo's own words (storefront/seed/delivery.toml) are said in each language; other ones as their owner wrote them.
DEMO = (
    later("Standard delivery"),
    later("Express delivery"),
    later("International delivery"),
    later("1 to 2 working days"),
    later("3 to 4 working days"),
    later("3 to 5 working days"),
    later("6 to 9 working days"),
    later("8 to 15 working days"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of the table; amounts in minor units of the shop's currency."""

    countries: tuple[str, ...]
    code: str
    title: str
    detail: str
    amount: int
    free_from: int | None

    def cost(self, subtotal: int) -> int:
        """What delivery costs for goods of `subtotal`."""
        return 0 if self.free_from is not None and subtotal >= self.free_from else self.amount


RATES = select(
    DeliveryRate.countries,
    DeliveryRate.code,
    DeliveryRate.title,
    DeliveryRate.detail,
    DeliveryRate.amount,
    DeliveryRate.free_from,
).order_by(DeliveryRate.position, DeliveryRate.id)


async def read_rates(reader: Reader) -> list[Rate]:
    """The whole table, in its order: the first zone is the shop's own."""
    rows = (await reader.execute(RATES)).all()
    return [Rate(tuple(countries), *rest) for countries, *rest in rows]


def rates_for(rates: Sequence[Rate], country: str) -> list[Rate]:
    """The rates offered to `country`: its own zone's, else those for everywhere; nothing where we do not deliver."""
    own = [rate for rate in rates if country in rate.countries]
    return own or [rate for rate in rates if EVERYWHERE in rate.countries]


def countries_of(rates: Iterable[Rate], all_countries: Iterable[str]) -> set[str]:
    """The countries that the shop delivers to."""
    named = {country for rate in rates for country in rate.countries}
    return set(all_countries) if EVERYWHERE in named else named


def home_country(rates: Sequence[Rate]) -> str:
    """The first country of the first zone: what an estimate and a new checkout form begin with."""
    return next((country for rate in rates for country in rate.countries if country != EVERYWHERE), "")


def cheapest(rates: Sequence[Rate], subtotal: int) -> Rate | None:
    return min(rates, key=lambda rate: rate.cost(subtotal), default=None)
