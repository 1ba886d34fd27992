"""Every environment variable of the shop, typed. A wrong value stops the start with one line.

The table of names, defaults and meanings stands in README.md and `.env.example`.
"""

import re
import tempfile
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from unicodedata import category
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    EmailStr,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT_SECRET = "development-only-not-a-secret"  # noqa: S105 - production refuses it
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

CommaList = Annotated[tuple[str, ...], NoDecode]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


class WrongSettings(Exception):
    """Settings cannot be used. The message is one line that names each variable and what is accepted."""


class Settings(BaseSettings):
    """The shop's settings, from the environment or a `.env` file beside the package."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    env: Literal["development", "production"] = Field("development", alias="STOREFRONT_ENV")
    base_url: str = Field("", alias="BASE_URL")
    shop_name: str = Field("Hearth & Field", alias="SHOP_NAME", min_length=1, max_length=80)
    shop_email: EmailStr = Field("owner@shop.example", alias="SHOP_EMAIL")
    mail_from: EmailStr = Field("shop@shop.example", alias="MAIL_FROM")
    currency: str = Field("USD", alias="CURRENCY")
    secret_key: SecretStr = Field(SecretStr(DEVELOPMENT_SECRET), alias="SECRET_KEY")
    database_url: SecretStr = Field(SecretStr("sqlite+aiosqlite:///var/storefront.db"), alias="DATABASE_URL")
    redis_url: SecretStr = Field(SecretStr(""), alias="REDIS_URL")
    worker: Literal["inside", "separate"] = Field("inside", alias="WORKER")
    stripe_secret_key: SecretStr = Field(SecretStr(""), alias="STRIPE_SECRET_KEY")
    stripe_webhook_secret: SecretStr = Field(SecretStr(""), alias="STRIPE_WEBHOOK_SECRET")
    stripe_api_base: str = Field("", alias="STRIPE_API_BASE")
    stripe_connectivity_check: bool = Field(True, alias="STRIPE_CONNECTIVITY_CHECK")
    webhook_allowed_ips: Networks = Field((), alias="WEBHOOK_ALLOWED_IPS")
    trusted_proxies: Networks = Field((), alias="TRUSTED_PROXIES")
    metrics_token: SecretStr = Field(SecretStr(""), alias="METRICS_TOKEN")
    smtp_url: SecretStr = Field(SecretStr(""), alias="SMTP_URL")
    outbox_dir: Path = Field(Path("var/outbox"), alias="OUTBOX_DIR")
    media_dir: Path = Field(Path("var/media"), alias="MEDIA_DIR")
    withdrawal_days: int = Field(30, alias="WITHDRAWAL_DAYS", ge=0, le=365)
    theme: str = Field("", alias="THEME")
    live_reload: bool = Field(True, alias="LIVE_RELOAD")

    @field_validator("shop_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        # Titles, messages' senders and Stripe's page have it in one line. Marks within emoji are fine.
        if any(category(letter) in {"Cc", "Zl", "Zp"} for letter in value):
            raise ValueError("expected one line without control characters")
        return value

    @field_validator("webhook_allowed_ips", "trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("expected networks such as 10.0.0.0/8 or ::1, separated by commas") from None

    @field_validator("stripe_connectivity_check", "live_reload", mode="before")
    @classmethod
    def _yes_or_no(cls, value: object) -> object:
        if isinstance(value, str) and value.lower() not in {"true", "false", "1", "0", "yes", "no"}:
            raise ValueError("expected true or false")
        return value

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        from storefront.money import is_currency

        if not is_currency(value.upper()):
            raise ValueError("expected an ISO 4217 code such as USD or EUR")
        return value.upper()

    @field_validator("stripe_api_base")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = _parts(value)
        if value and (
            parts is None or parts.scheme not in {"http", "https"} or parts.query or parts.fragment
        ):
            raise ValueError("expected an address such as http://127.0.0.1:12111")
        return value.rstrip("/")

    @field_validator("base_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if not value:
            return value
        parts = _parts(value)
        if parts is None or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
            raise ValueError("expected an address such as https://shop.example")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("expected an address such as https://shop.example, with nothing after the host")
        usual = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}"

    @field_validator("outbox_dir", "media_dir")
    @classmethod
    def _beside_the_package(cls, value: Path) -> Path:
        path = value if value.is_absolute() else ROOT / value
        if path.exists() and not path.is_dir():
            raise ValueError("expected a folder, and this is a file")
        return path

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url.startswith(("postgresql://", "postgres://")):
            url = "postgresql+asyncpg://" + url.split("://", 1)[1]
        if not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("expected sqlite+aiosqlite:///PATH or postgresql+asyncpg://…")
        path = url.removeprefix("sqlite+aiosqlite:///")
        if path == ":memory:" or path == "":
            raise ValueError("an in-memory database is not shared by connections; give a file")
        if path != url and not path.startswith("/"):
            url = f"sqlite+aiosqlite:///{ROOT / path}"
        if path == url:
            _check_postgresql(url)
        return SecretStr(url)

    @field_validator("theme")
    @classmethod
    def _theme(cls, value: str) -> str:
        folder = ROOT / value
        if value and not any((folder / kind).is_dir() for kind in ("templates", "static")):
            raise ValueError("expected a folder that holds templates/ or static/")
        return str(folder.resolve()) if value else ""

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        parts = _parts(url)
        if url and (parts is None or parts.scheme not in {"smtp", "smtps", "smtp+starttls"}):
            raise ValueError(
                "expected smtp://, smtp+starttls:// or smtps://user:password@host:port, "
                "with / ? # @ : in the password percent-encoded"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        parts = _parts(url)
        if url and (parts is None or parts.scheme not in {"redis", "rediss"}):
            raise ValueError("expected redis://host:port/number or rediss://user:password@host:port/number")
        return value

    @model_validator(mode="after")
    def _production(self) -> Self:
        wrong = [*self._wrong_keys(), *(self._wrong_for_production() if self.env == "production" else ())]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _wrong_keys(self) -> Iterator[str]:
        if self.stripe_secret_key.get_secret_value() and not self.stripe_key_is_well_formed:
            yield "STRIPE_SECRET_KEY: expected sk_test_…, sk_live_…, rk_test_… or rk_live_…"
        if not all(re.fullmatch(r"whsec_[\x00-\x7f]+", secret) for secret in self.webhook_secrets):
            yield "STRIPE_WEBHOOK_SECRET: expected whsec_…, several separated by commas"

    def _wrong_for_production(self) -> Iterator[str]:
        if DEVELOPMENT_SECRET in self.secret_keys or any(len(key) < 32 for key in self.secret_keys):
            yield "SECRET_KEY: production needs its own secret of at least 32 characters"
        if not self.stripe_secret_key.get_secret_value():
            yield "STRIPE_SECRET_KEY: production needs a Stripe key, the sandbox is for development"
        if not self.base_url.startswith("https://"):
            yield "BASE_URL: production needs the shop's public https:// address"
        stripe = urlsplit(self.stripe_api_base)
        if stripe.scheme == "http" and stripe.hostname not in LOOPBACK_NAMES:
            yield "STRIPE_API_BASE: production needs https://, or http:// on this very machine"

    @property
    def production(self) -> bool:
        return self.env == "production"

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """The signing keys; the first signs, all verify."""
        keys = tuple(part.strip() for part in self.secret_key.get_secret_value().split(",") if part.strip())
        return keys or (DEVELOPMENT_SECRET,)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The endpoint secrets that may sign a webhook; the sandbox's own when no Stripe key is set."""
        given = self.stripe_webhook_secret.get_secret_value()
        return tuple(part.strip() for part in given.split(",") if part.strip())

    @property
    def uses_sandbox(self) -> bool:
        """True when the built-in sandbox stands in for Stripe."""
        return not self.stripe_secret_key.get_secret_value() and not self.stripe_api_base

    @property
    def stripe_key_is_well_formed(self) -> bool:
        return (
            re.fullmatch(r"[sr]k_(test|live)_[!-~]+", self.stripe_secret_key.get_secret_value()) is not None
        )

    @property
    def expects_livemode(self) -> bool:
        """Whether Stripe's objects must say livemode: true."""
        return self.stripe_secret_key.get_secret_value()[3:8] == "live_"

    @property
    def database(self) -> str:
        return self.database_url.get_secret_value()

    @property
    def sandbox_file(self) -> Path:
        """Where the sandbox Stripe keeps its state: beside the shop's SQLite database, else in var/ under the
        database's name, since two shops must never share a Stripe."""
        path = self.database.removeprefix("sqlite+aiosqlite:///")
        if path != self.database:
            return Path(path).with_suffix(".sandbox")
        return self.var_dir / f"{urlsplit(self.database).path.strip('/') or 'shop'}.sandbox"

    @property
    def var_dir(self) -> Path:
        return ROOT / "var"


