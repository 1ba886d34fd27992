"""What goes well with a product."""

from storefront.catalogue.product import product_by_slug
from storefront.catalogue.queries import listing
from storefront.catalogue.related import SHOWN
from storefront.database import Database
from storefront.seed.demo import load_demo


async def test_each_product_has_its_own_company(database: Database) -> None:
    await load_demo(database, "USD")
    found = await listing(database.glance, "USD", collection_id=None, sort="featured", after=None)
    seen, sets = set(), set()
    for card in found.cards:
        product = await product_by_slug(database.glance, "USD", card.url.rpartition("/")[2])
        assert product is not None
        others = product.related
        assert len(others) == SHOWN, product.slug
        assert product.id not in {one.id for one in others}
        assert others[0].stock != "none", "what can be had comes first"
        seen |= {one.id for one in others}
        sets.add(tuple(one.id for one in others))
        shelves = {slug for slug, _ in product.collections}
        for one in others:
            other = await product_by_slug(database.glance, "USD", one.url.rpartition("/")[2])
            assert other is not None
            assert shelves & {slug for slug, _ in other.collections}
    assert len(sets) > len(found.cards) * 2 / 3, "not the same few everywhere"
    assert len(seen) > 20
