"""Credits that are bought: granted once, taken back in proportion, never twice."""

import asyncio

import pytest
from sqlalchemy import delete, func, select, update

from storefront.accounts.models import Account
from storefront.credits.ledger import adjust_owed, spend
from storefront.credits.models import CreditEntry
from storefront.credits.queries import balance_of
from storefront.orders.models import PAID, Order
from tests.credits.people import buyer, new_account, package
from tests.faults.house import House


async def test_credits_are_there_when_the_order_is_paid(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 100), quantity=2)
    assert await anna.balance() == (0, 0)
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    assert await anna.balance() == (200, 0)
    [entry] = await anna.entries()
    number = (await house.order(bought.order)).number
    assert (entry.amount, entry.order_number, entry.reason) == (200, number, f"Bought with order {number}")
    assert "200 credits added to your account" in (await house.page(bought.order)).words
    page = await anna.shopper.get("/account/credits")
    assert "You have 200 credits." in page.words
    assert f"Bought with order {number}" in page.words
    assert "+200" in page.words
    await house.check()


async def test_credits_are_granted_once_whoever_settles_and_how_often(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 100))
    await house.stripe.do("pay", session=bought.session)
    events = await house.stripe.events()
    other = house.another()
    await asyncio.gather(
        house.deliver_at_once(*events * 3, processes=[house.shop, other]),
        house.come_back(bought),
        house.come_back(bought, other),
    )
    await house.deliver(*events)
    await house.shop.work("reconcile_now_and_then", "retry_events")
    assert await anna.balance() == (100, 0)
    await house.check()


async def test_no_address_is_asked_for_credits_alone(house: House) -> None:
    anna = await buyer(house)
    await anna.shopper.add(await package(house))
    names = {name for name, _ in (await anna.shopper.get("/checkout")).form("/checkout").filled({}, None)}
    assert "address_line1" not in names
    assert "shipping_method" not in names
    await anna.shopper.add(await house.thing(delivered=True))
    names = {name for name, _ in (await anna.shopper.get("/checkout")).form("/checkout").filled({}, None)}
    assert {"address_line1", "shipping_method"} <= names


async def test_a_free_package_is_granted_when_it_is_placed(house: House) -> None:
    anna = await buyer(house)
    await anna.shopper.add(await package(house, 7, price=0))
    assert (await anna.shopper.order()).status == 303
    [order] = await house.orders()
    assert order.state == PAID
    assert await anna.balance() == (7, 0)
    await house.check()


