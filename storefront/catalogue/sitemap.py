"""The sitemap, by https://www.sitemaps.org/protocol.html: one file, or an index of several."""

from functools import partial
from html import escape

from sqlalchemy import func, select

from storefront.catalogue import queries
from storefront.catalogue.models import Product
from storefront.glance import Reader
from storefront.web.speech import in_languages

SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"
XHTML = "http://www.w3.org/1999/xhtml"
# Products in one file, each in every language: a file may have 50,000 addresses and 50 MB.
IN_ONE = 10_000


async def sitemap(reader: Reader, base: str, part: str, in_one: int = IN_ONE) -> str | None:
    """The file that `part` ("1", "2" …) names, or without it ("") the only file or the index of all; None for a part
    that there is not. `base` is the shop's origin."""
    for_sale = (Product.status == "active") & Product.listed
    many = (await reader.execute(select(func.count()).select_from(Product).where(for_sale))).scalar() or 0
    parts = range(1, max(1, -(-many // in_one)) + 1)
    if not part and len(parts) > 1:
        files = "".join(f"<sitemap><loc>{base}/sitemap.xml?part={n}</loc></sitemap>" for n in parts)
        return _document(f'<sitemapindex xmlns="{SITEMAPS}">{files}</sitemapindex>')
    number = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else int(not part)
    if number not in parts or part not in {"", str(number)}:
        return None
    paths = []
    if number == 1:
        found = await queries.collections(reader)
        paths = ["/", "/products", "/collections", *(f"/collections/{one.slug}" for one in found)]
    listed = select(Product.slug).where(for_sale).order_by(Product.id)
    slugs = (await reader.execute(listed.offset((number - 1) * in_one).limit(in_one))).scalars()
    paths += [f"/products/{slug}" for slug in slugs]
    urls = "".join(map(partial(_page, base), paths))
    return _document(f'<urlset xmlns="{SITEMAPS}" xmlns:xhtml="{XHTML}">{urls}</urlset>')


def _document(root: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'


def _page(base: str, path: str) -> str:
    """One page, in each language with all of them beside it:
    https://developers.google.com/search/docs/specialty/international/localized-versions#sitemap"""
    pages = in_languages(escape(path), base)
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{one["code"]}" href="{one["url"]}"/>' for one in pages
    )
    return "".join(f"<url><loc>{one['url']}</loc>{others}</url>" for one in pages)
