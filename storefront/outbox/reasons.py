"""Why a message could not be sent, in words that hold no secret and no address, for the row and the log."""

import re
import ssl

import aiosmtplib
from jinja2 import TemplateError

# RFC 3463: a server's enhanced status code, such as 5.1.1 for a mailbox that does not exist.
STATUS_CODE = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")

REFUSED = (
    (aiosmtplib.SMTPAuthenticationError, "The mail server refused the user name or the password"),
    (aiosmtplib.SMTPSenderRefused, "The mail server refused the sender"),
    (aiosmtplib.SMTPRecipientRefused, "The mail server refused the recipient"),
    (aiosmtplib.SMTPDataError, "The mail server refused the message"),
    (aiosmtplib.SMTPResponseException, "The mail server refused"),
)


def reason(error: BaseException) -> str:
    """A line about `error`. Of a server's own words only codes are kept: the rest may repeat an address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    for kind, words in REFUSED:
        if isinstance(error, kind):
            return f"{words} ({_codes(error)})"
    if _has_wrong_certificate(error):
        return "The mail server's certificate could not be verified"
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return "The mail server cannot take addresses with other letters than ASCII's"
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time"
    if isinstance(error, (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected)):
        return "The mail server could not be reached, or hung up"
    if isinstance(error, aiosmtplib.SMTPException):
        return "The mail server does not offer the encryption or the sign-in that SMTP_URL asks for"
    if isinstance(error, TemplateError):
        # Jinja names the template and what is missing in it, never a value.
        return f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _codes(error: aiosmtplib.SMTPResponseException) -> str:
    found = STATUS_CODE.match(error.message)
    return f"{error.code} {found[1]}" if found else str(error.code)


def _has_wrong_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__
    return False
