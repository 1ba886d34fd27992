from collections.abc import AsyncIterator

import pytest

from tests.faults.conftest import assets, house, house_settings
from tests.shop import Running, Shopper, shopper_at

__all__ = ["assets", "house", "house_settings"]


@pytest.fixture(params=[False, True], ids=["plain", "htmx"])
async def either(request: pytest.FixtureRequest, shop: Running) -> AsyncIterator[Shopper]:
    """A shopper with plain forms, and one whose forms are sent by htmx."""
    async with shopper_at(shop.url, htmx=request.param) as made:
        yield made
