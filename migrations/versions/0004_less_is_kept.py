"""What messages hold ends, and so does a second factor that nobody finished setting up"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("opens_until", sa.DateTime(timezone=True), nullable=True))
    # Those that were left before: the worker empties them as it does new ones.
    op.execute("UPDATE outbox SET opens_until = created_at WHERE key LIKE 'account-link:%'")
    op.add_column("accounts", sa.Column("totp_pending_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("accounts", sa.Column("totp_pending_by", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "totp_pending_by")
    op.drop_column("accounts", "totp_pending_at")
    op.drop_column("outbox", "opens_until")
