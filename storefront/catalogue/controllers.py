"""Home, listing, product, collections and search: public pages, made once per catalogue version."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.catalogue import pages, queries
from storefront.catalogue.facets import Facets
from storefront.catalogue.filters import NOTHING, Filters
from storefront.catalogue.meant import find_meant
from storefront.catalogue.narrow import collection_counts, filter_form
from storefront.catalogue.product import product_by_slug
from storefront.catalogue.queries import SORTS, CollectionView, Slice
from storefront.catalogue.search import words_of
from storefront.catalogue.sitemap import sitemap
from storefront.catalogue.words import Words
from storefront.database import Database
from storefront.language import at, ngettext
from storefront.language import gettext as _
from storefront.settings import Settings
from storefront.web.answers import html
from storefront.web.errors import not_found
from storefront.web.public import PublicPages
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates

MOST_QUERY = 100
SEARCH_PAGE = 24
MOST_SHOWN = 240
MOST_DIGITS = 8


@dataclass
class CatalogueRoom:
    """What the catalogue's handlers work with. `delivery_text` is the sentence below every product's button."""

    settings: Settings
    database: Database
    templates: Templates
    public: PublicPages
    facets: Facets
    words: Words
    delivery_text: str = ""

    def base(self, request: ShopRequest) -> str:
        """The public origin for canonical links."""
        return self.settings.base_url or request.origin


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a listing's address counts; everything else in it is passed over."""

    base: str
    sort: str
    after: str
    shown: int
    collection: str
    fragment: bool
    append: bool
    filters: Filters = NOTHING

    @classmethod
    def of(cls, request: ShopRequest, base: str, collection: str = "") -> "Asked":
        query = request.query_params
        sort = query.get("sort", "")
        fragment = request.wants_fragment
        shown = query.get("shown", "")
        return cls(
            base=base,
            sort=sort if sort in SORTS else "featured",
            after=query.get("after", "")[:300],
            shown=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 7 else 0,
            collection=collection or query.get("collection", "")[:100],
            fragment=fragment,
            append=fragment and request.headers.get("hx-target", "").endswith("#more"),
            filters=Filters.of(query),
        )

    def push(self, path: str) -> str:
        """The address of what a form asked for, without what it left empty."""
        collection = self.collection if path == "/products" else ""
        sort = self.sort if self.sort != "featured" else ""
        found = pages.address(path, collection=collection, **self.filters.parameters(), sort=sort)
        return "" if self.append else at(found)


