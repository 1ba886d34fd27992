"""A real mail server in the test's own loop: keeps what it takes, refuses what it is told to."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.conftest import missing

USER, PASSWORD = "shop@mail.example", "pa:ss/w?rd#é %41"


class PostOffice:
    """`refusals` are given to the next recipients, one each; `slow_goodbye` leaves QUIT without an answer."""

    def __init__(self, *, eight_bits: bool = True, slow_goodbye: bool = False) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.refusals: list[str] = []
        self._eight_bits = eight_bits
        self._slow_goodbye = slow_goodbye

    @property
    def letters(self) -> list[bytes]:
        return [envelope.content for envelope in self.envelopes if isinstance(envelope.content, bytes)]

    @asynccontextmanager
    async def open(
        self, *, port: int = 0, tls: ssl.SSLContext | None = None, **options: Any
    ) -> AsyncIterator[int]:
        """Serve on 127.0.0.1; gives the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(self, loop=loop, hostname="localhost", enable_SMTPUTF8=True, **options),
            "127.0.0.1",
            port,
            ssl=tls,
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            # Connections that were just hung up on learn of it.
            await asyncio.sleep(0.01)

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in answers if self._eight_bits or "8BITMIME" not in line]

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        if self._slow_goodbye:
            await asyncio.sleep(30)
        return "221 Bye"


def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any) -> AuthResult:
    return AuthResult(success=given == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context for 127.0.0.1; its certificate lies in `folder`/certificate.pem. Needs `openssl`."""
    if shutil.which("openssl") is None:
        missing("the openssl command", "apt-get install openssl")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
        " -addext keyUsage=critical,keyCertSign,digitalSignature"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", pem], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    return context
