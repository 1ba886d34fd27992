"""A message on its way out: rendered, and handed to the mail server or kept as a file."""

import asyncio
import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
from email_validator import validate_email
from jinja2 import select_autoescape

from storefront.language import speaking
from storefront.outbox.models import Message
from storefront.outbox.reasons import reason
from storefront.settings import Settings, WrongSettings, need_folder
from storefront.web.templates import Templates

STEP_LIMIT = 10.0
SEND_LIMIT = 30.0
# RFC 5322, 2.1.1: a line has at most 998 octets.
LONGEST_LINE = 998


class NotSent(Exception):
    """A message did not go out. The reason holds no secret and no address."""


def need_outbox(settings: Settings) -> None:
    """Raises WrongSettings when messages are to be kept as files and could not be."""
    if not settings.smtp_url.get_secret_value():
        need_folder("OUTBOX_DIR", settings.outbox_dir)


class Mailer:
    """Sends by the server of `settings.smtp_url`, or keeps one .eml file a message in `settings.outbox_dir`.

    Raises WrongSettings when the server's address cannot be used.
    """

    def __init__(self, settings: Settings, templates: Templates) -> None:
        self._settings = settings
        # The shop's own environment, so that a theme's e-mails win; plain text is not escaped as HTML.
        self._environment = templates.environment.overlay(
            autoescape=select_autoescape(enabled_extensions=("html",), default=False)
        )
        self._connection = _connection(settings)

    async def send(self, message: Message) -> None:
        """Send `message`, within 30 seconds. A repeat has the same Message-ID, and as a file the same name.

        Raises NotSent when it did not go out, or when that is not known.
        """
        try:
            mail = self.compose(message)
            if self._connection is not None:
                await _hand_over(mail, self._connection())
            else:
                await asyncio.to_thread(_keep, mail, self._settings.outbox_dir, message.message_id)
        except Exception as error:
            raise NotSent(reason(error)) from error

    def compose(self, message: Message) -> EmailMessage:
        """The e-mail that `message` stands for, as text and as HTML, in its language. Raises Jinja's errors and
        ValueError."""
        with speaking(message.language):
            return self._composed(message)

    def _composed(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = _mailbox(self._settings.mail_from, _one_line(self._settings.shop_name))
        mail["To"] = _mailbox(message.recipient)
        mail["Reply-To"] = _mailbox(self._settings.shop_email)
        mail["Subject"] = _one_line(self._render(message, "subject.txt"))
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.message_id}>"
        # RFC 3834: asks automatic responders not to answer.
        mail["Auto-Submitted"] = "auto-generated"
        text = re.sub(r"\n{3,}", "\n\n", self._render(message, "txt")).strip() + "\n"
        html = self._render(message, "html")
        mail.set_content(text, cte=_encoding(text))
        mail.add_alternative(html, subtype="html", cte=_encoding(html))
        return mail

    def _render(self, message: Message, ending: str) -> str:
        names = {
            "shop_name": self._settings.shop_name,
            "shop_email": self._settings.shop_email,
            "language": message.language,
            # Written before there were discounts, a message does not name them.
            "discount": "",
            "discount_title": "",
        }
        template = self._environment.get_template(f"emails/{message.template}.{ending}")
        return template.render(names | message.data)


async def _hand_over(mail: EmailMessage, server: aiosmtplib.SMTP) -> None:
    sender, recipient = (mail[name].addresses[0].addr_spec for name in ("From", "To"))
    try:
        async with asyncio.timeout(SEND_LIMIT):
            await server.connect()
            await server.send_message(mail, sender=sender, recipients=[recipient])
        # The server has it: a goodbye that fails must not look like a message that did not go out.
        with contextlib.suppress(aiosmtplib.SMTPException):
            await server.quit(timeout=1)
    finally:
        server.close()


def _connection(settings: Settings) -> Callable[[], aiosmtplib.SMTP] | None:
    url = settings.smtp_url.get_secret_value()
    if not url:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        # Python's own words repeat a part of the address, which may be one of the password.
        raise WrongSettings("SMTP_URL: expected a number after the host; percent-encode / ? # @ :") from None
    return partial(
        aiosmtplib.SMTP,
        hostname=parts.hostname,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=parts.scheme == "smtps",
        start_tls=parts.scheme == "smtp+starttls",
        timeout=STEP_LIMIT,
        # Unless told, the machine's name is looked up in the DNS before each message, without a time limit.
        local_hostname=_mailbox(settings.mail_from).domain,
    )


def _mailbox(address: str, display_name: str = "") -> Address:
    """`address` with its domain in ASCII. Raises ValueError when it is not exactly one address."""
    found = validate_email(address, check_deliverability=False, test_environment=True)
    return Address(display_name, found.local_part, found.ascii_domain)


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _encoding(text: str) -> str:
    longest = max((len(line) for line in text.encode().splitlines()), default=0)
    return "8bit" if longest <= LONGEST_LINE else "quoted-printable"


def _keep(mail: EmailMessage, folder: Path, message_id: str) -> None:
    # Renamed into place, so that nobody reads half a message, and a repeat takes the place of the first.
    wide = not mail["To"].addresses[0].addr_spec.isascii()
    content = mail.as_bytes(policy=policy.default.clone(utf8=wide))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, folder / f"{message_id.partition('@')[0]}.eml")
        except OSError:
            os.unlink(file.name)
            raise
