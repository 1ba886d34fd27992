"""Changing a cart. Nothing here trusts what a page said about prices or stock."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Select, String, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storefront.cart.models import LIMIT_LINES, LIMIT_PER_LINE, Cart, CartLine
from storefront.catalogue.models import Product, Variant
from storefront.database import Base, now
from storefront.glance import Reader, Stroke
from storefront.language import gettext as _

# What the cart's own open order holds counts as still to be had; orders are above this room, so the app says how.
HeldForCart: TypeAlias = Callable[[Reader, int], Awaitable[Mapping[int, int]]]

TOUCH_AFTER = timedelta(hours=1)


class NoSuchThing(Exception):
    """No such variant is sold, or the line is not in this cart."""


class NoCart(Exception):
    """There is no cart behind the key, and none may be made."""


@dataclass
class OverLimit(Exception):
    """More than 99 of one thing, or more than 50 different things. `text` is the shopper's sentence."""

    text: str


@dataclass
class NotEnough(Exception):
    """More than can be had: `left` can be had in all, of which `in_cart` lie in the cart already."""

    variant_id: int
    line_id: int | None
    name: str
    wanted: int
    left: int
    in_cart: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: the cart's new count, the thing and how many there were and are of it."""

    count: int
    variant_id: int
    name: str
    before: int
    quantity: int
    new_cart: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    cart_id: int | None
    variant_id: int
    name: str
    price: int
    left: int
    line_id: int | None
    quantity: int
    count: int
    lines: int


async def add_to_cart(
    stroke: Stroke,
    key: str | None,
    new_key: str | None,
    variant_id: int,
    quantity: int,
    held: HeldForCart,
    *,
    at_least: bool = False,
) -> Changed:
    """Add `quantity` (1 to 99) of a variant to the cart behind `key`, or to a new one under `new_key`; with `at_least`
    only what is missing to that quantity.

    Raises NoSuchThing, OverLimit, NotEnough, or without a `new_key` NoCart; then nothing was changed.
    """
    found = await _find(stroke, key, variant_id=variant_id)
    if found is None:
        raise NoSuchThing
    wanted = max(found.quantity, quantity) if at_least else found.quantity + quantity
    if wanted == found.quantity:
        return Changed(found.count, variant_id, found.name, wanted, wanted)
    if wanted > LIMIT_PER_LINE:
        raise OverLimit(
            _(
                "You can order at most %(most)s of one thing. %(quantity)s are in your cart.",
                most=LIMIT_PER_LINE,
                quantity=found.quantity,
            )
        )
    if found.line_id is None and found.lines >= LIMIT_LINES:
        raise OverLimit(_("A cart holds at most %(most)s different things.", most=LIMIT_LINES))
    await _check_stock(stroke, found, wanted, held)
    cart_id = found.cart_id
    if cart_id is None:
        if new_key is None:
            raise NoCart
        new = {"token_hash": new_key, "created_at": now(), "changed_at": now()}
        cart_id = int((await stroke.execute(NEW_CART, new)).scalar())
    if found.line_id is None:
        line = {"cart_id": cart_id, "variant_id": variant_id, "quantity": wanted, "seen_price": found.price}
        await stroke.execute(NEW_LINE, line)
    else:
        await _write(stroke, found.line_id, wanted, found.price)
    count = found.count - found.quantity + wanted
    return Changed(count, variant_id, found.name, found.quantity, wanted, new_cart=found.cart_id is None)


async def set_quantity(
    stroke: Stroke,
    key: str | None,
    line_id: int,
    quantity: int | None,
    step: int | None,
    held: HeldForCart,
) -> Changed:
    """Set a line to `quantity` (0 removes it), or change it by `step`, which wins. Raises as add_to_cart does."""
    found = await _find(stroke, key, line_id=line_id) if key else None
    if found is None or found.cart_id is None or found.line_id is None:
        raise NoSuchThing
    wanted = found.quantity + step if step is not None else quantity
    if wanted is None:
        raise ValueError("a quantity or a step is needed")
    if wanted > LIMIT_PER_LINE:
        raise OverLimit(_("You can order at most %(most)s of one thing.", most=LIMIT_PER_LINE))
    if wanted <= 0:
        await stroke.execute(delete(CartLine).where(CartLine.id == line_id))
    else:
        if wanted > found.quantity:
            await _check_stock(stroke, found, wanted, held)
        await _write(stroke, line_id, wanted, found.price)
    wanted = max(wanted, 0)
    return Changed(
        found.count - found.quantity + wanted, found.variant_id, found.name, found.quantity, wanted
    )


