"""Reads of a cart: prices and stock from the database at every look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from storefront.cart.models import LIMIT_PER_LINE, Cart, CartLine
from storefront.catalogue.models import Image, Product, Variant
from storefront.catalogue.queries import Picture
from storefront.glance import Reader
from storefront.promotions.models import Promotion
from storefront.promotions.offers import COLUMNS, Offer, offer_of


@dataclass(frozen=True, slots=True)
class Line:
    """A cart line as it truly is now. Prices in minor units; `left` is how many this cart can have."""

    id: int
    variant_id: int
    product_id: int
    sku: str
    title: str
    variant_title: str
    slug: str
    image: Picture | None
    quantity: int
    price: int
    seen_price: int
    on_sale: bool
    tracked: bool
    left: int
    requires_shipping: bool
    credit_amount: int | None = None
    lowest_before: int | None = None

    @property
    def gone(self) -> bool:
        """True when not one piece can be had."""
        return not self.on_sale or self.left <= 0

    @property
    def short(self) -> bool:
        return self.gone or self.quantity > self.left

    @property
    def name(self) -> str:
        return f"{self.title}, {self.variant_title}" if self.variant_title else self.title

    @property
    def total(self) -> int:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class CartView:
    id: int
    draft: dict[str, Any] | None = None
    draft_at: Any = None
    lines: list[Line] = field(default_factory=list)
    offer: Offer | None = None

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> int:
        """Minor units; what can no longer be had does not count."""
        return sum(line.total for line in self.lines if not line.gone)

    def discount(self, currency: str) -> int:
        """What the cart's code takes off its things, in minor units."""
        return self.offer.off(self.subtotal, currency) if self.offer else 0

    @property
    def needs_delivery(self) -> bool:
        """Whether something in it is delivered; also what is gone, or its address would be forgotten with it."""
        return any(line.requires_shipping for line in self.lines)

    @property
    def holds_credits(self) -> bool:
        """Whether something in it needs an account to go to."""
        return any(line.credit_amount is not None for line in self.lines)

    @property
    def credits(self) -> int:
        """How many credits it brings."""
        return sum(line.quantity * (line.credit_amount or 0) for line in self.lines)

    @property
    def can_check_out(self) -> bool:
        return bool(self.lines) and not any(line.short for line in self.lines)

    def with_holds(self, own: Mapping[int, int]) -> "CartView":
        """The cart with what its own open order holds (pieces by variant id) counted as still to be had."""
        lines = [replace(line, left=line.left + own.get(line.variant_id, 0)) for line in self.lines]
        return replace(self, lines=lines)


NO_CART = CartView(0)


CART = (
    select(
        Cart.id.label("cart_id"),
        Cart.draft,
        Cart.draft_at,
        CartLine.id,
        CartLine.quantity,
        CartLine.seen_price,
        Variant.id.label("variant_id"),
        Variant.sku,
        Variant.title.label("variant_title"),
        Variant.price,
        Variant.on_hand,
        Variant.held,
        Variant.tracked,
        Variant.archived,
        Variant.requires_shipping,
        Variant.credit_amount,
        Variant.lowest_before,
        Product.id.label("product_id"),
        Product.slug,
        Product.title,
        Product.status,
        Image.path,
        Image.alt,
        Image.width,
        Image.height,
        *COLUMNS,
    )
    .outerjoin(Promotion, Promotion.id == Cart.promotion_id)
    .outerjoin(CartLine, CartLine.cart_id == Cart.id)
    .outerjoin(Variant, Variant.id == CartLine.variant_id)
    .outerjoin(Product, Product.id == Variant.product_id)
    .outerjoin(Image, (Image.product_id == Product.id) & (Image.position == 0))
    .order_by(CartLine.id)
)
BY_KEY = CART.where(Cart.token_hash == bindparam("key"))
BY_ID = CART.where(Cart.id == bindparam("cart_id"))


async def cart_by_key(reader: Reader, key: str | None) -> CartView:
    """The cart behind a cookie's hash, in one statement; an empty one when there is none."""
    return _cart((await reader.execute(BY_KEY, {"key": key})).all()) if key else NO_CART


async def cart_by_id(reader: Reader, cart_id: int) -> CartView:
    return _cart((await reader.execute(BY_ID, {"cart_id": cart_id})).all())


def _cart(rows: Sequence[Row[Any]]) -> CartView:
    if not rows:
        return NO_CART
    lines = [_line(row) for row in rows if row.id is not None]
    return CartView(rows[0].cart_id, rows[0].draft, rows[0].draft_at, lines, offer_of(rows[0]))


def _line(row: Row[Any]) -> Line:
    return Line(
        id=row.id,
        variant_id=row.variant_id,
        product_id=row.product_id,
        sku=row.sku,
        title=row.title,
        variant_title=row.variant_title,
        slug=row.slug,
        image=Picture(row.path, row.alt, row.width, row.height) if row.path else None,
        quantity=row.quantity,
        price=row.price,
        seen_price=row.seen_price,
        on_sale=row.status == "active" and not row.archived,
        tracked=row.tracked,
        left=row.on_hand - row.held if row.tracked else LIMIT_PER_LINE,
        requires_shipping=row.requires_shipping,
        credit_amount=row.credit_amount,
        lowest_before=row.lowest_before,
    )


COUNT = (
    select(func.coalesce(func.sum(CartLine.quantity), 0))
    .join(Cart, Cart.id == CartLine.cart_id)
    .where(Cart.token_hash == bindparam("key"))
)


KNOWN = select(Cart.id).where(Cart.token_hash == bindparam("key"))


async def is_known(reader: Reader, key: str) -> bool:
    """Whether there is a cart behind a cookie's hash."""
    return (await reader.execute(KNOWN, {"key": key})).first() is not None


async def count_by_key(reader: Reader, key: str) -> int:
    """How many pieces lie in the cart behind a cookie's hash."""
    return int((await reader.execute(COUNT, {"key": key})).scalar())


VARIANT_NAME = (
    select(Product.title, Variant.title.label("variant_title"))
    .join(Product, Product.id == Variant.product_id)
    .where(Variant.id == bindparam("variant_id"))
)


async def variant_name(reader: Reader, variant_id: int) -> str | None:
    """A variant's name as people know it, for the row that says it was removed."""
    row = (await reader.execute(VARIANT_NAME, {"variant_id": variant_id})).first()
    return (f"{row[0]}, {row[1]}" if row[1] else row[0]) if row else None
