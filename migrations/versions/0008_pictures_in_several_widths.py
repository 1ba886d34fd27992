"""The demo's pictures are kept in several widths, under their names, and no longer as drawings"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Pictures of one's own stay files below static/.
DRAWN = (
    "amber-jar-candle apron-sewing-pattern ash-glaze-teapot beeswax-pillar-candle brass-chamberstick cafe-au- "
    "lait-bowl calendula-hand-balm cedar-pencils cherry-wood-spoons dipped-taper-candles fig-reed-diffuser "
    "indigo-cushion-cover lambswool-throw lavender-soap letterpress-note-cards linen-apron oak-bread-board oat- "
    "and-honey-soap olive-bud-vase ribbed-soap-dish rose-linen-napkins rosemary-bath-salts slow-sunday-gift-box "
    "speckled-mug stitched-notebook stoneware-pitcher striped-tea-towel terracotta-herb-planter waffle- "
    "washcloths walnut-salt-cellar willow-market-basket winter-tin-candle workshop-credits"
).split()
BIGGEST = 1440


def upgrade() -> None:
    old = ", ".join(f"'images/products/{name}.svg'" for name in DRAWN)
    name = "replace(replace({}, 'images/products/', ''), '.svg', '')"
    op.execute(
        f"UPDATE images SET path = {name.format('path')}, width = {BIGGEST}, height = {BIGGEST} "
        f"WHERE path IN ({old})"
    )
    op.execute(f"UPDATE order_lines SET image_path = {name.format('image_path')} WHERE image_path IN ({old})")


def downgrade() -> None:
    new = ", ".join(f"'{name}'" for name in DRAWN)
    op.execute(
        "UPDATE images SET path = 'images/products/' || path || '.svg', width = 800, height = 800 "
        f"WHERE path IN ({new})"
    )
    op.execute(
        "UPDATE order_lines SET image_path = 'images/products/' || image_path || '.svg' "
        f"WHERE image_path IN ({new})"
    )