class CatalogueController(Controller):
    @get("/")
    async def home(
        self, request: ShopRequest, catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        room = catalogue_room
        base = room.base(request)

        async def build() -> str:
            reader = room.database.glance
            found = await queries.listing(
                reader, room.settings.currency, collection_id=None, sort="featured", after=None
            )
            collections = await queries.pictured_collections(reader)
            return room.templates.page(
                "catalogue/home.html",
                title=room.settings.shop_name,
                path="/",
                description=_("Small-batch soap, candles, ceramics, wood and linen for the house."),
                canonical=f"{base}/",
                holes=True,
                featured=pages.card_list(room.templates, found.cards[:8]),
                collections=pages.collection_list(room.templates, collections),
            )

        return await room.public.answer(request, ("home", base), build)

    @get("/products")
    async def products(
        self, request: ShopRequest, catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        asked = Asked.of(request, catalogue_room.base(request))
        query = request.query_params.get("q", "")[:MOST_QUERY].strip()
        if query:
            return await _search(request, catalogue_room, query, path="/products")
        return await catalogue_room.public.answer(
            request,
            ("products", asked),
            lambda: _listing(catalogue_room, asked, "/products"),
            push=asked.push("/products"),
        )

    @get("/collections")
    async def collections(
        self, request: ShopRequest, catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        room, base = catalogue_room, catalogue_room.base(request)

        async def build() -> str:
            found = await queries.pictured_collections(room.database.glance)
            return room.templates.page(
                "catalogue/collections.html",
                title=_("Collections"),
                path="/collections",
                description=_("All collections of %(shop)s.", shop=room.settings.shop_name),
                canonical=f"{base}/collections",
                holes=True,
                collections=pages.collection_list(room.templates, found),
            )

        return await room.public.answer(request, ("collections", base), build)

    @get("/collections/{slug:str}")
    async def collection(
        self, request: ShopRequest, slug: FromPath[str], catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        asked = Asked.of(request, catalogue_room.base(request), slug)
        return await catalogue_room.public.answer(
            request,
            ("collection", asked),
            lambda: _listing(catalogue_room, asked, f"/collections/{slug}"),
            push=asked.push(f"/collections/{slug}"),
        )

    @get("/products/{slug:str}")
    async def product(
        self, request: ShopRequest, slug: FromPath[str], catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        room, base = catalogue_room, catalogue_room.base(request)
        sku = request.query_params.get("variant", "")[:64]

        async def build() -> str:
            currency = room.settings.currency
            product = await product_by_slug(room.database.glance, currency, slug)
            if product is None:
                raise not_found()
            shown = pages.product_context(room.templates, product, sku, room.delivery_text)
            return room.templates.page(
                "catalogue/product.html",
                title=product.title,
                path=f"/products/{slug}",
                description=product.summary,
                canonical=f"{base}/products/{slug}",
                json_ld=pages.product_json_ld(product, currency, base, room.templates),
                image=base + shown["images"][0].large,
                holes=True,
                product=shown,
            )

        return await room.public.answer(request, ("product", base, slug, sku), build)

    @get("/sitemap.xml")
    async def sitemap(
        self, request: ShopRequest, catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        room, base = catalogue_room, catalogue_room.base(request)
        part = request.query_params.get("part", "")[:MOST_DIGITS]

        async def build() -> str:
            async with room.database.reads() as session:
                found = await sitemap(session, base, part)
            if found is None:
                raise not_found()
            return found

        return await room.public.answer(request, ("sitemap", base, part), build, "application/xml")

    @get("/search")
    async def search(
        self, request: ShopRequest, catalogue_room: NamedDependency[CatalogueRoom]
    ) -> Response[Any]:
        query = request.query_params.get("q", "")[:MOST_QUERY].strip()
        target = request.headers.get("hx-target", "")
        if request.wants_fragment and not target.endswith(("#more", "#results")):
            return await _suggestions(catalogue_room, query)
        return await _search(request, catalogue_room, query, path="/search")


async def _listing(room: CatalogueRoom, asked: Asked, path: str) -> str:
    collections = await room.facets.collections()
    collection = _collection(collections, asked.collection)
    chosen = collection.id if collection else None
    after = queries.read_cursor(asked.after, asked.sort) if asked.after else None
    counts = await room.facets.counts()
    if counts is None:
        within, total = 0, await room.facets.count(chosen, asked.filters)
    else:
        within = counts.in_collection(chosen)
        total = (within & counts.chosen(asked.filters)).bit_count()
    found = await queries.listing(
        room.database.glance,
        room.settings.currency,
        collection_id=chosen,
        sort=asked.sort,
        after=after,
        few=total < queries.COUNT_STOPS_AT,
        filters=asked.filters,
    )
    by_itself = path != "/products"
    context = pages.listing_context(
        room.templates,
        found,
        path=path,
        heading=collection.title if collection else _("All products"),
        intro=collection.description if collection else "",
        sort=asked.sort,
        collection=collection,
        collections=[] if by_itself else collections,
        total=total,
        continued=after is not None and not asked.append,
        append=asked.append,
        before=asked.shown if after else 0,
        filters=asked.filters,
        form=None if asked.append else filter_form(counts, asked.filters, within, room.settings.currency),
        numbers=collection_counts(counts, asked.filters, collections),
        currency=room.settings.currency,
    )
    if asked.fragment:
        return room.templates.render("catalogue/_results.html", listing=context)
    canonical = f"/collections/{collection.slug}" if collection else "/products"
    return room.templates.page(
        "catalogue/listing.html",
        title=str(context["heading"]),
        path=path,
        description=_description(collection, room.settings.shop_name),
        canonical=f"{asked.base}{canonical}",
        # Every combination would be a page of its own to search engines.
        noindex=asked.filters != NOTHING,
        holes=True,
        here=context["here"],
        listing=context,
    )


def _collection(collections: list[CollectionView], slug: str) -> CollectionView | None:
    collection = next((one for one in collections if one.slug == slug), None)
    if slug and collection is None:
        raise not_found()
    return collection


def _description(collection: CollectionView | None, shop_name: str) -> str:
    return (
        collection.description
        if collection
        else _("Everything that %(shop)s makes and sells.", shop=shop_name)
    )


async def _search(request: ShopRequest, room: CatalogueRoom, query: str, *, path: str) -> Response[Any]:
    """A page of results, kept like other pages but apart from them, since there are so many queries."""
    fragment = request.wants_fragment
    append = fragment and request.headers.get("hx-target", "").endswith("#more")
    skip = _skip(request.query_params.get("after", ""))
    slug = request.query_params.get("collection", "")[:100]
    filters = Filters.of(request.query_params)

    async def build() -> str:
        context = await _results(room, query, path=path, slug=slug, skip=skip, append=append, filters=filters)
        if fragment:
            return room.templates.render("catalogue/_results.html", listing=context)
        title = f"“{query}”" if query else _("Search")
        return room.templates.page(
            "catalogue/search.html",
            title=title,
            path=path,
            noindex=True,
            holes=True,
            here=context["here"],
            listing=context,
        )

    key = ("search", path, query, slug, skip, fragment, append, filters)
    push = "" if append else at(pages.address(path, q=query, collection=slug, **filters.parameters()))
    return await room.public.answer(request, key, build, cache=room.public.searches, push=push)


async def _results(
    room: CatalogueRoom,
    query: str,
    *,
    path: str,
    slug: str,
    skip: int,
    append: bool,
    filters: Filters,
) -> dict[str, Any]:
    every = await room.facets.collections()
    collection = _collection(every, slug)
    chosen = collection.id if collection else None
    meant = await find_meant(room.database, room.words, query, most=MOST_SHOWN + 1, collection_id=chosen)
    ids, counts, within = meant.ids, await room.facets.counts() if meant.ids else None, 0
    if counts is not None:
        within, ids = counts.among(ids), counts.keep(ids, filters)
    else:
        filters = NOTHING
    shown = ids[skip : skip + SEARCH_PAGE]
    cards = await room.facets.cards(room.settings.currency, shown)
    more = (
        str(skip + SEARCH_PAGE) if len(ids) > skip + SEARCH_PAGE and skip + SEARCH_PAGE < MOST_SHOWN else ""
    )
    return pages.listing_context(
        room.templates,
        Slice(cards, more),
        path=path,
        heading=_("Results for “%(query)s”", query=query) if query else _("Search"),
        total=min(len(ids), MOST_SHOWN),
        collection=collection,
        collections=every if query else [],
        query=query,
        continued=bool(skip) and not append,
        append=append,
        sorts=False,
        before=skip,
        filters=filters,
        form=None if append else filter_form(counts, filters, within, room.settings.currency),
        currency=room.settings.currency,
        instead=meant.instead,
        perhaps=meant.perhaps,
        some=meant.some,
    )


def _skip(after: str) -> int:
    return min(int(after), MOST_SHOWN) if after.isascii() and after.isdigit() and len(after) < 5 else 0


async def _suggestions(room: CatalogueRoom, query: str) -> Response[Any]:
    meant = await find_meant(room.database, room.words, query, most=queries.MOST_SUGGESTED, unfinished=True)
    cards = await room.facets.cards(room.settings.currency, meant.ids)
    content = room.templates.render(
        "catalogue/_suggestions.html",
        suggestions=pages.card_list(room.templates, cards),
        query=query if words_of(query) else "",
        instead=meant.instead,
        some=meant.some,
        count_text=ngettext("%(n)s suggestion", "%(n)s suggestions", len(cards))
        if cards
        else _("Nothing found"),
    )
    return html(content)
