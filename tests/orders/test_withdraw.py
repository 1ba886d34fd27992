"""Withdrawing from a contract: from the order's page or without a link, confirmed at once, and before the owner."""

import asyncio
import re

from storefront.orders.change import resolve
from storefront.orders.limits import WITHDRAW_NETWORK
from storefront.orders.models import Order, Withdrawal
from storefront.orders.queries import lock_order
from storefront.orders.withdraw import newest_withdrawals
from tests.faults.house import House, from_network, use_up
from tests.faults.test_refunds import paid
from tests.orders.test_what_is_next import ship
from tests.web.page import Answer

ANNA = "anna.larsson@example.org"
FORM = {"name": "Anna Larsson", "email": ANNA}


async def key_of(check: Answer) -> dict[str, str]:
    (button,) = check.root.all("button", name="confirm")
    assert button.text == "Confirm withdrawal"
    return {"confirm": button.attrs["value"]}


async def declared(house: House) -> list[tuple[Withdrawal, Order | None]]:
    async with house.database.reads() as session:
        return await newest_withdrawals(session, 10)


async def test_from_the_page_of_an_order_for_a_part_of_it(house: House) -> None:
    soap, apron = await house.thing(delivered=True), await house.thing(delivered=True)
    shopper = house.shopper()
    bought = await house.buy(soap, apron, shopper=shopper)
    assert "Withdraw from contract here" not in (await house.page(bought.order)).element("main").text
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    order = await house.order(bought.order)
    action = f"/orders/{order.token}/withdraw"
    assert (await house.page(bought.order)).root.all("a", href=action)
    form = await shopper.get(action)
    assert ANNA not in form.text, "a link may be passed on"
    boxes = [one.attrs["name"] for one in form.root.all("input", type="checkbox")]
    none = await shopper.post(action, {"name": "Anna Larsson"})
    assert (none.status, "Choose at least one thing." in none.words) == (422, True)
    typed = {"name": "Anna Larsson", boxes[0]: "yes"}
    check = await shopper.post(action, typed)
    assert await declared(house) == [], "only looked at"
    key = await key_of(check)
    answers = await asyncio.gather(
        *(house.shopper(one).post(action, typed | key) for one in (house.shop, house.another()))
    )
    assert {one.location for one in answers} == {f"/withdraw/{key['confirm']}"}
    received = await shopper.get(answers[0].location)
    assert re.search(r"Received \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC", received.words)
    await asyncio.gather(*(one.work("answer_questions") for one in (house.shop, house.another())))
    ((row, found),) = await declared(house)
    assert found is not None
    assert (found.id, row.things) == (order.id, f"1 × Thing {soap.sku[2:]}")
    (told,), (owner,) = [await house.messages(f"withdrawal-{to}") for to in ("received", "owner")]
    assert (told.recipient, told.data["things"]) == (ANNA, row.things)
    assert owner.data["order_number"] == order.number
    assert (await house.order(order.id)).attention.startswith("withdrawn: ")
    page = await house.page(order.id)
    assert f"You withdrew from: {row.things}" in page.words
    assert "We have your withdrawal" in page.words
    assert await house.refunds(order.id) == [], "that is for staff"
    await house.shop.work("send_messages")
    await house.check()


