"""An invented catalogue: product number n is the same in every run, for everything about it follows from n.

Words are drawn as in real text (Zipf's law), so that searches meet words that thousands of products hold, and
makers whose name stands on one.
"""

import random
import tomllib
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from storefront.catalogue.search import folded
from storefront.money import smallest_step
from storefront.seed.demo import in_currency
from storefront.web.pictures import WIDTHS

HERE = Path(__file__).resolve().parent
MAKERS = 3000
FLAT = 3  # Mandelbrot's addition to Zipf's law
SKU = "BIG-{:07d}-{}"


@dataclass(frozen=True, slots=True)
class Words:
    """A list to draw from: the first word comes up in every tenth product or so, later ones ever more seldom."""

    words: Sequence[str]
    weights: Sequence[float]

    @classmethod
    def of(cls, words: Sequence[str]) -> "Words":
        return cls(words, list(accumulate(1 / (rank + FLAT) for rank in range(1, len(words) + 1))))

    def draw(self, dice: random.Random) -> str:
        return self.words[bisect(self.weights, dice.random() * self.weights[-1], hi=len(self.words) - 1)]


@dataclass(frozen=True, slots=True)
class Language:
    """What the catalogue is written with; `pictures` and `alts` are those of the demo, by thing."""

    adjectives: Words
    materials: Words
    things: Words
    makers: Words
    colours: list[str]
    verbs: Words
    places: Words
    uses: Words
    collections: list[str]
    pictures: dict[str, str]
    alts: dict[str, str]


def read_language() -> Language:
    """The words of big.toml, with the demo's pictures."""
    data = tomllib.loads((HERE / "big.toml").read_text("utf-8"))
    demo = tomllib.loads((HERE / "demo.toml").read_text("utf-8"))["products"]
    described = {row["slug"]: row["image_alt"] for row in demo}
    pictures: dict[str, str] = data["things"]
    dice = random.Random(0)  # noqa: S311 - names, not secrets
    return Language(
        things=Words.of(list(pictures)),
        makers=Words.of([_maker(dice) for _ in range(MAKERS)]),
        colours=data["colours"],
        collections=data["collections"],
        pictures=pictures,
        alts={thing: described[slug] for thing, slug in pictures.items()},
        **{name: Words.of(data[name]) for name in ("adjectives", "materials", "verbs", "places", "uses")},
    )


def _maker(dice: random.Random) -> str:
    syllables = ("".join(dice.choices(["b", "d", "f", "gr", "h", "k", "l", "m", "n", "r", "st", "v"])) + vowel
                 for vowel in dice.choices(["a", "e", "i", "o", "u", "ei", "en", "or"], k=3))  # fmt: skip
    return "".join(syllables).capitalize()


@dataclass(frozen=True, slots=True)
class Made:
    """One product's rows; those of other tables still lack the product's id."""

    product: dict[str, Any]
    variants: list[dict[str, Any]]
    image: dict[str, Any]
    collections: list[str]


def make_product(language: Language, number: int, currency: str) -> Made:
    """Product `number` with everything that belongs to it."""
    dice = random.Random(number)  # noqa: S311
    thing, material, maker = (
        words.draw(dice) for words in (language.things, language.materials, language.makers)
    )
    title = f"{language.adjectives.draw(dice).capitalize()} {material} {thing} by {maker}"
    sentences = [
        f"{language.verbs.draw(dice).capitalize()} {language.places.draw(dice)} from {language.adjectives.draw(dice)} "
        f"{language.materials.draw(dice)}, for {language.uses.draw(dice)}."
        for _ in range(dice.randint(3, 6))
    ]
    variants = _variants(language, dice, number, currency)
    summary, description = sentences[0], "\n\n".join(sentences[1:])
    colours = " ".join(variant["title"] for variant in variants)
    product = {
        "slug": f"{folded(title).replace(' ', '-')}-{number}",
        "title": title,
        "summary": summary,
        "description": description,
        "details": [["Material", material.capitalize()], ["Made by", maker]],
        "status": "active",
        "option": "Colour" if len(variants) > 1 else "",
        "position": 1000 + number,
        "price": min(variant["price"] for variant in variants),
        "search_title": folded(title),
        "search_text": folded(f"{colours} {summary} {description}"),
    }
    image = {
        "path": language.pictures[thing],
        "alt": language.alts[thing],
        "width": WIDTHS[-1],
        "height": WIDTHS[-1],
        "position": 0,
    }
    return Made(product, variants, image, dice.sample(language.collections, dice.choice([1, 1, 2])))


def _variants(language: Language, dice: random.Random, number: int, currency: str) -> list[dict[str, Any]]:
    """One to four variants. One product in 20 is sold out, and one variant in 20 nearly so."""
    colours = dice.sample(language.colours, dice.choices([1, 2, 3, 4], weights=[4, 3, 2, 1])[0])
    price = in_currency(round(dice.lognormvariate(8, 0.7) / 50) * 50 + 250, currency)
    sold_out = dice.random() < 0.05
    return [
        {
            "sku": SKU.format(number, position + 1),
            "title": colour.capitalize() if len(colours) > 1 else "",
            "price": _whole(price * (10 + position) // 10, currency),
            "currency": currency,
            "on_hand": 0
            if sold_out
            else dice.choice([1, 2])
            if dice.random() < 0.05
            else dice.randint(50, 500),
            "position": position,
        }
        for position, colour in enumerate(colours)
    ]


def _whole(amount: int, currency: str) -> int:
    return amount - amount % smallest_step(currency)