async def _find(
    stroke: Stroke, key: str | None, *, variant_id: int | None = None, line_id: int | None = None
) -> _Found | None:
    """The cart, locked, with the variant or line in question and the cart's sums, in one statement."""
    if key is not None:
        # The far side of an outer join cannot be locked, so the cart is locked first. On SQLite the write
        # transaction is that lock already, and `lock` says nothing.
        await stroke.lock(MY_CART, {"key": key})
    if line_id is None:
        answer = await stroke.execute(FOR_VARIANT, {"key": key, "variant_id": variant_id})
    else:
        answer = await stroke.execute(FOR_LINE, {"key": key, "line_id": line_id})
    row = answer.first()
    if row is None or (not row.on_sale and line_id is None):
        return None
    if row.cart_id is not None and now() - row.changed_at > TOUCH_AFTER:
        await stroke.execute(TOUCH, {"cart_id": row.cart_id, "moment": now()})
    return _Found(
        cart_id=row.cart_id,
        variant_id=row.variant_id,
        name=f"{row.title}, {row.variant_title}" if row.variant_title else row.title,
        price=row.price,
        left=0 if not row.on_sale else row.on_hand - row.held if row.tracked else LIMIT_PER_LINE,
        line_id=row.line_id,
        quantity=row.quantity or 0,
        count=row.sums or 0,
        lines=row.lines or 0,
    )


def _what_is_found() -> Select[Any]:
    every = aliased(CartLine)
    sums = (
        select(func.coalesce(func.sum(every.quantity), 0)).where(every.cart_id == Cart.id).scalar_subquery()
    )
    lines = select(func.count(every.id)).where(every.cart_id == Cart.id).scalar_subquery()
    columns = (
        Cart.id.label("cart_id"),
        Cart.changed_at,
        CartLine.id.label("line_id"),
        CartLine.quantity,
        sums.label("sums"),
        lines.label("lines"),
        Variant.id.label("variant_id"),
        Variant.title.label("variant_title"),
        Variant.price,
        Variant.tracked,
        Variant.on_hand,
        Variant.held,
        Product.title,
        ((Product.status == "active") & ~Variant.archived).label("on_sale"),
    )
    return select(*columns).select_from(Variant).join(Product, Product.id == Variant.product_id)


MINE = Cart.token_hash == bindparam("key", type_=String)
MY_CART = select(Cart.id).where(MINE)
FOR_LINE = (
    _what_is_found()
    .join(CartLine, CartLine.variant_id == Variant.id)
    .join(Cart, Cart.id == CartLine.cart_id)
    .where(CartLine.id == bindparam("line_id"), MINE)
)
FOR_VARIANT = (
    _what_is_found()
    .outerjoin(Cart, MINE)
    .outerjoin(CartLine, (CartLine.cart_id == Cart.id) & (CartLine.variant_id == Variant.id))
    .where(Variant.id == bindparam("variant_id"))
)


async def _check_stock(stroke: Stroke, found: _Found, wanted: int, held: HeldForCart) -> None:
    if wanted <= found.left:
        return
    own = (await held(stroke, found.cart_id)).get(found.variant_id, 0) if found.cart_id is not None else 0
    if wanted > found.left + own:
        left = found.left + own
        raise NotEnough(found.variant_id, found.line_id, found.name, wanted, left, found.quantity)


CARTS, LINES = Base.metadata.tables[Cart.__tablename__], Base.metadata.tables[CartLine.__tablename__]
NEW_CART = insert(CARTS).values({n: bindparam(n) for n in ("token_hash", "created_at", "changed_at")})
NEW_CART = NEW_CART.returning(CARTS.c.id)
TOUCH = update(CARTS).where(CARTS.c.id == bindparam("cart_id")).values(changed_at=bindparam("moment"))
NEW_LINE = insert(LINES).values(
    {n: bindparam(n) for n in ("cart_id", "variant_id", "quantity", "seen_price")}
)
WRITE_LINE = (
    update(LINES)
    .where(LINES.c.id == bindparam("line_id"))
    .values(quantity=bindparam("pieces"), seen_price=bindparam("price"))
)


CODE = update(CARTS).values(promotion_id=bindparam("promotion"))
SET_CODE = CODE.where(CARTS.c.token_hash == bindparam("key"))
PUT_CODE_BACK = SET_CODE.where(CARTS.c.promotion_id.is_(None))


async def set_code(stroke: Stroke, key: str | None, promotion_id: int | None) -> None:
    """Have the cart behind `key` keep a discount code in the place of the one that it has, or none."""
    await stroke.execute(SET_CODE, {"key": key, "promotion": promotion_id})


async def put_code_back(stroke: Stroke, key: str | None, promotion_id: int) -> None:
    """Have the cart keep the code of an order whose things come back to it, unless it has another."""
    await stroke.execute(PUT_CODE_BACK, {"key": key, "promotion": promotion_id})


async def _write(stroke: Stroke, line_id: int, quantity: int, price: int) -> None:
    await stroke.execute(WRITE_LINE, {"line_id": line_id, "pieces": quantity, "price": price})


async def subtract_from_cart(session: AsyncSession, cart_id: int, bought: Mapping[int, int]) -> None:
    """Take what was bought, by variant id, out of the cart; what was added meanwhile stays."""
    for variant_id in sorted(bought):
        mine = (CartLine.cart_id == cart_id) & (CartLine.variant_id == variant_id)
        await session.execute(delete(CartLine).where(mine, CartLine.quantity <= bought[variant_id]))
        await session.execute(
            update(CartLine).where(mine).values(quantity=CartLine.quantity - bought[variant_id])
        )
