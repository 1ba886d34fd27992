"""Names that the shop makes for products that come from elsewhere: slugs, SKUs, summaries."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.models import Product

NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")
LONGEST_SLUG = 80
LONGEST_SUMMARY = 155


async def new_slugs(session: AsyncSession, titles: Mapping[str, str]) -> dict[str, str]:
    """A free slug for each title, by the foreign id under which it stands; one that is taken gets a tail that is made
    from that id."""
    wanted = {identity: (_slug(title) or "product", _tail(identity)) for identity, title in titles.items()}
    tried = {one for plain, tail in wanted.values() for one in (plain, f"{plain}-{tail}")}
    taken = set(await session.scalars(select(Product.slug).where(Product.slug.in_(tried))))
    found = {}
    for identity, (plain, tail) in wanted.items():
        found[identity] = f"{plain}-{tail}" if plain in taken else plain
        taken.add(found[identity])
    return found


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).casefold().encode("ascii", "ignore").decode()
    return NOT_IN_SLUGS.sub("-", plain).strip("-")[:LONGEST_SLUG].strip("-")


def _tail(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:10]


def new_sku(identity: str, taken: Collection[str]) -> str:
    """A price's id as a SKU, with a number where that is another variant's already."""
    numbered = (f"{identity}-{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (identity, *numbered) if one not in taken)


def summary_of(description: str) -> str:
    """The beginning of a description, for cards: its first paragraph, cut between words."""
    first = description.strip().split("\n", 1)[0].strip()
    if len(first) <= LONGEST_SUMMARY:
        return first
    return first[:LONGEST_SUMMARY].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
