"""What stands in the log: one line of JSON for each request, and nothing that is nobody's business."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from tests.payments import stripe_api
from tests.shop import ANNA, FORM_TYPE, Running, Shopper, eventually, token_of
from tests.stripe_double import KEY, SECRET, StripeDouble, deliver


async def test_the_log_holds_no_address_no_secret_and_no_link(
    shop: Running, shopper: Shopper, stripe: StripeDouble
) -> None:
    await shopper.add(await shop.new_thing())
    stripe.fail("500", times=2)
    await shopper.order(note="Ring at Larsson's")
    session = stripe.session_at((await shopper.order(note="Ring at Larsson's")).location)
    await deliver(shop.url, stripe_api.pay(stripe, session), secret="whsec_" + "wrong")
    await deliver(shop.url, stripe_api.pay(stripe, session))
    token = token_of(session["cancel_url"])
    await shopper.get(f"/orders/{token}?{ANNA['email']}")
    await shopper.get(f"/search?q={ANNA['email']}")
    cart = shopper.client.cookies["cart"]
    text = shop.log.read_text()
    private = [
        ANNA["email"],
        ANNA["name"],
        ANNA["address_line1"],
        "Larsson",
        KEY,
        SECRET,
        "whsec_",
        token,
        cart,
    ]
    for secret in private:
        assert secret not in text, secret
    lines = [line for line in text.splitlines() if line and not line.startswith("INFO:  ")]
    entries = [json.loads(line) for line in lines]
    ours = [entry for entry in entries if entry["event"] == "request"]
    assert {"/checkout", "/orders/{token}", "/webhooks/stripe"} <= {entry["route"] for entry in ours}
    assert all(len(entry["id"]) >= 16 for entry in ours)
    assert any(entry["event"] == "stripe" and entry["stripe_request"] for entry in entries)
    assert any(entry["event"] == "webhook refused" for entry in entries)


async def test_an_answer_can_be_found_in_the_log(shop: Running, shopper: Shopper) -> None:
    identity = (await shopper.get("/cart")).headers["x-request-id"]

    async def written() -> bool:
        return f'"id":"{identity}"' in shop.log.read_text()

    assert await eventually(written)


@pytest.mark.parametrize("route", ["/cart/items", "/webhooks/stripe"])
async def test_who_goes_away_in_the_middle_of_a_form_is_no_mistake_of_ours(shop: Running, route: str) -> None:
    address = urlsplit(shop.url)
    before = len(shop.log.read_text())
    _, there = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {route} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {FORM_TYPE}\r\n"
    there.write(f"{head}Content-Length: 100\r\n\r\na=1".encode())
    await there.drain()
    there.close()

    async def written() -> list[str]:
        said = shop.log.read_text()[before:].splitlines()
        return [line for line in said if f'"route":"{route}"' in line]

    (line,) = await eventually(written)
    assert json.loads(line)["status"] == 400
    assert "unhandled" not in shop.log.read_text()[before:]
