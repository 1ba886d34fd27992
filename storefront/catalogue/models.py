"""What is for sale: collections, products, their variants and pictures, and the stock's own ledger."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storefront.database import Base, Json, Moment, now
from storefront.language import gettext as _


class CatalogueVersion(Base):
    """One row; its number is raised by whatever changes what public pages show."""

    __tablename__ = "catalogue_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]


class Collection(Base):
    __tablename__ = "collections"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)


class Product(Base):
    """`price` repeats the cheapest variant's, for sorting; `search_title` and `search_text` repeat the words in
    the form in which they are looked for (`catalogue.search.folded`). Whoever changes a product keeps them true.

    A product that is not `listed` (credit packages) is for sale and stands in no listing and no search. With a
    `stripe_id` its title, description and variants are Stripe's; `stripe_synced_at` is when they were read there.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'active', 'archived')", name="status"),
        Index("ix_products_status_position", "status", "position", "id"),
        Index("ix_products_status_price", "status", "price", "id"),
        Index("ix_products_status_id", "status", "id"),
        Index("ix_products_status_title", "status", "title", "id"),
        Index("uq_products_stripe_id", "stripe_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    details: Mapped[list[list[str]]] = mapped_column(Json, default=list)
    status: Mapped[str] = mapped_column(default="draft")
    option: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    price: Mapped[int] = mapped_column(default=0)
    search_title: Mapped[str] = mapped_column(default="")
    search_text: Mapped[str] = mapped_column(default="")
    listed: Mapped[bool] = mapped_column(default=True)
    stripe_id: Mapped[str | None]
    stripe_synced_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    variants: Mapped[list["Variant"]] = relationship(lazy="raise", order_by="Variant.position")
    images: Mapped[list["Image"]] = relationship(lazy="raise", order_by="Image.position")


class ProductCollection(Base):
    __tablename__ = "product_collections"
    __table_args__ = (Index("ix_product_collections_product_id", "product_id"),)

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)


class Variant(Base):
    """What is put into a cart. `price` is in minor units of `currency`.

    `on_hand` counts what is in the house, held pieces included; `held` what open orders have set aside. A
    variant that is not `tracked` (a download) never runs out. One with a `credit_amount` is a package of so many
    credits. `stripe_price_id` is the price in Stripe that it is sold at. `lowest_before` is the lowest price of the
    30 days before the present one, where that one is lower (`catalogue.reprice`). A piece holds `content` of
    `content_unit`, "g" or "ml", and its price is told for `content_per` of them (`catalogue.content`).
    """

    __tablename__ = "variants"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("held >= 0 AND (held <= on_hand OR NOT tracked)", name="stock"),
        CheckConstraint(
            "credit_amount IS NULL OR (credit_amount > 0 AND NOT tracked AND NOT requires_shipping)",
            name="credit_amount",
        ),
        CheckConstraint(
            "content IS NULL OR (content > 0 AND content_unit IN ('g', 'ml') AND content_per IN (100, 1000))",
            name="content",
        ),
        Index("ix_variants_product_id", "product_id", "position"),
        Index("uq_variants_stripe_price_id", "stripe_price_id", unique=True),
        Index(
            "ix_variants_credit_amount",
            "credit_amount",
            sqlite_where=text("credit_amount IS NOT NULL"),
            postgresql_where=text("credit_amount IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="RESTRICT"))
    sku: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(default="")
    price: Mapped[int]
    currency: Mapped[str]
    on_hand: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    tracked: Mapped[bool] = mapped_column(default=True)
    requires_shipping: Mapped[bool] = mapped_column(default=True)
    archived: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    stripe_price_id: Mapped[str | None]
    credit_amount: Mapped[int | None]
    lowest_before: Mapped[int | None]
    content: Mapped[int | None]
    content_unit: Mapped[str] = mapped_column(default="", server_default="")
    content_per: Mapped[int] = mapped_column(default=0, server_default="0")


class PastPrice(Base):
    """A price that a variant had, in minor units of `currency`, and until when."""

    __tablename__ = "past_prices"
    __table_args__ = (Index("ix_past_prices_variant_id", "variant_id", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    amount: Mapped[int]
    currency: Mapped[str]
    until: Mapped[datetime] = mapped_column(Moment)


class Image(Base):
    """A picture of a product: `path` is its name (`web.pictures`) or a file below static/; width and height are the
    pixels of its biggest size. Position 0 stands on cards."""

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    path: Mapped[str]
    alt: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)


class StockMovement(Base):
    """One change of `on_hand`, with its one cause; a variant's movements add up to its `on_hand`."""

    __tablename__ = "stock_movements"
    __table_args__ = (UniqueConstraint("variant_id", "cause"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="RESTRICT"))
    quantity: Mapped[int]
    cause: Mapped[str]
    at: Mapped[datetime] = mapped_column(Moment, default=now)


FEW = 2  # a variant with this many or fewer left says so


def stock_level(tracked: bool, can_be_had: int) -> str:
    """The stock as pages say it: "in", "few" (1 or 2 left) or "none"."""
    if not tracked or can_be_had > FEW:
        return "in"
    return "few" if can_be_had > 0 else "none"


def stock_text(tracked: bool, can_be_had: int) -> str:
    """The sentence beside a variant: "", "Only 2 left" or _("Sold out")."""
    return {"in": "", "few": _("Only %(left)s left", left=can_be_had), "none": _("Sold out")}[
        stock_level(tracked, can_be_had)
    ]
