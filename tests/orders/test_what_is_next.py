"""What shopper and owner are told to expect: parcels, files, credits, refunds, disputes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from storefront.orders.change import resolve
from storefront.orders.models import Order
from storefront.orders.queries import lock_order
from storefront.orders.ship import CannotShip, ship_order
from tests.credits.people import buyer, package
from tests.faults.house import Bought, House
from tests.faults.test_refunds import paid
from tests.outbox.test_again import storefront

PACKED = "Next we pack your things."


async def words(house: House, bought: Bought) -> str:
    return (await house.page(bought.order)).element("order-status").text


async def ship(house: House, bought: Bought, tracking: str = "", *, resolved: bool = False) -> None:
    async with house.database.writes() as session:
        order = await lock_order(session, Order.id == bought.order)
        assert order is not None
        if resolved:
            resolve(order)
        await ship_order(session, house.shop.settings, order, tracking)


async def test_a_parcel_is_packed_and_then_on_its_way(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    assert PACKED in await words(house, bought)
    (told,) = await house.messages("order-paid")
    assert told.data["next_text"].startswith(PACKED)
    await ship(house, bought, "1Z999")
    said = await words(house, bought)
    assert "Your things are on their way." in said
    assert PACKED not in said
    assert "Parcels" in said
    (told,) = await house.messages("order-shipped")
    assert (told.data["posted"], told.data["mailed"]) == (True, "")


async def test_what_went_back_is_not_promised_any_more(house: House) -> None:
    bought = await paid(house, await house.thing(price=1500, delivered=True))
    await house.stripe.do("refund", session=bought.session, amount=500)
    await house.deliver_new()
    said = await words(house, bought)
    assert "$5.00 refunded." in said
    assert f"{PACKED} You get a message when they leave. What was refunded is left out" in said
    await house.stripe.do("refund", session=bought.session)
    await house.deliver_new()
    said = await words(house, bought)
    assert "This order was refunded" in said
    assert "Refunded in full." in said
    assert "Nothing will be sent." in said
    for promise in (PACKED, "leave", "Thank you", "confirmation to"):
        assert promise not in said


async def test_a_refund_of_what_was_sent_says_nothing_about_sending(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    await ship(house, bought)
    await house.stripe.do("refund", session=bought.session)
    await house.deliver_new()
    said = await words(house, bought)
    assert "Banks usually take" in said
    assert "will be sent" not in said
    assert "on their way" not in said


async def test_goods_that_a_dispute_holds_back_are_not_promised(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.deliver_new()
    said = await words(house, bought)
    assert "The payment is disputed at the bank. Until that is decided, nothing is sent." in said
    assert PACKED not in said
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    said = await words(house, bought)
    assert "The bank took money of this payment back, so nothing is sent." in said
    assert PACKED not in said
    won = await paid(house, await house.thing(delivered=True))
    opened = (await house.stripe.do("dispute", session=won.session))["dispute"]
    await house.stripe.do("win_dispute", dispute=opened["id"])
    await house.deliver_new()
    assert PACKED in await words(house, won)


async def test_an_order_that_waits_for_staff_is_not_promised_either(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    refund = (await house.stripe.do("refund", session=bought.session, amount=100))["refund"]
    await house.stripe.do("fail_refund", refund=refund["id"])
    await house.deliver_new()
    said = await words(house, bought)
    assert "we have to look at this order" in said
    assert PACKED not in said
    await ship(house, bought, resolved=True)
    assert "Your things are on their way." in await words(house, bought)


async def test_a_file_is_sent_by_e_mail_and_the_owner_is_told_to(
    house: House, database_url: str, tmp_path: Path
) -> None:
    thing = await house.thing()
    bought = await paid(house, thing)
    order = await house.order(bought.order)
    (confirmation,), (news,) = await house.messages("order-paid"), await house.messages("order-paid-owner")
    title = news.data["mailed"]
    assert title.startswith("Thing ")
    sentence = f"We send {title} to your e-mail address within one working day."
    assert confirmation.data["next_text"] == sentence
    said = await words(house, bought)
    assert sentence in said
    assert "pack" not in said
    code, shown = await storefront(database_url, tmp_path, "orders", "show", order.number)
    assert code == 0
    assert f"to do: send by e-mail to {order.email} within one working day: {title}" in shown
    assert await storefront(database_url, tmp_path, "orders", "ship", order.number) == (
        0,
        f"{order.number} sent\n",
    )
    said = await words(house, bought)
    assert f"We have sent {title} to your e-mail address." in said
    for wrong in ("on their way", "Parcels", "within one working day"):
        assert wrong not in said
    (told,) = await house.messages("order-shipped")
    assert (told.data["posted"], told.data["mailed"]) == (False, title)
    _, shown = await storefront(database_url, tmp_path, "orders", "show", order.number)
    assert "to do" not in shown


async def test_the_owner_sees_until_when_a_dispute_is_to_be_answered(
    house: House, database_url: str, tmp_path: Path
) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    number = (await house.order(bought.order)).number

    async def shown() -> str:
        code, text = await storefront(database_url, tmp_path, "orders", "show", number)
        assert code == 0
        return text

    assert "to do: pack and send by post" in await shown()
    opened = (await house.stripe.do("dispute", session=bought.session))["dispute"]
    await house.deliver_new()
    due = datetime.fromtimestamp(opened["evidence_details"]["due_by"], UTC)
    text = await shown()
    assert f"! answer the dispute about $20.00 until {due:%Y-%m-%d %H:%M} UTC\n" in text
    assert "to do" not in text
    await house.stripe.do("lose_dispute", dispute=opened["id"])
    await house.deliver_new()
    text = await shown()
    assert "answer the dispute" not in text
    assert "to do" not in text


async def test_credits_are_there_at_once_and_nothing_has_to_be_sent(house: House) -> None:
    anna = await buyer(house)
    bought = await anna.buy(await package(house, 100))
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    page = await house.page(bought.order)
    assert "Your credits are in your account." in page.words
    assert page.element("order-status").all("a", href="/account/credits")
    for promise in (PACKED, "within one working day"):
        assert promise not in page.words
    (told,) = await house.messages("order-paid")
    assert told.data["credits_url"].endswith("/account/credits")
    (news,) = await house.messages("order-paid-owner")
    assert (news.data["mailed"], news.data["posted"]) == ("", False)
    with pytest.raises(CannotShip, match="nothing has to be sent"):
        await ship(house, bought)
    await house.stripe.do("refund", session=bought.session)
    await house.deliver_new()
    assert not (await house.page(bought.order)).element("order-status").all("a", href="/account/credits")


async def test_one_order_with_everything_says_everything(house: House) -> None:
    anna = await buyer(house)
    file, parcel = await house.thing(), await house.thing(delivered=True)
    bought = await anna.buy(file, parcel, await package(house, 100))
    await house.stripe.do("pay", session=bought.session)
    await house.deliver_new()
    said = await words(house, bought)
    for sentence in (
        PACKED,
        "to your e-mail address within one working day.",
        "Your credits are in your account.",
    ):
        assert sentence in said
    await ship(house, bought)
    said = await words(house, bought)
    for sentence in (
        "Your things are on their way.",
        "We have sent Thing",
        "Your credits are in your account.",
    ):
        assert sentence in said


async def test_the_same_parcel_is_sent_once_and_another_has_its_own_tracking(house: House) -> None:
    for first, second in (("", "1Z998"), ("1Z999", "1Z998")):
        told = len(await house.messages("order-shipped"))
        bought = await paid(house, await house.thing(delivered=True))
        await ship(house, bought, first)
        with pytest.raises(CannotShip, match="already; for one more parcel give its own --tracking"):
            await ship(house, bought, first)
        assert len(await house.messages("order-shipped")) == told + 1
        await ship(house, bought, second)
        assert len(await house.messages("order-shipped")) == told + 2


async def test_without_tracking_nothing_follows_what_was_sent(house: House) -> None:
    bought = await paid(house, await house.thing(delivered=True))
    await ship(house, bought, "1Z999")
    with pytest.raises(CannotShip, match="already"):
        await ship(house, bought)
