"""The words of titles are looked for in an index of their own"""

from alembic import op

from migrations.search import create_search_of_titles, drop_search_of_titles

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_search_of_titles()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO product_search_titles(product_search_titles) VALUES ('rebuild')")


def downgrade() -> None:
    drop_search_of_titles()
