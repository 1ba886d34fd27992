"""A discount code and what it is worth."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storefront.database import Base, Moment, now


class Promotion(Base):
    """`code` in capital letters. Either `percent` of the goods or an `amount` comes off, for goods of `minimum` or
    more; amounts in minor units of the shop's currency. At most `most_orders` may have it (None: any
    number)."""

    __tablename__ = "promotions"
    __table_args__ = (
        CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="kind"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("minimum >= 0", name="minimum"),
        CheckConstraint("most_orders > 0", name="most_orders"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    percent: Mapped[int | None]
    amount: Mapped[int | None]
    minimum: Mapped[int] = mapped_column(default=0)
    most_orders: Mapped[int | None]
    begins_at: Mapped[datetime] = mapped_column(Moment, default=now)
    ends_at: Mapped[datetime | None] = mapped_column(Moment)
