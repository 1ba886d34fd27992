"""Prices that no longer hold, the price that a reduced one is shown beside, and what a piece holds"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CONTENT = "content IS NULL OR (content > 0 AND content_unit IN ('g', 'ml') AND content_per IN (100, 1000))"


def upgrade() -> None:
    op.add_column("variants", sa.Column("lowest_before", sa.Integer(), nullable=True))
    op.add_column("variants", sa.Column("content_unit", sa.String(), nullable=False, server_default=""))
    op.add_column("variants", sa.Column("content_per", sa.Integer(), nullable=False, server_default="0"))
    # A column with its own check needs no new table on SQLite, and both databases know these words.
    op.execute(
        f"ALTER TABLE variants ADD COLUMN content INTEGER CONSTRAINT ck_variants_content CHECK ({CONTENT})"
    )
    op.create_table(
        "past_prices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["variants.id"],
            name=op.f("fk_past_prices_variant_id_variants"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_prices")),
    )
    op.create_index("ix_past_prices_variant_id", "past_prices", ["variant_id", "until"])


def downgrade() -> None:
    op.drop_table("past_prices")
    op.drop_column("variants", "content")
    for column in ("content_per", "content_unit", "lowest_before"):
        op.drop_column("variants", column)
