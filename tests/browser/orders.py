"""Orders in every state that their page has, made once, as shoppers and Stripe's sandbox make them."""

import asyncio
from urllib.parse import urlsplit

import httpx

from tests.shop import NO_TLS, Running, Shopper, eventually, shopper_at

PAYS, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002760003184"


async def prepared_orders(shop: Running) -> dict[str, str]:
    """The paths of the pages of orders in each state, by the state's name."""
    names = ("pending", "declined", "paid", "awaiting", "failed", "cancelled", "refunded", "download")
    paths = await asyncio.gather(*(_order(shop, name) for name in names))
    return dict(zip(names, paths, strict=True))


async def order_of(shop: Running, session: str) -> str:
    """Where the order is, which only its own return address tells."""
    async with httpx.AsyncClient(base_url=shop.url, trust_env=False, verify=NO_TLS, timeout=30) as client:
        answer = await client.get("/checkout/return", params={"session_id": session})
    assert answer.status_code == 303, answer
    return answer.headers["location"]


async def _order(shop: Running, name: str) -> str:
    async with shopper_at(shop.url) as shopper:
        await _add(shopper, "apron-sewing-pattern" if name == "download" else "speckled-mug")
        if name in {"pending", "paid"}:
            await _add(shopper, "lavender-soap")
        session = urlsplit((await shopper.order()).location).path.rpartition("/")[2]
        path = await order_of(shop, session)
        await _happen(shopper, session, path, name)
        await _until(shopper, path, name)
        return path


async def _add(shopper: Shopper, slug: str) -> None:
    page = await shopper.get(f"/products/{slug}")
    assert (await shopper.submit(page, "/cart/items")).status == 303


async def _happen(shopper: Shopper, session: str, path: str, name: str) -> None:
    match name:
        case "declined":
            await _control(shopper, "pay", session, card=DECLINED)
        case "paid" | "refunded" | "download":
            await _control(shopper, "pay", session, card=PAYS)
        case "awaiting" | "failed":
            await _control(shopper, "pay_delayed", session)
        case "cancelled":
            assert (await shopper.post(f"{path}/cancel", {})).status == 303
    if name == "failed":
        await _until(shopper, path, "awaiting")
        await _control(shopper, "fail", session)
    if name == "refunded":
        await _until(shopper, path, "paid")
        await _control(shopper, "refund", session, amount="900")


async def _control(shopper: Shopper, action: str, session: str, **fields: str) -> None:
    answer = await shopper.post(f"/sandbox/control/{action}", {"session": session, **fields})
    assert answer.status == 200, answer


async def _until(shopper: Shopper, path: str, name: str) -> None:
    """Until Stripe's messages have come and the page says so."""

    async def look() -> bool:
        page = await shopper.get(path)
        status = page.element("order-status").attrs
        match name:
            case "declined":
                return "declined" in page.words
            case "refunded":
                return status["data-refunded"] != "0"
            case "download":
                return status["data-status"] == "paid"
        return status["data-status"] == name

    await eventually(look)
