"""What the catalogue's templates are given: views turned into names, prices and addresses as people read them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from storefront.catalogue.filters import NOTHING, Filters
from storefront.catalogue.narrow import Form, filter_chips
from storefront.catalogue.queries import (
    COUNT_STOPS_AT,
    PAGE,
    SORTS,
    Card,
    CollectionView,
    Offer,
    Picture,
    ProductView,
    Slice,
)
from storefront.language import at, ngettext, number
from storefront.language import gettext as _
from storefront.money import decimals
from storefront.web.pictures import Shown
from storefront.web.templates import Templates

NO_NUMBERS: Mapping[int, int] = {}


def picture(templates: Templates, image: Picture | None) -> Shown:
    """A picture for a template; products without one, or whose file is gone, get a quiet stand-in."""
    if image is not None:
        with suppress(LookupError):
            sources = templates.pictures.sources(image.path, image.width)
            return Shown(*sources, image.width, image.height, image.alt)
        with suppress(LookupError):
            return _in_one_size(templates.asset(image.path), image.width, image.height, image.alt)
    return _in_one_size(templates.asset("images/no-picture.svg"), 800, 800)


def _in_one_size(source: str, width: int, height: int, alt: str = "") -> Shown:
    return Shown(source, source, "", "", width, height, alt)


class ShownCard(NamedTuple):
    """A card as `components/cards.html` is given it."""

    url: str
    title: str
    summary: str
    price: str
    image: Shown
    stock: str
    stock_text: str
    was: str
    unit_price: str
    eager: bool
    first: bool


def card_list(templates: Templates, cards: Sequence[Card], *, eager: int = 0) -> list[ShownCard]:
    """Cards for a template; the first `eager` pictures are asked for at once."""
    return [
        ShownCard(
            url=card.url,
            title=card.title,
            summary=card.summary,
            price=card.price,
            image=picture(templates, card.image),
            stock=card.stock,
            stock_text=card.stock_text,
            was=card.was,
            unit_price=card.unit_price,
            eager=index < eager,
            first=index == 0,
        )
        for index, card in enumerate(cards)
    ]


def collection_list(templates: Templates, found: Sequence[CollectionView]) -> list[dict[str, Any]]:
    return [
        {
            "slug": one.slug,
            "title": one.title,
            "url": f"/collections/{one.slug}",
            "description": one.description,
            "image": picture(templates, one.image),
        }
        for one in found
    ]


def address(path: str, **parameters: str) -> str:
    """`path` with those parameters that have a value."""
    query = "&".join([f"{name}={_quoted(value)}" for name, value in parameters.items() if value])
    return f"{path}?{query}" if query else path


# A listing has a link for each collection and each filter, and all of them say the rest of it again.
_quoted = lru_cache(maxsize=1000)(quote_plus)


def listing_context(
    templates: Templates,
    found: Slice,
    *,
    path: str,
    heading: str,
    intro: str = "",
    sort: str = "",
    collection: CollectionView | None = None,
    collections: Sequence[CollectionView] = (),
    total: int,
    query: str = "",
    continued: bool = False,
    append: bool = False,
    sorts: bool = True,
    before: int = 0,
    filters: Filters = NOTHING,
    form: Form | None = None,
    numbers: Mapping[int, int] = NO_NUMBERS,
    currency: str = "",
    instead: str = "",
    perhaps: str = "",
    some: str = "",
) -> dict[str, Any]:
    """What `catalogue/_results.html` is given. `total` may stop at 1,001; `before` cards were shown already; `numbers`
    are products by collection. `instead` is what was found where `query` finds nothing, `perhaps` what finds more,
    `some` what nothing has all of."""
    filtered = collection.slug if collection and not path.startswith("/collections/") else ""
    kept = {"q": query, "collection": filtered, **filters.parameters()}
    kept["sort"] = sort if sort != "featured" else ""
    shown = before + len(found.cards)
    more = address(path, **kept, after=found.after, shown=str(shown)) if found.after else ""
    return {
        "heading": heading,
        "intro": intro,
        "cards": card_list(templates, found.cards, eager=0 if append else 2),
        "shown_text": _shown(shown, total) if query or path != "/search" else "",
        "next_url": more,
        "previous_url": address(path, **kept) if continued else "",
        "here": address(path, **kept),
        "action": path,
        "query": query,
        "hidden": [("collection", filtered)] if filtered else [],
        "sort": sort,
        "sorts": [
            {"value": value, "label": _(label), "selected": value == sort}
            for value, (label, _column, _order) in SORTS.items()
        ]
        if sorts
        else [],
        "collections": _filters(path, kept, collection, collections, numbers),
        "chips": [
            {"label": label, "url": address(path, **{**kept, name: ""})}
            for name, label in [
                *([("collection", collection.title)] if collection and filtered else []),
                *filter_chips(filters, currency),
            ]
        ],
        "filters": form,
        "instead": instead,
        "some": some,
        "perhaps": {"text": perhaps, "url": address(path, **{**kept, "q": perhaps})} if perhaps else None,
        "empty_text": _empty_text(query, path, narrowed=filters != NOTHING),
        "append": append,
    }


class Pill(NamedTuple):
    """A collection that a listing can be narrowed down to. `number` is None where it is not counted."""

    title: str
    url: str
    current: bool
    number: int | None = None


def _filters(
    path: str,
    kept: dict[str, str],
    chosen: CollectionView | None,
    collections: Sequence[CollectionView],
    numbers: Mapping[int, int],
) -> tuple[Pill, ...]:
    if not collections:
        return ()
    every = Pill(_("All"), address(path, **{**kept, "collection": ""}), chosen is None)
    return (
        every,
        *(
            Pill(
                one.title,
                address(path, **{**kept, "collection": one.slug}),
                chosen is not None and one.id == chosen.id,
                numbers.get(one.id),
            )
            for one in collections
        ),
    )


def _empty_text(query: str, path: str, *, narrowed: bool) -> str:
    if narrowed:
        return _("Nothing is left with these filters. Take one away to see more.")
    if query:
        return _("Nothing here matches. Try fewer or other words.")
    return _("Type what you are looking for.") if path == "/search" else _("There is nothing here yet.")


def _shown(shown: int, total: int) -> str:
    many = number(COUNT_STOPS_AT - 1) + "+" if total >= COUNT_STOPS_AT else number(total)
    if total <= PAGE or shown == total:
        return ngettext("%(many)s product", "%(many)s products", total, many=many)
    return _("%(shown)s of %(many)s products", shown=number(shown), many=many)


def product_context(
    templates: Templates, product: ProductView, sku: str, delivery_text: str
) -> dict[str, Any]:
    """What `catalogue/product.html` is given; the variant `sku` is chosen, else the first that can be had."""
    offers = product.offers
    chosen = next((o for o in offers if o.sku == sku and o.available), None)
    chosen = chosen or next((o for o in offers if o.available), offers[0] if offers else None)
    gallery = [picture(templates, image) for image in product.images] or [picture(templates, None)]
    return {
        "title": product.title,
        "url": f"/products/{product.slug}",
        "summary": product.summary,
        "paragraphs": [part.strip() for part in product.description.split("\n\n") if part.strip()],
        "details": product.details,
        "images": gallery,
        "option": product.option,
        "variants": [
            {
                "id": offer.id,
                "title": offer.title or product.title,
                "sku": offer.sku,
                "price": offer.price,
                "was": offer.was,
                "unit_price": offer.unit_price,
                "stock": offer.stock,
                "stock_text": offer.stock_text,
                "available": offer.available,
                "chosen": offer is chosen,
            }
            for offer in offers
        ],
        "available": any(offer.available for offer in offers),
        "max_quantity": min(99, max((offer.left for offer in offers), default=1) or 1),
        "price": chosen.price if chosen else "",
        "was": chosen.was if chosen else "",
        "unit_price": chosen.unit_price if chosen else "",
        "delivery_text": _delivery_text(offers, delivery_text),
        "collections": [
            {"title": title, "url": f"/collections/{slug}"} for slug, title in product.collections
        ],
        "related": card_list(templates, product.related),
    }


def _delivery_text(offers: Sequence[Offer], delivery_text: str) -> str:
    if any(offer.requires_shipping for offer in offers):
        return delivery_text
    if offers and all(offer.holds_credits for offer in offers):
        return _("Added to your account as soon as the payment is there.")
    return _("Sent as a file, so no delivery is needed.")


def product_json_ld(product: ProductView, currency: str, base: str, templates: Templates) -> str:
    """schema.org's Product with its offers, as search engines read it (https://schema.org/Product)."""
    url = base + at(f"/products/{product.slug}")
    places = decimals(currency)
    offers = [
        {
            "@type": "Offer",
            "sku": offer.sku,
            "url": f"{url}?variant={offer.sku}" if len(product.offers) > 1 else url,
            "price": f"{offer.amount / 10**places:.{places}f}",
            "priceCurrency": currency,
            "availability": f"https://schema.org/{'InStock' if offer.available else 'OutOfStock'}",
            **({"name": offer.title} if offer.title else {}),
        }
        for offer in product.offers
    ]
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "description": product.summary or product.description[:300],
        "url": url,
        "image": [base + str(picture(templates, image).large) for image in product.images],
        "offers": offers,
    }
    return json.dumps(data, ensure_ascii=False)
