"""Which account a cart belongs to"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("carts") as batch:
        batch.add_column(sa.Column("account_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_carts_account_id_accounts"), "accounts", ["account_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index("ix_carts_account_id", "carts", ["account_id"])


def downgrade() -> None:
    op.drop_index("ix_carts_account_id", "carts")
    with op.batch_alter_table("carts") as batch:
        batch.drop_constraint(op.f("fk_carts_account_id_accounts"), type_="foreignkey")
        batch.drop_column("account_id")
