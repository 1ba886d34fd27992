"""One JSON line a happening on standard output. No bodies, no keys, no e-mail or postal addresses; order links are
secrets too. A wrong password or code at sign-in has the network that it came from beside it, and nothing else has."""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

SECRET = re.compile(
    r"(?:sk|rk|pk)_(?:test|live)_\w+|whsec_\w+|[\w.+-]+@[\w-]+\.[\w.-]+|/(?:orders|register|reset|address)/[\w-]{20,}"
)

# Where PostgreSQL and asyncpg repeat values: the rest of that line and of what the value went on to, up to where the
# message ends.
VALUES = re.compile(
    r"(DETAIL:|invalid input [\w ]+(?:\$\d+)?:).*?(?=\n(?:HINT:|CONTEXT:|\[SQL:|\n(?:The above|During) )|\Z)",
    re.S,
)


def set_up_logs(*, quiet: bool = False) -> None:
    """Logging for this process. Libraries speak from WARNING on, so that none prints requests. `quiet`: for a
    command, which says by itself in one line what went wrong; only errors, on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        processors=PROCESSORS,
        # Looked up at each line, since whoever captures output changes these files.
        logger_factory=lambda *_: structlog.BytesLogger((sys.stderr if quiet else sys.stdout).buffer),
    )
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("stripe", "httpx", "httpcore", "aiosqlite", "sqlalchemy", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.WARNING)


def log_request(identity: str, method: str, route: str, status: int, milliseconds: float) -> None:
    """The line of one request, like any other but written directly: there is one for every page, and nothing in it
    could hold a secret (`route` is the pattern, never the path)."""
    line = {
        "id": identity,
        "method": method,
        "route": route,
        "status": status,
        "ms": round(milliseconds, 1),
        "event": "request",
        "level": "info",
        "timestamp": _moment(),
    }
    out = sys.stdout.buffer
    out.write(msgspec.json.encode(line) + b"\n")
    out.flush()


def log_command(what: str, account: int | None, **about: str) -> None:
    """The line of what a command did to somebody's access, as web.events writes it for a request: on standard error,
    beside what the command says."""
    line = {
        "what": what,
        "account": account,
        **about,
        "event": "access",
        "level": "info",
        "timestamp": _moment(),
    }
    sys.stderr.write(msgspec.json.encode(line).decode() + "\n")


def redact(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Strike out what must never stand in a log: keys, secrets, e-mail addresses, order links, and the values that
    a database's own words repeat."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = SECRET.sub("[removed]", VALUES.sub(r"\1 [removed]", value))
    return event


def _moment() -> str:
    return f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"


def _json(value: Any, **_options: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


# One list for the process's life: structlog's capture_logs empties and refills whichever list it finds.
PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    redact,
    structlog.processors.JSONRenderer(serializer=_json),
]
