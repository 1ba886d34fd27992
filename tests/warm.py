"""What a process of the shop loads in its first minute: whoever is forked after this has it already."""

import gc
import importlib

from storefront.app import make_litestar, make_shop
from storefront.settings import Settings
from storefront.web.assets import Assets

LOADED_WHEN_NEEDED = (
    "alembic.command",
    "asyncpg",
    "h11",
    "html.parser",
    "httpcore",
    "storefront.cli",
    "storefront.process",
    "storefront.seed.demo",
    "uvicorn",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
)


def _load() -> None:
    for name in LOADED_WHEN_NEEDED:
        importlib.import_module(name)
    # Its routes are of no use to anybody, but reading their annotations is half of what the first ones cost.
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    shop = make_shop(settings, Assets(settings), [])
    make_litestar(shop)
    shop.gateway.warm_up()
    gc.collect()
    gc.freeze()


_load()
