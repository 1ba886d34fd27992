"""The shop under load: its database, and the things in it that rows ask for."""

import asyncio
import http.client
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from storefront.catalogue.queries import PAGE, cursor
from storefront.database import Database
from storefront.seed.big import load_big

CURRENCY = "USD"


@dataclass(frozen=True)
class Shop:
    """A running shop: its port, and what its database holds."""

    port: int
    slugs: list[str]
    variants: list[int]
    last_page: str

    def cart_of_three(self) -> str:
        """The Cookie header of a new cart with three lines of one piece each."""
        kept: dict[str, str] = {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            for variant in self.variants[:3]:
                headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie_header(kept)}
                body = urlencode({"variant_id": variant, "quantity": 1})
                connection.request("POST", "/cart/items", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 303:
                    raise SystemExit(f"a cart could not be filled: {answer.status}")
                for cookie in answer.headers.get_all("set-cookie") or ():
                    name, _, value = cookie.partition(";")[0].partition("=")
                    kept[name] = value
        return cookie_header(kept)


def cookie_header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def make_database(path: Path, products: int) -> None:
    """A fresh SQLite database with a synthetic catalogue."""
    asyncio.run(_make(path, products))


async def _make(path: Path, products: int) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.migrate()
    await load_big(database, CURRENCY, products, lambda _: None)
    await database.close()


def environment(path: Path) -> dict[str, str]:
    """The shop's settings: those of development, with everything that is written kept beside the database."""
    return {
        "STOREFRONT_ENV": "development",
        "DATABASE_URL": f"sqlite+aiosqlite:///{path}",
        "OUTBOX_DIR": str(path.parent / "outbox"),
        "MEDIA_DIR": str(path.parent / "media"),
        "CURRENCY": CURRENCY,
        "LIVE_RELOAD": "false",
    }


def look_into(path: Path, port: int) -> Shop:
    """What rows ask for, read from the database of the shop at `port`."""
    with closing(sqlite3.connect(path)) as database:
        slugs = database.execute("SELECT slug FROM products ORDER BY position LIMIT 48").fetchall()
        variants = database.execute(
            "SELECT id FROM variants WHERE on_hand >= 50 ORDER BY id LIMIT 48"
        ).fetchall()
        before = database.execute(
            "SELECT position, id FROM products WHERE status = 'active' "
            f"ORDER BY position DESC, id DESC LIMIT 1 OFFSET {PAGE}"
        ).fetchone()
    after = urlencode({"after": cursor(*before), "shown": 240})
    return Shop(port, [row[0] for row in slugs], [row[0] for row in variants], f"/products?{after}")
