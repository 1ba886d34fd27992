"""Home, listings, search and products."""

from collections.abc import Callable
from functools import partial
from typing import Any

from storefront.catalogue import pages as catalogue
from storefront.catalogue.filters import Filters
from storefront.catalogue.narrow import Choice, Form, Group
from storefront.catalogue.queries import Offer, Slice
from storefront.credits.queries import Package
from storefront.language import gettext as _
from storefront.web.templates import Templates
from storefront.workshop.pages.kinds import Make, Pages
from storefront.workshop.samples import things


def home(templates: Templates, _currency: str) -> str:
    return templates.page(
        "catalogue/home.html",
        title=templates.shop_name,
        path="/",
        featured=catalogue.card_list(templates, things.cards()[:4]),
        collections=catalogue.collection_list(templates, things.collections()),
    )


def listing(template: str, found: Callable[[], Slice], **more: Any) -> Make:
    def make(templates: Templates, _currency: str) -> str:
        options: dict[str, Any] = {"path": "/products", "heading": "All products", "total": 60}
        context = catalogue.listing_context(templates, found(), **(options | more))
        title = str(context["heading"])
        return templates.page(template, title=title, path=options["path"], listing=context)

    return make


def filtered(templates: Templates, currency: str) -> str:
    all_of_them = things.collections()
    make = listing(
        "catalogue/listing.html",
        partial(things.listed, more=False),
        collection=all_of_them[0],
        collections=all_of_them,
        sort="price",
        continued=True,
        filters=CHOSEN,
        form=_choices(),
        numbers={1: 3, 2: 2, 3: 0},
        currency=currency,
    )
    return make(templates, currency)


def collections(templates: Templates, _currency: str) -> str:
    found = catalogue.collection_list(templates, things.collections())
    return templates.page(
        "catalogue/collections.html", title="Collections", path="/collections", collections=found
    )


def product(*offers: Callable[[], Offer], option: str = "") -> Make:
    def make(templates: Templates, _currency: str) -> str:
        shown = things.product(*(one() for one in offers), option=option)
        context = catalogue.product_context(templates, shown, "", "Delivery from $4.90")
        return templates.page(
            "catalogue/product.html", title=shown.title, path="/products/sample", product=context
        )

    return make


def pricing(templates: Templates, _currency: str) -> str:
    packages = [
        Package(
            variant_id=n,
            title=f"{n}0 credits",
            summary="For the workshop.",
            credits=n * 10,
            price="$10.00",
            url="/products/workshop-credits",
        )
        for n in (1, 5)
    ]
    return templates.page("credits/pricing.html", title="Credits", path="/pricing", packages=packages)


def _choices() -> Form:
    glazes = Choice("Glaze:Oat white", "Oat white", 3, True), Choice("Glaze:Slate", "Slate", 1, False)
    return Form(
        prices=(Choice("2000-5000", "$20.00 to $50.00", 3, True),),
        options=(Group("Glaze", glazes),),
        available=Choice("1", _("In stock"), 3, True),
    )


CHOSEN = Filters(price=(2000, 5000), option=("Glaze", "Oat white"), available=True)
MUGS = [
    partial(things.offer, 1, "Oat white", 40),
    partial(things.offer, 2, "Slate", 2),
    partial(things.offer, 3, "Moss", 0),
]

PAGES: Pages = (
    ("home", "Home", home),
    ("listing", "Listing", listing("catalogue/listing.html", things.listed)),
    ("listing-filtered", "Listing: filtered, its end", filtered),
    ("listing-empty", "Listing: nothing in it", listing("catalogue/listing.html", Slice, total=0)),
    ("collections", "Collections", collections),
    (
        "search",
        "Search: found",
        listing(
            "catalogue/search.html",
            things.listed,
            path="/search",
            query="soap",
            heading="Search",
            sorts=False,
        ),
    ),
    (
        "search-some",
        "Search: some of the words",
        listing(
            "catalogue/search.html",
            things.listed,
            path="/search",
            query="mug candle",
            heading="Search",
            sorts=False,
            some="mug candle",
        ),
    ),
    (
        "search-nothing",
        "Search: nothing found",
        listing("catalogue/search.html", Slice, path="/search", query="umbrella", heading="Search", total=0),
    ),
    ("product-one-variant", "Product: one variant", product(partial(things.offer, 1, "", 40))),
    ("product", "Product: variants", product(*MUGS, option="Glaze")),
    ("product-few-left", "Product: few left", product(partial(things.offer, 1, "", 2))),
    (
        "product-reduced",
        "Product: reduced",
        product(partial(things.offer, 1, "", 9, was="$29.00", unit_price="$6.86 for 100 ml")),
    ),
    ("product-sold-out", "Product: sold out", product(partial(things.offer, 1, "", 0))),
    (
        "product-file",
        "Product: a file",
        product(partial(things.offer, 1, "", 99, requires_shipping=False)),
    ),
    ("pricing", "Credit packages", pricing),
)