async def test_without_a_link_nothing_is_revealed_and_everything_is_kept(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    order = await house.order(bought.order)
    shopper = house.shopper()
    answers = []
    for form in (
        FORM | {"number": order.number},
        FORM | {"number": order.number, "email": "eve@example.org"},
        FORM | {"number": "the apron of last week"},
    ):
        check = await shopper.post("/withdraw", form)
        key = await key_of(check)
        done = await shopper.post("/withdraw", form | key)
        page = await shopper.get(done.location)
        hidden = [form["number"], form["email"][:1], form["email"][3:4]]
        answers.append(
            (done.status, re.sub(r"\d\d:\d\d:\d\d|e…e|a…n", "", page.words).replace(hidden[0], ""))
        )
    assert len(set(answers)) == 1
    await house.shop.work("answer_questions")
    fits = [found is not None for _, found in reversed(await declared(house))]
    assert fits == [True, False, False]
    told = await house.messages("withdrawal-received")
    assert [one.recipient for one in told] == [ANNA, "eve@example.org", ANNA]
    assert [one.data["url"] != "" for one in await house.messages("withdrawal-owner")] == fits
    assert (await house.story(order.id)).count("withdrawn") == 1
    await house.shop.work("send_messages")
    await house.check()


async def test_a_declaration_that_two_workers_take_up_at_once_is_noted_once(house: House) -> None:
    """Both have seen that nobody has looked for its order; one looks, the other then sees that it is done."""
    bought = await paid(house, await house.thing(delivered=True))
    order = await house.order(bought.order)
    form = FORM | {"number": order.number}
    shopper = house.shopper()
    await shopper.post("/withdraw", form | await key_of(await shopper.post("/withdraw", form)))
    processes = [house.another(), house.another()]
    async with house.database.writes() as session:
        await lock_order(session, Order.id == order.id)
        workers = [asyncio.create_task(one.work("answer_questions")) for one in processes]
        await house.until_waiting(2)
    await asyncio.gather(*workers)
    assert (await house.story(order.id)).count("withdrawn") == 1
    assert len(await house.messages("withdrawal-owner")) == 1
    await house.check()


async def test_what_is_cancelled_already_is_not_put_before_staff_by_a_withdrawal(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    order = await house.order(bought.order)
    assert (await house.shopper().post(f"/orders/{order.token}/cancel", {"paid": "yes"})).status == 303
    form = FORM | {"number": order.number}
    shopper = house.shopper()
    await shopper.post("/withdraw", form | await key_of(await shopper.post("/withdraw", form)))
    await house.shop.work("answer_questions", "refund")
    assert (await house.story(order.id)).count("withdrawn") == 1, "it is heard all the same"
    assert len(await house.messages("withdrawal-owner")) == 1
    assert (await house.order(order.id)).attention == ""
    await house.check()


async def test_a_confirmation_carries_nobodys_advertisement(house: House) -> None:
    for wrong in (
        {"name": "Win at www.evil.example"},
        {"name": "https://evil"},
        {"name": "evil。com"},
        {"name": "evil．com"},
        {"name": "https：／／evil"},
        {"name": "evil\u202emoc.com"},
        {"name": "Anna\u2028Larsson"},
        {"name": "ev\u200bil"},
        {"number": "evil.example/x"},
    ):
        answer = await house.shopper().post("/withdraw", FORM | {"number": "SF-222222"} | wrong)
        assert answer.status == 422
    fine = await house.shopper().post(
        "/withdraw", {"name": "Dr. Åse O'Neill-Ó", "number": "SF-2", "email": ANNA}
    )
    assert fine.status == 200


async def test_it_is_offered_until_the_time_is_over(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    await ship(house, bought)
    path = f"/orders/{(await house.order(bought.order)).token}/withdraw"
    house.pass_time(days=29)
    assert (await house.page(bought.order)).root.all("a", href=path)
    house.pass_time(days=2)
    assert not (await house.page(bought.order)).root.all("a", href=path)
    late = await house.shopper().get(path)
    assert late.status == 409
    assert late.root.all("a", href="/withdraw"), "whoever says that they have more time is heard"
    without = house.shopper(house.another(withdrawal_days=0))
    assert (await without.get("/withdraw")).status == 404
    assert "Withdraw from contract" not in (await without.get("/orders/lookup")).text


async def test_one_network_declares_three_hundred_times(house: House) -> None:
    shopper, form = house.shopper(), FORM | {"number": "SF-222222"}
    await use_up(house, WITHDRAW_NETWORK, "127.0.0.1", left=1)
    form |= await key_of(await shopper.post("/withdraw", form))
    assert (await shopper.post("/withdraw", form)).status == 303
    other = form | {"email": "berta@example.org"}
    assert (await shopper.post("/withdraw", other)).status == 429
    assert (await from_network(house, "198.51.100.7").post("/withdraw", other)).status == 303


async def test_whoever_declares_often_is_heard_and_told_of_a_few_times(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    form = FORM | {"number": (await house.order(bought.order)).number}
    shopper = house.shopper()
    for _ in range(11):
        answer = await shopper.post("/withdraw", form | await key_of(await shopper.post("/withdraw", form)))
    assert answer.status == 429
    tagged = form | {"email": ANNA.replace("@", "+1@")}
    key = await key_of(await shopper.post("/withdraw", tagged))
    assert (await shopper.post("/withdraw", tagged | key)).status == 429
    await house.shop.work("answer_questions")
    assert len(await declared(house)) == 10
    assert len(await house.messages("withdrawal-owner")) == 5
    order = await house.order(bought.order)
    assert order.attention.count("withdrawn") == 1
    async with house.database.writes() as session:
        locked = await lock_order(session, Order.id == order.id)
        assert locked is not None
        assert resolve(locked) == []
