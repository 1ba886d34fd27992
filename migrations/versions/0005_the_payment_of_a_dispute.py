"""Which payment a dispute is about: an order may have been paid twice"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("disputes", sa.Column("payment_intent", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("disputes", "payment_intent")
