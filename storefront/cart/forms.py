"""What a person may send to the cart, and the sentence for each mistake."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator

from storefront.cart.models import LIMIT_PER_LINE
from storefront.language import gettext as _

MOST_ID = 2**31 - 1


def _whole_number(value: object) -> int:
    # ASCII digits only: int() also takes "٣", "1_0", "+1" and spaces.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        return int(value)
    raise ValueError(_("Enter a whole number from 1 to %(most)s.", most=LIMIT_PER_LINE))


def _within_limit(value: int) -> int:
    if value > LIMIT_PER_LINE:
        raise ValueError(_("You can order at most %(most)s of one thing.", most=LIMIT_PER_LINE))
    return value


def _at_least_one(value: int) -> int:
    if value < 1:
        raise ValueError(_("Enter a whole number from 1 to %(most)s.", most=LIMIT_PER_LINE))
    return value


def _step(value: object) -> int:
    if value in {"-1", "1"}:
        return int(str(value))
    raise ValueError(_("Use − or + to change the quantity by one."))


def _identity(value: object) -> int:
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) <= 10
        and int(value) <= MOST_ID
    ):
        return int(value)
    raise ValueError(_("Choose what to add to the cart."))


Quantity = Annotated[int, BeforeValidator(_whole_number), AfterValidator(_within_limit)]


class AddForm(BaseModel):
    variant_id: Annotated[int, BeforeValidator(_identity)]
    quantity: Annotated[Quantity, AfterValidator(_at_least_one)]


class ChangeForm(BaseModel):
    """`step` wins over `quantity`; one of them is needed."""

    quantity: Quantity | None = None
    step: Annotated[int, BeforeValidator(_step)] | None = None
