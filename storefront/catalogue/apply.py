"""Applying the rows of a catalogue that is kept elsewhere (Stripe's): what belongs to that place is set to what it
says; what is the shop's own (slug, pictures, collections, order, stock, SKU, a draft) stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.catalogue.change import catalogue_changed
from storefront.catalogue.match import PriceRow, matched
from storefront.catalogue.models import CatalogueVersion, Product, Variant
from storefront.catalogue.naming import new_sku, new_slugs, summary_of
from storefront.catalogue.queries import content_of
from storefront.catalogue.reprice import reprice
from storefront.catalogue.search import folded
from storefront.database import lock, now
from storefront.money import format_money

CREATED, CHANGED, ARCHIVED, REFUSED, UNCHANGED = "created", "changed", "archived", "refused", "unchanged"


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product that is for sale there. `shippable` is None where that is not said. `untouched` are prices that
    cannot be read: the variants that are sold at them stay as they are. Unless all its prices are there (`all_there`)
    no variant is archived."""

    id: str
    title: str
    description: str
    shippable: bool | None
    prices: tuple[PriceRow, ...]
    untouched: frozenset[str] = frozenset()
    all_there: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: created, changed, archived, refused or unchanged; `text` is its title and what changed, or
    why it was refused."""

    id: str
    what: str
    text: str


async def apply_products(
    session: AsyncSession, currency: str, rows: Sequence[ProductRow], read_at: datetime
) -> list[Outcome]:
    """Bring the products of `rows`, which were read at `read_at`, to what they say; prices are minor units of
    `currency`. A product that was read later by somebody else is left alone. Give some dozens at once: they are one
    transaction."""
    known = await _known(session, [row.id for row in rows])
    variants = await _variants(session, known)
    if len(known) < len(rows):
        # One at a time makes new products, or two would make the same; nothing is locked after this row.
        await lock(session, select(CatalogueVersion.id))
        made = await _known(session, [row.id for row in rows if row.id not in known])
        known, variants = known | made, variants | await _variants(session, made)
    rows, refused = await _free_prices(session, rows, known, read_at)
    rows, outcomes = await _fit(session, rows, known)
    outcomes += refused
    new = await _add_products(session, [row for row in rows if row.id not in known])
    ids = [price.id for row in rows for price in row.prices]
    taken = set(await session.scalars(select(Variant.sku).where(Variant.sku.in_(ids))))
    for row in rows:
        product = known.get(row.id) or new[row.id]
        if row.id in known and _read_later(product, read_at):
            outcomes.append(Outcome(row.id, UNCHANGED, row.title))
            continue
        product.stripe_synced_at = read_at
        mine = variants.setdefault(product.id, [])
        changes = await _set_variants(session, currency, product, mine, row, taken)
        outcomes.append(_set_product(product, mine, row, changes, new=row.id in new))
    await session.flush()
    if any(one.what in {CREATED, CHANGED, ARCHIVED} for one in outcomes):
        catalogue_changed(session)
    return outcomes


async def archive_products(session: AsyncSession, ids: Iterable[str], read_at: datetime) -> list[Outcome]:
    """Take the products that are archived or deleted there, by their ids there, off sale; those that are not for sale
    anyway stay as they are."""
    outcomes = []
    for product in (await _known(session, list(ids))).values():
        if product.status == "active" and not _read_later(product, read_at):
            product.status, product.stripe_synced_at = "archived", read_at
            outcomes.append(Outcome(str(product.stripe_id), ARCHIVED, product.title))
    if outcomes:
        await session.flush()
        catalogue_changed(session)
    return outcomes


async def synced_products(session: AsyncSession, after: int, most: int) -> list[tuple[int, str]]:
    """(our id, Stripe's id) of the products on sale that come from Stripe, in the order of our ids, after one."""
    query = select(Product.id, Product.stripe_id).where(
        Product.id > after, Product.stripe_id.is_not(None), Product.status == "active"
    )
    rows = await session.execute(query.order_by(Product.id).limit(most))
    return [(row.id, str(row.stripe_id)) for row in rows]


def _read_later(product: Product, read_at: datetime) -> bool:
    return product.stripe_synced_at is not None and product.stripe_synced_at > read_at


async def _known(session: AsyncSession, ids: Sequence[str]) -> dict[str, Product]:
    query = select(Product).where(Product.stripe_id.in_(ids)).order_by(Product.id)
    # Not the lock of a key: orders that are placed meanwhile may point to these rows.
    rows = await session.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return {str(product.stripe_id): product for product in rows}


async def _variants(session: AsyncSession, known: Mapping[str, Product]) -> dict[int, list[Variant]]:
    ids = [product.id for product in known.values()]
    query = select(Variant).where(Variant.product_id.in_(ids)).order_by(Variant.id)
    rows = await session.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    found: dict[int, list[Variant]] = {}
    for variant in rows:
        found.setdefault(variant.product_id, []).append(variant)
    return found


async def _fit(
    session: AsyncSession, rows: Sequence[ProductRow], known: dict[str, Product]
) -> tuple[list[ProductRow], list[Outcome]]:
    """The rows without prices whose SKU is another product's, and without new products that have nothing to sell."""
    skus = {price.sku for row in rows for price in row.prices if price.sku}
    query = select(Variant.sku, Product.stripe_id).join(Product, Product.id == Variant.product_id)
    owners = {row.sku: row.stripe_id for row in await session.execute(query.where(Variant.sku.in_(skus)))}
    fit, refused = [], []
    for row in rows:
        prices, taken = [], set()
        for price in row.prices:
            if price.sku and owners.setdefault(price.sku, row.id) != row.id:
                text = f"{row.title}: the SKU {price.sku} is another product's"
                refused.append(Outcome(price.id, REFUSED, text))
                taken.add(price.id)
            else:
                prices.append(price)
        if prices or row.id in known:
            fit.append(replace(row, prices=tuple(prices), untouched=row.untouched | taken))
        else:
            refused.append(Outcome(row.id, REFUSED, f"{row.title}: it has no price that can be sold here"))
    return fit, refused


async def _free_prices(
    session: AsyncSession, rows: Sequence[ProductRow], known: Mapping[str, Product], read_at: datetime
) -> tuple[list[ProductRow], list[Outcome]]:
    """Take prices that stand under another product now from the variants that had them, since a price stands in one
    row at a time; gives the rows without those that a later reading left where they were."""
    rows_now = [row for row in rows if row.id not in known or not _read_later(known[row.id], read_at)]
    wanted = {price.id: row for row in rows_now for price in row.prices}
    query = select(Variant, Product).join(Product, Product.id == Variant.product_id)
    query = query.where(Variant.stripe_price_id.in_(wanted)).order_by(Variant.id)
    kept = {}
    for variant, product in (await session.execute(query)).all():
        price_id = str(variant.stripe_price_id)
        row = wanted[price_id]
        if product.stripe_id == row.id:
            continue
        if _read_later(product, read_at):
            kept[price_id] = f"{row.title}: the price is {product.title}'s by now"
        else:
            variant.stripe_price_id = None
    await session.flush()
    if kept:
        rows = [replace(row, prices=tuple(one for one in row.prices if one.id not in kept)) for row in rows]
    return list(rows), [Outcome(price_id, REFUSED, why) for price_id, why in kept.items()]


async def _add_products(session: AsyncSession, rows: Sequence[ProductRow]) -> dict[str, Product]:
    """New products, at the end of the shop's own order."""
    if not rows:
        return {}
    slugs = await new_slugs(session, {row.id: row.title for row in rows})
    last = await session.scalar(select(func.max(Product.position))) or 0
    new = {
        row.id: Product(
            slug=slugs[row.id], stripe_id=row.id, title=row.title, status="active", position=last + n
        )
        for n, row in enumerate(rows, start=1)
    }
    session.add_all(new.values())
    await session.flush()
    return new


async def _set_variants(
    session: AsyncSession,
    currency: str,
    product: Product,
    variants: list[Variant],
    row: ProductRow,
    taken: set[str],
) -> list[str]:
    """Bring a product's variants to its prices; new ones are added to `variants`, with none of the SKUs that are
    `taken`. Gives what changed, in words."""
    pairs = matched([one for one in variants if one.stripe_price_id not in row.untouched], row.prices)
    # A price that goes from one variant to another is freed first, since it stands in one row at a time.
    moving = [v for price, v in pairs if v is not None and v.stripe_price_id not in {None, price.id}]
    for one in moving:
        one.stripe_price_id = None
    if moving:
        await session.flush()
    changes = []
    for price, variant in pairs:
        if variant is None:
            variant = _new_variant(product, variants, price, taken)
            session.add(variant)
            variants.append(variant)
            variant.price, variant.currency = price.amount, currency
            _set_variant(variant, price, row)
            changes.append(f"{_name(variant)} added")
        else:
            if variant.price != price.amount:
                amounts = format_money(variant.price, currency), format_money(price.amount, currency)
                changes.append(f"{_name(variant)} {amounts[0]} → {amounts[1]}")
            on_sale = product.status == "active" and not variant.archived
            await reprice(session, variant, price.amount, currency, now(), on_sale=on_sale)
            changes += _set_variant(variant, price, row)
    sold = {price.id for price in row.prices} | row.untouched
    for variant in variants:
        if row.all_there and not variant.archived and variant.stripe_price_id not in sold:
            variant.archived = True
            changes.append(f"{_name(variant)} archived")
    return changes


def _new_variant(product: Product, variants: Sequence[Variant], price: PriceRow, taken: set[str]) -> Variant:
    """Not counted: it is sold until somebody counts it (`storefront stock`)."""
    mine = {one.sku for one in variants}
    # A price that stood under another product before left its SKU there.
    free = f"{price.id}-{product.id}" if price.id in taken - mine else price.id
    sku = price.sku or new_sku(free, mine)
    return Variant(
        product_id=product.id,
        sku=sku,
        position=len(variants),
        tracked=False,
        requires_shipping=True,
        on_hand=0,
        held=0,
        archived=False,
        credit_amount=price.credit_amount,
    )


def _set_variant(variant: Variant, price: PriceRow, row: ProductRow) -> list[str]:
    """Set what is Stripe's beside the price. Gives what changed, in words."""
    changes = []
    if price.credit_amount is not None and variant.held:
        # Counted pieces stay such until no open order holds any; the next sync looks again.
        price = replace(price, credit_amount=None)
    was_package = variant.credit_amount is not None
    if (variant.title, variant.credit_amount, variant.archived) != (price.title, price.credit_amount, False):
        changes.append(price.title or variant.sku)
    variant.title, variant.stripe_price_id, variant.archived = price.title, price.id, False
    if price.content is not None and price.content != content_of(variant):
        variant.content, variant.content_unit, variant.content_per = price.content
        changes.append(f"{_name(variant)} holds {variant.content} {variant.content_unit}")
    variant.credit_amount = price.credit_amount
    if price.credit_amount is not None:
        variant.tracked, variant.requires_shipping = False, False
    elif row.shippable is not None or was_package:
        variant.requires_shipping = row.shippable is not False
    return changes


def _name(variant: Variant) -> str:
    return variant.title or variant.sku


def _set_product(
    product: Product, variants: Sequence[Variant], row: ProductRow, changes: list[str], *, new: bool
) -> Outcome:
    left = [one for one in variants if not one.archived]
    before = product.status
    if not left:
        product.status = "archived" if before == "active" else before
        text = f"{row.title}: it has no price that can be sold here"
        return Outcome(row.id, UNCHANGED if product.status == before else ARCHIVED, text)
    if product.title != row.title and not new:
        changes = [*changes, "title"]
    if product.description != row.description and not new:
        changes = [*changes, "description"]
    if before == "archived":
        changes = [*changes, "back on sale"]
        product.status = "active"
    product.title, product.description = row.title, row.description
    product.summary = summary_of(row.description)
    product.price = min(one.price for one in left)
    product.listed = any(one.credit_amount is None for one in left)
    product.search_title = folded(row.title)
    product.search_text = folded(f"{' '.join(one.title for one in left)} {row.description}")
    if new:
        return Outcome(row.id, CREATED, row.title)
    if not changes:
        return Outcome(row.id, UNCHANGED, row.title)
    return Outcome(row.id, CHANGED, f"{row.title}: {', '.join(changes)}")
