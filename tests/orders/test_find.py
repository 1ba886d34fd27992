"""An order asked for by its number and e-mail address: whoever asks is told the same, its shopper gets a message."""

import asyncio
import re

from sqlalchemy import func, select

from storefront.orders.limits import LOOK_UP_NETWORK
from storefront.orders.models import Lookup
from tests.faults.house import House, from_network, use_up
from tests.faults.test_refunds import paid
from tests.web.page import Answer

ANNA = "anna.larsson@example.org"


async def ask(house: House, number: str, email: str, again: str = "") -> Answer:
    return await house.shopper().post(f"/orders/lookup{again}", {"number": number, "email": email})


async def waiting(house: House) -> int:
    async with house.database.reads() as session:
        return int(await session.scalar(select(func.count()).select_from(Lookup)) or 0)


async def test_the_link_goes_to_the_address_of_the_order_and_nowhere_else(house: House) -> None:
    order = await house.order((await paid(house)).order)
    typed = order.number.lower().replace("-", "")
    hit = await ask(house, typed, ANNA.upper())
    misses = [await ask(house, *pair) for pair in ((order.number, "eve@example.org"), ("SF-222222", ANNA))]
    same = {"status", "location", "text"}
    assert (hit.status, hit.location) == (303, "/orders/lookup/sent")
    for miss in misses:
        assert {name: getattr(miss, name) for name in same} == {name: getattr(hit, name) for name in same}
    assert await waiting(house) == 3, "the same work, whether there is such an order or not"
    # Two workers at once, and once more.
    await asyncio.gather(house.shop.work("answer_questions"), house.another().work("answer_questions"))
    await house.shop.work("answer_questions")
    (told,) = await house.messages("order-link")
    assert told.recipient == order.email
    assert told.data["url"].endswith(order.token)
    assert await waiting(house) == 0
    await ask(house, order.number, ANNA)
    await house.shop.work("answer_questions")
    assert len(await house.messages("order-link")) == 2, "asked again, told again"


async def test_the_confirmation_is_sent_again_from_both_places(house: House) -> None:
    bought = await paid(house)
    order = await house.order(bought.order)
    page = await house.page(bought.order)
    assert "Send the confirmation again" in page.words
    await house.shop.work("send_messages")
    press = f"/orders/{order.token}/confirmation"
    for _ in range(2):
        assert (await house.shopper().submit(page, press)).status == 303
    sent = [one for one in await house.messages("order-paid") if ":again:" in one.key]
    assert len(sent) in {1, 2}, "two presses of one minute are one message"
    assert {one.recipient for one in sent} == {order.email}
    await ask(house, order.number, ANNA, "/confirmation")
    await house.shop.work("answer_questions")
    assert len(await house.messages("order-paid")) == 2 + len(sent)
    statuses = [(await house.shopper().post(press, {})).status for _ in range(2)]
    assert statuses == [303, 429]
    await house.check()


async def test_questions_are_limited_for_hits_and_misses_alike(house: House) -> None:
    order = await house.order((await paid(house)).order)
    for number in (order.number, "SF-222222"):
        answers = [await ask(house, number, ANNA) for _ in range(4)]
        assert [one.status for one in answers] == [303, 303, 303, 429]
        assert answers[-1].headers["retry-after"].isdigit()
    await house.shop.work("answer_questions")
    assert len(await house.messages("order-link")) == 3


async def test_a_number_is_asked_about_thirty_times_from_one_network(house: House) -> None:
    order = await house.order((await paid(house)).order)
    data = [{"number": order.number, "email": f"eve{n}@example.org"} for n in range(31)]
    eve = from_network(house, "198.51.100.7")
    statuses = [(await eve.post("/orders/lookup", one)).status for one in data]
    assert statuses == [303] * 30 + [429]
    assert (await eve.post("/orders/lookup", data[0] | {"number": "SF-222222"})).status == 303
    mine = {"number": order.number, "email": ANNA}
    assert (await house.shopper().post("/orders/lookup", mine)).status == 303, "the owner asks from elsewhere"


async def test_one_network_asks_three_hundred_times(house: House) -> None:
    data = {"number": "SF-222222", "email": ANNA}
    await use_up(house, LOOK_UP_NETWORK, "127.0.0.1", left=1)
    statuses = [(await house.shopper().post("/orders/lookup", data)).status for _ in range(2)]
    assert statuses == [303, 429]
    elsewhere = from_network(house, "198.51.100.7")
    assert (await elsewhere.post("/orders/lookup", data)).status == 303


async def test_what_was_typed_wrong_is_said_without_asking_anybody(house: House) -> None:
    answer = await ask(house, "www.evil.example", "anna")
    assert answer.status == 422
    assert re.search("There is a problem.*such as SF-7Q4K2M.*like name@example.com", answer.words)
    assert answer.root.all("input", value="anna"), "nothing typed is lost"
    assert await waiting(house) == 0