def _parts(url: str) -> SplitResult | None:
    """The parts of an address with a host and, if there is one, a port that is a number; else None."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and (parts.port is None or parts.port > 0) else None
    except ValueError:
        return None


def _check_postgresql(url: str) -> None:
    expected = "expected postgresql+asyncpg://user:password@host:port/name"
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # The library's own words repeat a part of the address, which may be one of the password.
        raise ValueError(f"{expected}, with / ? # @ : in the password percent-encoded") from None
    if not parts.database:
        raise ValueError(expected)
    if "sslmode" in parts.query:
        # `require` encrypts, and takes any certificate: whoever is in between can show their own.
        raise ValueError("asyncpg knows no sslmode; write ?ssl=verify-full instead")


def need_folder(name: str, folder: Path, *, written: bool = True) -> None:
    """Make `folder`, which the setting `name` leads to, where it is missing; with `written` see that files can
    be put into it. Raises WrongSettings."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if written:
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        kind = type(error).__name__
        raise WrongSettings(f"{name}: {folder} cannot be made or written to ({kind})") from None


def load_settings() -> Settings:
    """The settings of this process. Raises WrongSettings with one line, never with a secret in it."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = []
        for one in error.errors(include_url=False, include_input=False):
            text = str(one["msg"]).removeprefix("Value error, ")
            wrong.append(f"{one['loc'][0]}: {text}" if one["loc"] else text)
        raise WrongSettings("; ".join(wrong)) from None
