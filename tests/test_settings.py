"""A wrong setting stops the start with one line that names it, and nothing secret is ever printed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from storefront.settings import ROOT, Settings, WrongSettings, load_settings
from tests.conftest import SETTINGS_NAMES

PASSWORD = "hunter2-and-more"
TEST_KEY, LIVE_KEY = "sk_test_" + PASSWORD, "sk_live_" + PASSWORD
POSTGRES = "postgresql+asyncpg://shop:" + PASSWORD
FILE = Path(__file__)

WRONG = [
    ("STOREFRONT_ENV", "staging", "'development' or 'production'"),
    ("BASE_URL", "shop.example", "https://shop.example"),
    ("BASE_URL", "ftp://shop.example", "https://shop.example"),
    ("BASE_URL", "https://shop.example:port", "https://shop.example"),
    ("BASE_URL", "https://[shop", "https://shop.example"),
    ("BASE_URL", f"https://me:{PASSWORD}@shop.example", "https://shop.example"),
    ("BASE_URL", "https://shop.example/shop", "nothing after the host"),
    ("SHOP_NAME", "x" * 81, "at most 80 characters"),
    ("SHOP_NAME", "Hearth\nField", "one line without control characters"),
    ("SHOP_NAME", "Hearth\u2028Field", "one line without control characters"),
    ("SHOP_NAME", "Hearth\x07", "one line without control characters"),
    ("SHOP_NAME", "Hearth\x85Field", "one line without control characters"),
    ("SHOP_EMAIL", "owner", "@-sign"),
    ("MAIL_FROM", "shop@", "after the @-sign"),
    ("CURRENCY", "DOLLARS", "ISO 4217 code such as USD"),
    ("CURRENCY", "XXX", "ISO 4217 code such as USD"),
    ("DATABASE_URL", f"mysql://shop:{PASSWORD}@db/shop", "sqlite+aiosqlite:///PATH or postgresql+asyncpg://"),
    ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "give a file"),
    ("DATABASE_URL", "sqlite+aiosqlite:///", "give a file"),
    ("DATABASE_URL", f"{POSTGRES}@db:port/shop", "postgresql+asyncpg://user:password@host:port/name"),
    ("DATABASE_URL", f"{POSTGRES}@db", "postgresql+asyncpg://user:password@host:port/name"),
    ("DATABASE_URL", f"{POSTGRES}@db/shop?sslmode=require", "?ssl=verify-full"),
    ("REDIS_URL", f"http://:{PASSWORD}@cache", "redis://host:port/number"),
    ("WORKER", "none", "'inside' or 'separate'"),
    ("STRIPE_SECRET_KEY", "pk_test_" + PASSWORD, "sk_test_…, sk_live_…, rk_test_… or rk_live_…"),
    ("STRIPE_SECRET_KEY", TEST_KEY + " two", "sk_test_…"),
    ("STRIPE_SECRET_KEY", "sk_test_", "sk_test_…"),
    ("STRIPE_WEBHOOK_SECRET", PASSWORD, "whsec_…, several separated by commas"),
    ("STRIPE_WEBHOOK_SECRET", f"whsec_{PASSWORD},{PASSWORD}", "whsec_…"),
    ("STRIPE_API_BASE", "localhost:12111", "http://127.0.0.1:12111"),
    ("STRIPE_CONNECTIVITY_CHECK", "sometimes", "true or false"),
    ("LIVE_RELOAD", "sometimes", "true or false"),
    ("WEBHOOK_ALLOWED_IPS", "10.0.0.0/8, stripe.com", "10.0.0.0/8"),
    ("TRUSTED_PROXIES", "10.0.0.300", "10.0.0.0/8"),
    ("SMTP_URL", f"mail://shop:{PASSWORD}@mail", "smtp+starttls://"),
    ("SMTP_URL", f"smtp://shop:{PASSWORD}/x@mail:25", "percent-encoded"),
    ("OUTBOX_DIR", str(FILE), "a folder"),
    ("MEDIA_DIR", str(FILE), "a folder"),
    ("WITHDRAWAL_DAYS", "400", "less than or equal to 365"),
    ("THEME", "no-such-folder", "templates/ or static/"),
]
# What is left can be anything: words, and what only its other side can judge.
ANYTHING_GOES = {"SECRET_KEY", "METRICS_TOKEN"}

LONG = "a secret of this very shop that is long enough"
PRODUCTION = {
    "STOREFRONT_ENV": "production",
    "BASE_URL": "https://shop.example",
    "SECRET_KEY": LONG,
    "STRIPE_SECRET_KEY": TEST_KEY,
}


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.mark.parametrize(("name", "value", "accepted"), WRONG)
def test_a_wrong_value_is_named_with_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, accepted: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as refusal:
        load_settings()
    line = str(refusal.value)
    assert line.startswith(f"{name}: ")
    assert accepted in line
    assert "\n" not in line
    assert PASSWORD not in line


def test_every_setting_that_can_be_wrong_is_tried() -> None:
    assert {name for name, _, _ in WRONG} | ANYTHING_GOES == set(SETTINGS_NAMES)


@pytest.mark.parametrize("name", ["Hearth & Field", "Käthe’s 👩‍🌾 Laden", "فروشگاه\u200cما"])
def test_a_shop_is_called_as_it_likes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SHOP_NAME", name)
    assert load_settings().shop_name == name


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    for name in SETTINGS_NAMES:
        monkeypatch.setenv(name, "")
    assert load_settings() == defaults


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
    ],
)
def test_the_base_url_is_kept_as_browsers_write_it(
    monkeypatch: pytest.MonkeyPatch, given: str, kept: str
) -> None:
    monkeypatch.setenv("BASE_URL", given)
    assert load_settings().base_url == kept


def test_a_provider_s_postgres_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:p%40ss@db.example:5432/shop?ssl=require")
    assert load_settings().database == "postgresql+asyncpg://shop:p%40ss@db.example:5432/shop?ssl=require"


def test_a_relative_file_lies_beside_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///var/other.db")
    assert load_settings().database == f"sqlite+aiosqlite:///{ROOT}/var/other.db"


def test_no_setting_shows_its_secret_when_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "SECRET_KEY": PASSWORD,
        "STRIPE_SECRET_KEY": LIVE_KEY,
        "STRIPE_WEBHOOK_SECRET": "whsec_" + PASSWORD,
        "DATABASE_URL": f"{POSTGRES}@db/shop",
        "REDIS_URL": f"redis://:{PASSWORD}@cache",
        "SMTP_URL": f"smtp://shop:{PASSWORD}@mail",
        "METRICS_TOKEN": PASSWORD,
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert PASSWORD not in f"{found!r} {found} {found.model_dump()}"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY: production needs its own secret of at least 32 characters"),
        ({"SECRET_KEY": f"{LONG},short"}, "SECRET_KEY: production needs its own secret"),
        ({"BASE_URL": ""}, "BASE_URL: production needs the shop's public https:// address"),
        ({"STRIPE_API_BASE": "http://proxy.example:12111"}, "STRIPE_API_BASE: production needs https://"),
        ({"STRIPE_API_BASE": "http://localhost.example"}, "STRIPE_API_BASE: production needs https://"),
    ],
)
def test_production_is_stricter(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], said: str) -> None:
    for name, value in (PRODUCTION | changed).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=said):
        load_settings()


def test_every_mistake_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"SECRET_KEY": "", "STRIPE_SECRET_KEY": "", "STRIPE_WEBHOOK_SECRET": "x", "BASE_URL": ""}
    for name, value in (PRODUCTION | changed).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    said = str(wrong.value).split("; ")
    assert [one.partition(":")[0] for one in said] == [
        "STRIPE_WEBHOOK_SECRET",
        "SECRET_KEY",
        "STRIPE_SECRET_KEY",
        "BASE_URL",
    ]
    monkeypatch.setenv("WORKER", "none")
    monkeypatch.setenv("CURRENCY", "XXL")
    with pytest.raises(WrongSettings, match=r"^CURRENCY: .*; WORKER: "):
        load_settings()


@pytest.mark.parametrize(
    "base", ["", "https://proxy.example", "http://127.0.0.1:12111", "http://localhost:1", "http://[::1]:1"]
)
def test_production_speaks_to_stripe_over_tls_or_within_the_machine(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    for name, value in (PRODUCTION | {"STRIPE_API_BASE": base}).items():
        monkeypatch.setenv(name, value)
    assert load_settings().stripe_api_base == base


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY: production needs its own secret of at least 32 characters"),
        ({"STRIPE_SECRET_KEY": ""}, "STRIPE_SECRET_KEY: production needs a Stripe key"),
        ({"BASE_URL": "http://shop.example"}, "BASE_URL: production needs the shop's public https://"),
        ({}, "DATABASE_URL: the database is behind its migrations; run: storefront migrate"),
        (
            {"DATABASE_URL": f"{POSTGRES}@127.0.0.1:1/shop"},
            "DATABASE_URL: the database does not answer (ConnectionRefusedError)",
        ),
    ],
    ids=["development secret", "sandbox", "http", "behind", "away"],
)
def test_production_refuses_to_start_and_says_why(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    database = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"}
    done = start(tmp_path, PRODUCTION | database | changed)
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) <= 4, "one line, beside uvicorn's own three"
    ours = [line for line in done.stdout.splitlines() if "storefront: " in line]
    assert [said in line for line in ours] == [True], done.stdout
    assert PASSWORD not in done.stdout


def test_several_workers_do_not_try_a_wrong_setting_again_and_again(tmp_path: Path) -> None:
    done = start(tmp_path, {"WORKER": "none"}, "--workers", "2")
    assert done.stdout.count("storefront: WORKER: ") <= 2
    assert "Stopping parent process" in done.stdout


def test_a_command_says_the_same_in_one_line(tmp_path: Path) -> None:
    done = command(tmp_path, {"DATABASE_URL": f"{POSTGRES}@db:port/shop"}, "orders", "list")
    assert done.returncode == 1
    assert done.stdout.startswith("storefront: DATABASE_URL: expected ")
    assert len(done.stdout.splitlines()) == 1
    assert PASSWORD not in done.stdout


@pytest.mark.parametrize("kind", ["server", "command"])
def test_a_database_that_has_no_folder_to_lie_in_is_named(tmp_path: Path, kind: str) -> None:
    nowhere = tmp_path / "file" / "folder"
    nowhere.parent.touch()
    settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{nowhere}/shop.db"}
    done = start(tmp_path, settings) if kind == "server" else command(tmp_path, settings, "migrate")
    assert done.returncode == (3 if kind == "server" else 1)
    assert (
        done.stdout
        == f"storefront: DATABASE_URL: {nowhere} cannot be made or written to (NotADirectoryError)\n"
    )


def test_prices_in_another_currency_stop_the_start(tmp_path: Path) -> None:
    """They would be shown and charged as so many euros."""
    settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"}
    for words in (["migrate"], ["seed"]):
        assert command(tmp_path, settings, *words).returncode == 0
    done = start(tmp_path, settings | {"CURRENCY": "EUR"})
    assert done.returncode == 3
    assert "storefront: CURRENCY is EUR, but there are things on sale in USD\n" in done.stdout


@pytest.mark.parametrize("who", ["server", "worker", "server beside a worker", "server with a mail server"])
def test_messages_that_could_not_be_kept_stop_the_start_of_who_sends_them(
    tmp_path: Path, sqlite_template: Path, who: str
) -> None:
    nowhere = tmp_path / "file" / "folder"
    nowhere.parent.touch()
    database = shutil.copy(sqlite_template, tmp_path)
    settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{database}", "OUTBOX_DIR": str(nowhere)}
    said = f"storefront: OUTBOX_DIR: {nowhere} cannot be made or written to (NotADirectoryError)\n"
    if who == "worker":
        done = command(tmp_path, settings, "worker")
        assert (done.returncode, done.stdout) == (1, said)
        return
    # Production gets as far as the database, and asks for nothing else here.
    other = {
        "server beside a worker": {"WORKER": "separate"},
        "server with a mail server": {"SMTP_URL": "smtp://x"},
    }
    away = {"DATABASE_URL": f"{POSTGRES}@127.0.0.1:1/shop"}
    done = start(tmp_path, PRODUCTION | settings | away | other.get(who, {}))
    assert done.returncode == 3
    assert (done.stdout == said) is (who == "server")
    assert ("OUTBOX_DIR" in done.stdout) is (who == "server")


def command(folder: Path, settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, [sys.executable, "-c", "from storefront.cli import main; main()", *words], settings)


def start(folder: Path, settings: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    server = [sys.executable, "-m", "uvicorn", "storefront.asgi:app", "--host", "127.0.0.1", "--port", "0"]
    return run(folder, [*server, *options], settings)


def run(folder: Path, command: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A process that is expected to end by itself; what it said on both streams is in stdout."""
    # An empty variable wins over a .env file that lies in the checkout.
    empty = dict.fromkeys(SETTINGS_NAMES, "")
    environment = os.environ | empty | {"OUTBOX_DIR": str(folder / "outbox"), **settings}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
