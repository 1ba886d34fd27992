from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from pydantic import SecretStr

from storefront.outbox.mailer import Mailer, NotSent
from storefront.outbox.models import Message
from storefront.settings import Settings, WrongSettings
from storefront.web.templates import Templates
from tests.outbox.letters import ORDER, read, text_of


def kept(settings: Settings) -> Path:
    (file,) = settings.outbox_dir.iterdir()
    return file


async def test_without_a_server_a_message_is_a_file(
    mailer: Mailer, message: Message, settings: Settings
) -> None:
    await mailer.send(message)
    assert kept(settings).name == "0a" * 16 + ".eml"
    mail = read(kept(settings))
    assert mail["From"] == "Hearth & Field <shop@shop.example>"
    assert mail["To"] == "anna@example.org"
    assert mail["Reply-To"] == "owner@shop.example"
    assert mail["Subject"] == "Order SF-7Q4K2M is confirmed"
    assert mail["Message-ID"] == f"<{'0a' * 16}@storefront>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(mail["Date"]) == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert str(message.data["url"]) in kept(settings).read_text()


async def test_a_repeat_takes_the_place_of_the_first(
    mailer: Mailer, message: Message, settings: Settings
) -> None:
    await mailer.send(message)
    await mailer.send(message)
    assert read(kept(settings))["To"] == "anna@example.org"


async def test_a_folder_that_cannot_be_written_is_a_failure(
    mailer: Mailer, message: Message, settings: Settings
) -> None:
    settings.outbox_dir.write_text("a file in its place")
    with pytest.raises(NotSent, match=r"^FileExistsError: File exists$"):
        await mailer.send(message)


async def test_letters_of_every_script_arrive(mailer: Mailer, message: Message, settings: Settings) -> None:
    message.data |= {"name": "Żółć 你好 🕯", "lines": [ORDER["lines"][0] | {"title": "Savon à l’huile"}]}
    await mailer.send(message)
    text = text_of(read(kept(settings)))
    assert "Hello Żółć 你好 🕯,\n" in text
    assert "2 × Savon à l’huile: $18.00\n" in text


async def test_a_shop_name_of_any_letters_stays_one_header(
    settings: Settings, templates: Templates, message: Message
) -> None:
    settings = settings.model_copy(update={"shop_name": 'Bücher, "Tee"\r\nBcc: x@evil.example & 茶'})
    mail = read(Mailer(settings, templates).compose(message).as_bytes())
    assert mail["From"].addresses[0].display_name == 'Bücher, "Tee" Bcc: x@evil.example & 茶'
    assert mail["From"].addresses[0].addr_spec == "shop@shop.example"
    assert mail["Bcc"] is None


def test_a_subject_stays_one_line(mailer: Mailer, message: Message) -> None:
    message.data |= {"number": "SF-1\r\nBcc: x@evil.example\u2028\x00"}
    mail = read(mailer.compose(message).as_bytes())
    assert mail["Subject"] == "Order SF-1 Bcc: x@evil.example is confirmed"
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "anna@example.org\r\nBcc: x@evil.example",
        "anna@example.org, x@evil.example",
        "<anna@example.org> x@evil.example",
        "Anna <anna@example.org>",
        "anna",
        "",
    ],
)
async def test_what_is_not_one_address_gets_nothing(
    mailer: Mailer, message: Message, settings: Settings, address: str
) -> None:
    message.recipient = address
    with pytest.raises(NotSent) as refused:
        await mailer.send(message)
    assert "@" not in str(refused.value)
    assert not settings.outbox_dir.exists()


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("o'hara+shop@shop.test", "o'hara+shop@shop.test"),
    ],
)
async def test_addresses_of_all_kinds(
    mailer: Mailer, message: Message, settings: Settings, address: str, written: str
) -> None:
    message.recipient = address
    await mailer.send(message)
    assert f"To: {written}\n" in kept(settings).read_bytes().decode()


async def test_very_long_lines_are_folded(mailer: Mailer, message: Message, settings: Settings) -> None:
    note = "<ä&b> " * 1000
    message.data |= {"note": note}
    await mailer.send(message)
    content = kept(settings).read_bytes()
    assert max(len(line) for line in content.splitlines()) <= 998
    assert note.strip() in text_of(read(content))


async def test_a_name_that_the_data_lacks_is_a_failure_that_names_it(
    mailer: Mailer, message: Message
) -> None:
    message.template = "refunded"
    with pytest.raises(UndefinedError):
        mailer.compose(message)
    with pytest.raises(NotSent, match="UndefinedError: 'refund' is undefined"):
        await mailer.send(message)


async def test_an_unknown_template_is_a_failure(mailer: Mailer, message: Message) -> None:
    message.template = "no-such"
    with pytest.raises(NotSent, match=r"TemplateNotFound: .*emails/no-such.subject.txt"):
        await mailer.send(message)


@pytest.mark.parametrize("url", ["smtp://user:secret/part@mail.example", "smtp://mail.example:99999"])
def test_a_server_address_that_makes_no_sense_is_refused_without_repeating_it(
    settings: Settings, templates: Templates, url: str
) -> None:
    settings = settings.model_copy(update={"smtp_url": SecretStr(url)})
    with pytest.raises(WrongSettings) as refused:
        Mailer(settings, templates)
    assert "SMTP_URL" in str(refused.value)
    assert "secret" not in str(refused.value)
