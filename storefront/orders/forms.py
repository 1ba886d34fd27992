"""What somebody may send who asks for their order or withdraws from it, and the sentence for each mistake."""

import re
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel

from storefront.language import gettext as _
from storefront.web.forms import email_address, unseen_in

LONGEST_NAME, LONGEST_NUMBER = 80, 40
NUMBER = re.compile(r"SF-?([2-9A-Z]{6})")
# A confirmation goes to an address that nobody has proved to be theirs: it must not carry somebody's advertisement.
LINK_LIKE = re.compile(r"[/:@\\]|\w[.。]\w", re.UNICODE)
ODD = re.compile(r"[^\w #.-]", re.UNICODE)


def _number(value: str) -> str:
    """An order's number however it was typed: sf7q4k2m is SF-7Q4K2M. Others stay as they are."""
    if not value:
        raise ValueError(_("Enter the order number."))
    if len(value) > LONGEST_NUMBER or ODD.search(value) or LINK_LIKE.search(value):
        raise ValueError(_("Enter the order number as it stands in our messages, such as SF-7Q4K2M."))
    found = NUMBER.fullmatch("".join(value.upper().split()))
    return f"SF-{found[1]}" if found else value


def _name(value: str) -> str:
    if not value:
        raise ValueError(_("Enter your name."))
    if len(value) > LONGEST_NAME:
        raise ValueError(_("Shorten the name to %(n)s characters.", n=LONGEST_NAME))
    # Wide and small forms of "." and "/" are read as such by mail programs, too.
    plain = normalize("NFKC", value)
    if LINK_LIKE.search(plain) or unseen_in(plain):
        raise ValueError(_("Enter your name as it stands on the order."))
    return value


Number = Annotated[str, AfterValidator(_number)]
Name = Annotated[str, AfterValidator(_name)]
Email = Annotated[str, AfterValidator(email_address)]


class LookupForm(BaseModel, validate_default=True):
    number: Number = ""
    email: Email = ""


class NameForm(BaseModel, validate_default=True):
    name: Name = ""


class WithdrawalForm(NameForm):
    number: Number = ""
    email: Email = ""
