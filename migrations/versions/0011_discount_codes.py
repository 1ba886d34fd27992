"""Discount codes, the one that a cart has, and what it took off an order"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OF_CART = op.f("fk_carts_promotion_id_promotions")
OF_ORDER = op.f("fk_orders_promotion_id_promotions")
TOTAL, DISCOUNT = op.f("ck_orders_total"), op.f("ck_orders_discount")


def upgrade() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("minimum", sa.Integer(), nullable=False),
        sa.Column("most_orders", sa.Integer(), nullable=True),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name=op.f("ck_promotions_kind")),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_promotions_percent")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promotions_amount")),
        sa.CheckConstraint("minimum >= 0", name=op.f("ck_promotions_minimum")),
        sa.CheckConstraint("most_orders > 0", name=op.f("ck_promotions_most_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
        sa.UniqueConstraint("code", name=op.f("uq_promotions_code")),
    )
    with op.batch_alter_table("carts") as batch:
        batch.add_column(sa.Column("promotion_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(OF_CART, "promotions", ["promotion_id"], ["id"], ondelete="SET NULL")
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("promotion_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("promotion_code", sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("discount", sa.Integer(), server_default="0", nullable=False))
        batch.create_foreign_key(OF_ORDER, "promotions", ["promotion_id"], ["id"], ondelete="RESTRICT")
        batch.drop_constraint(TOTAL, type_="check")
        batch.create_check_constraint(TOTAL, "total = subtotal - discount + shipping AND total >= 0")
        batch.create_check_constraint(DISCOUNT, "discount BETWEEN 0 AND subtotal")
        batch.create_index("ix_orders_promotion_id", ["promotion_id"])


def downgrade() -> None:
    # What an order came to stays; how it came to it is lost with the codes. Pages that are open can be paid; an open
    # order with a discount gets no new one after another upgrade, since its lines come to more than its total.
    op.execute("UPDATE orders SET subtotal = subtotal - discount, discount = 0")
    with op.batch_alter_table("orders") as batch:
        batch.drop_index("ix_orders_promotion_id")
        batch.drop_constraint(OF_ORDER, type_="foreignkey")
        batch.drop_constraint(DISCOUNT, type_="check")
        batch.drop_constraint(TOTAL, type_="check")
        batch.create_check_constraint(TOTAL, "total = subtotal + shipping AND total >= 0")
        batch.drop_column("discount")
        batch.drop_column("promotion_code")
        batch.drop_column("promotion_id")
    with op.batch_alter_table("carts") as batch:
        batch.drop_constraint(OF_CART, type_="foreignkey")
        batch.drop_column("promotion_id")
    op.drop_table("promotions")
