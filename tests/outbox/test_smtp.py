"""With a real mail server on the other side."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from storefront.database import Database
from storefront.outbox import mailer as mailing
from storefront.outbox.mailer import Mailer, NotSent
from storefront.outbox.models import Message
from storefront.outbox.send import claim, send_due
from storefront.settings import Settings
from storefront.web.templates import Templates
from tests.outbox.letters import ORDER, html_of, leave, let_time_pass, read, row, text_of
from tests.outbox.post_office import PASSWORD, USER, PostOffice, authenticate, certificate

MailerFor = Callable[[str], Mailer]
SIGN_IN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"
STRICT: dict[str, Any] = {"require_starttls": True, "auth_required": True, "authenticator": authenticate}


@pytest.fixture
def mailer_for(settings: Settings, templates: Templates) -> MailerFor:
    def build(url: str) -> Mailer:
        return Mailer(settings.model_copy(update={"smtp_url": SecretStr(url)}), templates)

    return build


async def test_a_message_arrives_whole(mailer_for: MailerFor, message: Message, settings: Settings) -> None:
    message.data |= {"note": "Grüße\n.\nafter a dot\n..two"}
    office = PostOffice()
    async with office.open() as port:
        await mailer_for(f"smtp://127.0.0.1:{port}").send(message)
    (envelope,) = office.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@shop.example", ["anna@example.org"])
    mail = read(office.letters[0])
    assert mail["Message-ID"] == f"<{message.message_id}>"
    assert "Note:\nGrüße\n.\nafter a dot\n..two\n" in text_of(mail)
    assert "Oranienstraße 1" in html_of(mail)
    assert not settings.outbox_dir.exists()


async def test_a_server_of_seven_bits_gets_seven_bits(mailer_for: MailerFor, message: Message) -> None:
    office = PostOffice(eight_bits=False)
    async with office.open() as port:
        await mailer_for(f"smtp://127.0.0.1:{port}").send(message)
    assert office.letters[0].isascii()
    assert "Oranienstraße 1" in text_of(read(office.letters[0]))


async def test_an_address_of_other_letters_than_ascii(mailer_for: MailerFor, message: Message) -> None:
    message.recipient = "jörg@bücher.example"
    office = PostOffice()
    async with office.open() as port:
        await mailer_for(f"smtp://127.0.0.1:{port}").send(message)
    assert office.envelopes[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]


async def test_encrypted_and_signed_in(
    mailer_for: MailerFor, message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    office = PostOffice()
    async with office.open(tls_context=context, **STRICT) as port:
        await mailer_for(f"smtp+starttls://{SIGN_IN}127.0.0.1:{port}").send(message)
        with pytest.raises(
            NotSent, match=r"^The mail server refused the user name or the password \(535 5\.7\.8\)$"
        ):
            await mailer_for(f"smtp+starttls://someone:wrong@127.0.0.1:{port}").send(message)
    assert office.encrypted == [True]


async def test_encrypted_from_the_start(
    mailer_for: MailerFor, message: Message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    office = PostOffice()
    async with office.open(tls=context) as port:
        await mailer_for(f"smtps://127.0.0.1:{port}").send(message)
    assert len(office.letters) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    mailer_for: MailerFor, message: Message, tmp_path: Path
) -> None:
    context = certificate(tmp_path)
    office = PostOffice()
    async with office.open(tls_context=context) as port, office.open(tls=context) as tls_port:
        for url in (f"smtp+starttls://127.0.0.1:{port}", f"smtps://127.0.0.1:{tls_port}"):
            with pytest.raises(NotSent, match=r"^The mail server's certificate could not be verified$"):
                await mailer_for(url).send(message)
    assert office.letters == []


async def test_without_the_encryption_that_was_asked_for_nothing_is_sent(
    mailer_for: MailerFor, message: Message
) -> None:
    office = PostOffice()
    async with office.open() as port:
        with pytest.raises(NotSent, match="does not offer the encryption"):
            await mailer_for(f"smtp+starttls://{SIGN_IN}127.0.0.1:{port}").send(message)
    assert office.letters == []


async def test_a_refused_recipient_is_a_failed_try_that_names_nobody(
    database: Database, mailer_for: MailerFor
) -> None:
    await leave(database, "one")
    office = PostOffice()
    office.refusals = ["550 5.1.1 <anna@example.org>: no such mailbox, anna"]
    async with office.open() as port:
        with capture_logs() as logs:
            assert await send_due(database, mailer_for(f"smtp://127.0.0.1:{port}")) == 0
    refused = await row(database)
    assert refused.error == "The mail server refused the recipient (550 5.1.1)"
    assert (refused.tries, refused.sent_at, refused.given_up_at) == (1, None, None)
    assert "anna" not in str(logs)
    assert office.letters == []


async def test_not_now_is_tried_again(database: Database, mailer_for: MailerFor) -> None:
    await leave(database, "one", "two")
    office = PostOffice()
    office.refusals = ["451 4.7.1 Greylisted"]
    async with office.open() as port:
        mailer = mailer_for(f"smtp://127.0.0.1:{port}")
        with capture_logs():
            assert await send_due(database, mailer) == 1
        await let_time_pass(database, minutes=1)
        assert await send_due(database, mailer) == 1
    assert len(office.letters) == 2
    assert {(await row(database, key)).error for key in ("one", "two")} == {""}


async def test_a_server_that_was_away_gets_it_when_it_is_back(
    database: Database, mailer_for: MailerFor
) -> None:
    await leave(database, "one")
    office = PostOffice()
    async with office.open() as port:
        mailer = mailer_for(f"smtp://127.0.0.1:{port}")
    with capture_logs():
        assert await send_due(database, mailer) == 0
    assert (await row(database)).error == "The mail server could not be reached, or hung up"
    async with office.open(port=port):
        assert await send_due(database, mailer) == 0
        await let_time_pass(database, minutes=1)
        assert await send_due(database, mailer) == 1
    assert len(office.letters) == 1


async def test_killed_after_sending_the_repeat_can_be_recognised(
    database: Database, mailer_for: MailerFor
) -> None:
    await leave(database, "one")
    office = PostOffice()
    async with office.open() as port:
        mailer = mailer_for(f"smtp://127.0.0.1:{port}")
        claimed = await claim(database)
        assert claimed is not None
        await mailer.send(claimed)
        await let_time_pass(database, seconds=60)
        assert await send_due(database, mailer) == 1
    first, second = (read(letter) for letter in office.letters)
    assert first["Message-ID"] == second["Message-ID"] == f"<{claimed.message_id}>"
    assert first["Date"] == second["Date"]


async def test_a_server_that_took_it_and_never_says_goodbye_has_it(
    mailer_for: MailerFor, message: Message
) -> None:
    office = PostOffice(slow_goodbye=True)
    async with office.open() as port, asyncio.timeout(3):
        await mailer_for(f"smtp://127.0.0.1:{port}").send(message)
    assert len(office.letters) == 1


async def test_a_silent_server_does_not_hold_the_sender(
    mailer_for: MailerFor, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "STEP_LIMIT", 0.2)
    # Listens, and accepts nobody: the connection is made, and no greeting comes.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NotSent, match=r"^The mail server did not answer in time$"):
            await mailer_for(f"smtp://127.0.0.1:{port}").send(message)


async def test_two_messages_at_once_by_one_mailer(mailer_for: MailerFor, message: Message) -> None:
    office = PostOffice()
    other = Message(
        recipient="bob@example.org", template="order-cancelled", language="en", data=dict(ORDER),
        message_id="0b@storefront", created_at=message.created_at,
    )  # fmt: skip
    async with office.open() as port:
        mailer = mailer_for(f"smtp://127.0.0.1:{port}")
        await asyncio.gather(mailer.send(message), mailer.send(other))
    assert sorted(envelope.rcpt_tos[0] for envelope in office.envelopes) == [
        "anna@example.org",
        "bob@example.org",
    ]
