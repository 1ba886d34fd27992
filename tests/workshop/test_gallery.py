"""The gallery shows every component, page and message from the shop's own templates."""

import re

from storefront.workshop.states import STATES
from tests.workshop.conftest import Wearing


async def test_each_state_is_a_page_without_the_shops_scripts(wearing: Wearing) -> None:
    async with wearing() as client:
        index = (await client.get("/_gallery")).text
        for state in STATES:
            assert f'href="/_gallery?state={state.name}"' in index
            shown = await client.get(f"/_gallery/{state.name}?scheme=dark")
            assert shown.status_code == 200, state.name
            assert shown.headers["x-frame-options"] == "SAMEORIGIN"
            assert not re.search(r"<script[^>]*/static/", shown.text)
            if state.letter is None:
                assert "/_workshop/dark.css" in shown.text
                assert "'unsafe-inline'" not in shown.headers["content-security-policy"]
                continue
            assert "(prefers-color-scheme" not in shown.text
            text = await client.get(f"/_gallery/{state.name}/text")
            assert text.headers["content-type"].startswith("text/plain")
            assert text.text.startswith("Subject: ")
        for unknown in ("/_gallery/no-such-state", "/_gallery/cart/text"):
            assert (await client.get(unknown)).status_code == 404
