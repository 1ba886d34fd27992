"""The catalogue from Stripe, and credits"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

A_PACKAGE = "credit_amount IS NULL OR (credit_amount > 0 AND NOT tracked AND NOT requires_shipping)"
PACKAGES = sa.text("credit_amount IS NOT NULL")


def upgrade() -> None:
    op.add_column("products", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("products", sa.Column("stripe_id", sa.String(), nullable=True))
    op.add_column("products", sa.Column("stripe_synced_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_products_stripe_id", "products", ["stripe_id"], unique=True)
    op.add_column("variants", sa.Column("stripe_price_id", sa.String(), nullable=True))
    op.create_index("uq_variants_stripe_price_id", "variants", ["stripe_price_id"], unique=True)
    # A column with its own check needs no new table on SQLite, and both databases know these words.
    op.execute(
        "ALTER TABLE variants ADD COLUMN credit_amount INTEGER "
        f"CONSTRAINT ck_variants_credit_amount CHECK ({A_PACKAGE})"
    )
    op.create_index(
        "ix_variants_credit_amount",
        "variants",
        ["credit_amount"],
        sqlite_where=PACKAGES,
        postgresql_where=PACKAGES,
    )
    op.add_column("order_lines", sa.Column("credit_amount", sa.Integer(), nullable=True))
    _ledger()


def _ledger() -> None:
    op.create_table(
        "credit_balances",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_credit_balances_balance")),
        sa.CheckConstraint("owed >= 0", name=op.f("ck_credit_balances_owed")),
        _of_an_account("credit_balances"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_credit_balances")),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("owing", sa.BigInteger(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount <> 0 OR owing <> 0", name=op.f("ck_credit_entries_amount")),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_credit_entries_balance")),
        sa.CheckConstraint("owed >= 0", name=op.f("ck_credit_entries_owed")),
        _of_an_account("credit_entries"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_credit_entries_order_id_orders"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_entries")),
        sa.UniqueConstraint("cause", name=op.f("uq_credit_entries_cause")),
    )
    op.create_index("ix_credit_entries_account_id", "credit_entries", ["account_id", "id"])
    op.create_index("ix_credit_entries_order_id", "credit_entries", ["order_id"])


def _of_an_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id_accounts")
    return sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("credit_entries")
    op.drop_table("credit_balances")
    op.drop_column("order_lines", "credit_amount")
    op.drop_index("ix_variants_credit_amount", "variants")
    op.drop_column("variants", "credit_amount")
    op.drop_index("uq_variants_stripe_price_id", "variants")
    op.drop_column("variants", "stripe_price_id")
    op.drop_index("uq_products_stripe_id", "products")
    for column in ("stripe_synced_at", "stripe_id", "listed"):
        op.drop_column("products", column)
