"""What a person may send to the account's pages, and the sentence for each mistake."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel

from storefront.language import gettext as _
from storefront.web.forms import email_address

SHORTEST, LONGEST = 8, 128
# Compared as they were typed: a space at an end is a part of them.
PASSWORDS = frozenset({"password", "new_password"})


def _chosen(value: str) -> str:
    if not value:
        raise ValueError(_("Choose a password."))
    if len(value) < SHORTEST:
        raise ValueError(_("Choose a password of at least %(n)s characters.", n=SHORTEST))
    if len(value) > LONGEST:
        raise ValueError(_("Choose a password of at most %(n)s characters.", n=LONGEST))
    return value


def _given(value: str) -> str:
    if not value:
        raise ValueError(_("Enter your password."))
    return value


def _code(value: str) -> str:
    if not value:
        raise ValueError(_("Enter the code."))
    return value[:64]


Email = Annotated[str, AfterValidator(email_address)]
Password = Annotated[str, AfterValidator(_given)]
NewPassword = Annotated[str, AfterValidator(_chosen)]


class EmailForm(BaseModel, validate_default=True):
    email: Email = ""
    next: str = ""


class SignInForm(BaseModel, validate_default=True):
    email: Email = ""
    password: Password = ""
    next: str = ""


class CodeForm(BaseModel, validate_default=True):
    code: Annotated[str, AfterValidator(_code)] = ""
    next: str = ""


class NewPasswordForm(BaseModel, validate_default=True):
    new_password: NewPassword = ""


class ConfirmForm(BaseModel, validate_default=True):
    password: Password = ""


class ChangePasswordForm(BaseModel, validate_default=True):
    password: Password = ""
    new_password: NewPassword = ""


class ChangeEmailForm(BaseModel, validate_default=True):
    email: Email = ""
    password: Password = ""
