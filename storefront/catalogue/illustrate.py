"""Giving a product a picture that was made by `catalogue.photo`."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.models import Image, Product, Variant
from storefront.catalogue.photo import Kept
from storefront.database import lock


async def find_product(session: AsyncSession, name: str) -> Product:
    """The product whose slug, or one of whose SKUs, is `name`. Raises LookupError."""
    query = select(Product).where(Product.slug == name)
    product = await session.scalar(query)
    if product is None:
        query = select(Product).join(Variant, Variant.product_id == Product.id).where(Variant.sku == name)
        product = await session.scalar(query)
    if product is None:
        raise LookupError(f"there is no product and no SKU {name}")
    return product


async def add_picture(session: AsyncSession, name: str, kept: Kept, alt: str, *, first: bool) -> int:
    """Add it after the product's other pictures, or `first`, which cards show; gives how many it has then. One that it
    has already only gets the new `alt`. Raises LookupError when there is no such product."""
    product = await find_product(session, name)
    await lock(session, select(Product.id).where(Product.id == product.id))
    mine = Image.product_id == product.id
    there = await session.scalar(select(Image).where(mine, Image.path == kept.path))
    many = await session.scalar(select(func.count()).select_from(Image).where(mine)) or 0
    if there is None:
        last = await session.scalar(select(func.max(Image.position)).where(mine))
        there = Image(
            product_id=product.id,
            path=kept.path,
            width=kept.width,
            height=kept.height,
            position=0 if last is None else last + 1,
        )
        session.add(there)
        many += 1
    there.alt = alt
    await session.flush()
    if first and there.position:
        before = mine & (Image.position < there.position)
        await session.execute(update(Image).where(before).values(position=Image.position + 1))
        there.position = 0
        await session.flush()
    catalogue_changed(session)
    return many
