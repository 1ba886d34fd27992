"""Reading what a form sends, strictly. Litestar's own reader is not used: it keeps the last 1,024 decoded bodies
of the process, passwords and addresses among them, and reads UTF-8 as Latin-1."""

import re
import unicodedata
from typing import TypeVar
from urllib.parse import parse_qsl

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ValidationError

from storefront.language import gettext as _
from storefront.web.errors import Refused
from storefront.web.request import ShopRequest

MAX_FIELDS = 100
LONGEST_EMAIL = 254
M = TypeVar("M", bound=BaseModel)
FORM_TYPE = "application/x-www-form-urlencoded"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Characters that are not seen, turn the direction of writing, or break the line.
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
# Joiners belong to how some languages write names.
JOINERS = "\u200c\u200d"


def unseen_in(line: str) -> bool:
    """Whether there is something in a line that people do not see as a character of it."""
    return any(unicodedata.category(one) in UNSEEN and one not in JOINERS for one in line)


async def read_form(request: ShopRequest, *, exact: frozenset[str] = frozenset()) -> dict[str, str]:
    """The fields of a form post, trimmed but for those named in `exact`. Raises Refused: 415 for another content type,
    413 (by Litestar) above 64 kB, 400 for broken encoding, 422 for a key given twice."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM_TYPE and (content_type or await request.body()):
        raise Refused(
            415, _("This form arrived in a way that the shop does not read"), _("Please send it again.")
        )
    raw = await request.body()
    try:
        # errors="strict" does not reach bytes that are not UTF-8 before decoding, so decode first.
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise Refused(
            400, _("The shop could not read that form"), _("Please go back and send it again.")
        ) from None
    form: dict[str, str] = {}
    for key, value in pairs:
        if CONTROL.search(key) or CONTROL.search(value):
            raise Refused(
                400, _("The shop could not read that form"), _("It holds characters that cannot be typed.")
            )
        if key in form:
            raise Refused(
                422, _("A field was sent twice"), _("“%(field)s” may be given once.", field=key[:40])
            )
        form[key] = value if key in exact else value.replace("\r\n", "\n").strip()
    return form


def email_address(value: str) -> str:
    """`value` as an address that mail can be sent to, its domain in ASCII. Raises ValueError with the sentence."""
    if not value:
        raise ValueError(_("Enter your e-mail address."))
    if len(value) > LONGEST_EMAIL:
        raise ValueError(_("Shorten the e-mail address to %(most)s characters.", most=LONGEST_EMAIL))
    try:
        # ASCII alone, since not every mail server takes more. `test_environment` lets .test addresses pass.
        found = validate_email(
            value, allow_smtputf8=False, check_deliverability=False, strict=True, test_environment=True
        )
    except EmailNotValidError:
        raise ValueError(_("Enter an e-mail address like name@example.com.")) from None
    return found.ascii_email or found.normalized


def messages(error: ValidationError) -> dict[str, str]:
    """The first message of each wrong field, by the field's name."""
    found: dict[str, str] = {}
    for entry in error.errors(include_url=False, include_input=False):
        name = str(entry["loc"][0]) if entry["loc"] else ""
        found.setdefault(name, str(entry["msg"]).removeprefix("Value error, "))
    return found


def parse(model: type[M], form: dict[str, str]) -> tuple[M | None, dict[str, str]]:
    """`form` as `model`, or None with the messages by field. Unknown keys are left out."""
    try:
        return model.model_validate(form), {}
    except ValidationError as error:
        return None, messages(error)