async def test_refunds_take_credits_back_in_proportion(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.pay(await package(house, 100, price=1000))
    left = []
    for amount in (333, 333, 334):
        await house.stripe.do("refund", session=bought.session, amount=amount)
        await house.deliver_new(order="shuffled")
        left.append((await anna.balance())[0])
    assert left == [67, 34, 0], "rounded down to the shopper's good, and all of it in the end"
    events = await house.stripe.events("charge.refunded")
    await house.deliver(*[{**one, "id": f"{one['id']}again"} for one in events])
    assert await anna.balance() == (0, 0)
    story = await house.story(bought.order)
    assert story.count("credits-granted") == 1
    assert story.count("credits-taken") == 3
    await house.check()


async def test_goods_and_credits_in_one_order_go_back_in_the_same_proportion(house: House) -> None:
    anna = await buyer(house)
    thing = await house.thing(price=3000, delivered=True)
    bought = await anna.pay(await package(house, 40, price=1000), thing)
    assert (await house.order(bought.order)).total == 4500, "with delivery"
    await house.stripe.do("refund", session=bought.session, amount=2250)
    await house.deliver_new()
    assert await anna.balance() == (20, 0)
    await house.check()


async def test_a_refund_that_fails_gives_the_credits_back(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.pay(await package(house, 100))
    refund = (await house.stripe.do("refund", session=bought.session, status="pending"))["refund"]
    await house.deliver_new()
    assert await anna.balance() == (0, 0)
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()
    assert await anna.balance() == (100, 0)
    assert [one.amount for one in await anna.entries()] == [100, -100, 100]
    assert "100 credits given back" in (await house.page(bought.order)).words
    await house.check()


async def test_credits_that_are_spent_already_are_owed_and_staff_are_told(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.pay(await package(house, 100))
    async with house.database.writes() as session:
        await spend(session, anna.account, 70, "An hour with the potter", "lesson-1")
    refund = (await house.stripe.do("refund", session=bought.session, status="pending"))["refund"]
    await house.deliver_new()
    assert await anna.balance() == (0, 70)
    [taken, *_] = await anna.entries()
    assert (taken.amount, taken.owing) == (-30, 70)
    order = await house.order(bought.order)
    assert "70 credits" in order.attention
    [warning] = [one for one in house.log if one["event"] == "credits owed"]
    assert (warning["log_level"], warning["credits"], warning["account"]) == ("warning", 70, anna.account)
    [message] = [one for one in await house.messages("owner-attention") if "70 credits" in one.data["reason"]]
    assert f"credits adjust {anna.account} -70 --owed" in message.data["what_to_do"]
    assert "70 credits are owed" in (await anna.shopper.get("/account/credits")).words
    await house.check()
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()
    assert await anna.balance() == (30, 0), "first what is owed, then what was taken"
    await house.check()
    await house.stripe.do("refund", session=bought.session)
    await house.deliver_new()
    assert await anna.balance() == (0, 70)
    async with house.database.writes() as session:
        await adjust_owed(session, anna.account, -70, "Paid by hand", "by-hand")
    assert await anna.balance() == (0, 0)
    await house.check()


async def test_a_lost_dispute_takes_the_credits_and_a_won_one_does_not(house: House) -> None:
    anna, bert = await buyer(house), await buyer(house)
    lost, won = await anna.pay(await package(house, 100)), await bert.pay(await package(house, 100))
    for bought, verdict in ((lost, "lose_dispute"), (won, "win_dispute")):
        made = await house.stripe.do("dispute", session=bought.session)
        await house.deliver_new()
        assert (await anna.balance(), await bert.balance())[verdict == "win_dispute"] == (100, 0)
        await house.stripe.do(verdict, dispute=made["dispute"]["id"])
        await house.deliver_new()
    assert await anna.balance() == (0, 0)
    assert await bert.balance() == (100, 0)
    closed = await house.stripe.events("charge.dispute.closed")
    await house.deliver(*[{**one, "id": f"{one['id']}again"} for one in closed])
    assert await anna.balance() == (0, 0)
    await house.check()


async def test_a_refund_and_a_lost_dispute_never_take_more_than_was_granted(house: House) -> None:
    anna = await buyer(house)
    await anna.pay(await package(house, 50))
    bought = await anna.pay(await package(house, 100, price=1000))
    await house.stripe.do("refund", session=bought.session, amount=600)
    made = await house.stripe.do("dispute", session=bought.session, amount=1000)
    await house.stripe.do("lose_dispute", dispute=made["dispute"]["id"])
    await house.deliver_new(order="reversed")
    assert await anna.balance() == (50, 0)
    await house.check()


@pytest.mark.parametrize("order", ["as they happened", "reversed", "shuffled"])
async def test_the_order_of_events_makes_no_difference(house: House, order: str) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 90, price=900))
    await house.stripe.do("pay", session=bought.session)
    await house.stripe.do("refund", session=bought.session, amount=300)
    await house.deliver_new(order=order)
    await house.shop.work("retry_events")
    assert await anna.balance() == (60, 0)
    await house.check()


async def test_an_order_that_is_claimed_by_another_account_grants_nothing_again(house: House) -> None:
    """Bought, spent, the account deleted, registered anew, the order claimed: a refund must not bring new credits."""
    anna = await buyer(house)
    bought = await anna.pay(await package(house, 100))
    async with house.database.writes() as session:
        await session.execute(delete(Account).where(Account.id == anna.account))
    again = await new_account(house, anna.email)
    async with house.database.writes() as session:
        await session.execute(update(Order).values(account_id=again))
    await house.stripe.do("refund", session=bought.session, amount=10)
    await house.deliver_new()
    async with house.database.reads() as session:
        assert await balance_of(session, again) == (0, 0)
        assert await session.scalar(select(func.count()).select_from(CreditEntry)) == 0
    assert (await house.order(bought.order)).attention == ""


async def test_money_that_comes_late_still_brings_its_credits(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 100))
    await house.stripe.do("pay_delayed", session=bought.session)
    await house.deliver_new()
    assert await anna.balance() == (0, 0)
    await house.stripe.do("settle", session=bought.session)
    await house.deliver_new()
    assert await anna.balance() == (100, 0)
    await house.check()


async def test_an_account_that_was_deleted_gets_nothing_and_staff_are_told(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 100))
    async with house.database.writes() as session:
        await session.execute(delete(Account).where(Account.id == anna.account))
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    order = await house.order(bought.order)
    assert order.state == PAID
    assert "no account" in order.attention
    await house.check()
