"""What may happen in the model's world. A move takes the world, the process that it meets, and two numbers that say
which order, page, event or amount is meant, the newest being 0. It gives False when there was nothing to do."""

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from sqlalchemy import select

from storefront.cart.cookies import hashed
from storefront.cart.models import Cart, CartLine
from storefront.catalogue.models import Variant
from storefront.catalogue.stock import HeldBack, set_on_hand
from storefront.credits.ledger import KeyUsed, NotEnoughCredits, spend
from storefront.database import Busy
from storefront.orders.models import Order, OrderLine, PaymentAttempt
from storefront.orders.queries import lock_order
from storefront.payments.errors import PaymentProblem
from storefront.payments.handlers import HANDLERS
from storefront.payments.reconcile import reconcile as run_reconcile
from storefront.payments.refund import NotRefundable, ask_for_refund, send_refunds
from storefront.sandbox import faults
from storefront.worker import JOBS
from tests.model.world import CODES, COUNTED, ORIGIN, PLAIN, SIGN_IN, THINGS, Process, World

Move: TypeAlias = Callable[[World, Process, int, int], Coroutine[Any, Any, bool]]

ASKS = "4000002760003184"
CARDS = (
    "4242424242424242",
    "4242424242424242",
    "4000000000007726",  # its refunds are pending first
    "4000000000005126",  # its refunds fail later
    ASKS,
    "4000000000000002",  # is declined
)
# What an order's line has from the thing that was ordered.
FROZEN = (
    ("sku", "sku"),
    ("variant_title", "title"),
    ("unit_price", "price"),
    ("tracked", "tracked"),
    ("requires_shipping", "requires_shipping"),
    ("credit_amount", "credit_amount"),
)
SESSIONS = "POST /v1/checkout/sessions"
FAULTS = (
    (SESSIONS, "reset", "after"),
    (SESSIONS, "reset", "before"),
    (SESSIONS, "500", "before"),
    (SESSIONS, "500", "after"),
    (SESSIONS, "cut", "after"),
    (SESSIONS, "503", "after"),
    (SESSIONS, "delay", "before"),
    (f"{SESSIONS}/*/expire", "500", "after"),
    (f"{SESSIONS}/*/expire", "reset", "after"),
    ("GET /v1/checkout/sessions*", "503", "before"),
    ("POST /v1/refunds", "reset", "after"),
    ("POST /v1/refunds", "500", "after"),
    ("POST /v1/refunds", "500", "before"),
    ("GET /v1/refunds*", "cut", "before"),
    ("GET /v1/events", "503", "before"),
    ("* *", "429", "before"),
    ("* *", "delay", "after"),
    ("POST /v1/coupons", "reset", "after"),
    ("POST /v1/coupons", "500", "after"),
)
FORM = {
    "email": "anna@example.org",
    "name": "Anna Larsson",
    "country": "US",
    "address_line1": "12 Mill Lane",
    "address_level2": "Portland",
    "address_level1": "OR",
    "postal_code": "97201",
    "shipping_method": "standard",
}


def newest(things: list[Any], number: int) -> Any:
    """The thing that is meant, or None when there is none at all."""
    return things[-1 - number % len(things)] if things else None


async def _order(world: World, number: int) -> Order | None:
    async with world.database.reads() as session:
        orders = list(await session.scalars(select(Order).order_by(Order.id)))
    found: Order | None = newest(orders, number)
    return found


def _fine(world: World, answer: Any, *expected: int) -> bool:
    world.expect(answer.status_code in expected, f"{answer.request} was answered with {answer.status_code}")
    return True


# Shoppers --------------------------------------------------------------------------------------------------------


async def add(world: World, process: Process, n: int, m: int) -> bool:
    """Put m + 1 pieces of a thing into the cart of one of three shoppers."""
    who, thing = n % 3, n // 3 % len(THINGS)
    form = {"variant_id": str(thing + 1), "quantity": str(m % 3 + 1)}
    answer = await process.ask("POST", "/cart/items", form, cart=world.carts[who])
    _fine(world, answer, 303, 404, 409)
    made = answer.cookies.get("cart")
    if made:
        world.carts[who] = made
    return True


async def _in_cart(world: World, who: int, what: Any) -> list[int]:
    query = select(what).join(Cart).where(Cart.token_hash == hashed(world.carts[who])).order_by(CartLine.id)
    async with world.database.reads() as session:
        return list(await session.scalars(query))


async def edit(world: World, process: Process, n: int, m: int) -> bool:
    """Set a line of the cart to m pieces; 0 removes it."""
    line = newest(await _in_cart(world, n % 3, CartLine.id), n // 3)
    if line is None:
        return False
    form = {"quantity": str(m)}
    return _fine(
        world, await process.ask("POST", f"/cart/items/{line}", form, cart=world.carts[n % 3]), 303, 404, 409
    )


async def code(world: World, process: Process, n: int, m: int) -> bool:
    """Enter a discount code into a cart, one that nobody gave out now and then, or take it away."""
    if m % 5 == 4:
        answer = await process.ask("POST", "/cart/promotion/remove", {}, cart=world.carts[n % 3])
        return _fine(world, answer, 303)
    form = {"code": (*CODES, "NOBODYS")[m % 5 % 3]}
    answer = await process.ask("POST", "/cart/promotion", form, cart=world.carts[n % 3])
    return _fine(world, answer, 303, 422, 429)


async def place(world: World, process: Process, n: int, m: int) -> bool:
    """Order what lies in the cart; m chooses address, note and an old total."""
    form = FORM | {"note": "ring twice" if m % 3 == 1 else "", "postal_code": "97202" if m == 2 else "97201"}
    if m == 5:
        form["shown_total"] = "1"
    return await _order_with(world, process, form, n % 3)


async def _order_with(
    world: World, process: Process, form: dict[str, str], who: int, sign_in: str = ""
) -> bool:
    cookies = f"{world.carts[who]}; session={sign_in}" if sign_in else world.carts[who]
    answer = await process.ask("POST", "/checkout", form, cart=cookies)
    _fine(world, answer, 303, 409, 429, 503)
    page = _page_of(answer)
    if page and world.alone:
        await _is_what_lies_in_the_cart(world, page, who)
    return _led_on(world, answer)


async def _is_what_lies_in_the_cart(world: World, page: str, who: int) -> None:
    """Whoever is led to a payment page by ordering pays there for what lies in their cart, as the shop has it now."""
    lines = select(OrderLine, Variant).join(Variant, Variant.id == OrderLine.variant_id)
    lines = lines.join(PaymentAttempt, PaymentAttempt.order_id == OrderLine.order_id)
    async with world.database.reads() as session:
        ordered = (await session.execute(lines.where(PaymentAttempt.session_id == page))).all()
    for line, thing in ordered:
        for frozen, is_now in FROZEN:
            found, wanted = getattr(line, frozen), getattr(thing, is_now)
            world.expect(found == wanted, f"{thing.sku} was ordered with {frozen} {found}, not {wanted}")
    pieces = {line.variant_id: line.quantity for line, _ in ordered}
    variants = await _in_cart(world, who, CartLine.variant_id)
    lie = dict(zip(variants, await _in_cart(world, who, CartLine.quantity), strict=True))
    world.expect(pieces == lie, f"{pieces} was ordered with {lie} in the cart")


def _page_of(answer: Any) -> str:
    where: str = answer.headers.get("location", "")
    return where.rpartition("/")[2] if where.startswith(f"{ORIGIN}/sandbox/pay/") else ""


def _led_on(world: World, answer: Any) -> bool:
    page = _page_of(answer)
    if page and page not in world.pages:
        world.pages.append(page)
    return answer.headers.get("location", "") != "/cart"


async def change_goods(world: World, _process: Process, n: int, m: int) -> bool:
    """The owner, or a sync, makes a thing dearer, renames it, changes what it is, or takes it off the shelf; or, the
    second time, makes it what it was."""
    await _change(world, n // 3 % len(THINGS), m)
    return True


async def _change(world: World, number: int, m: int) -> None:
    was = {name: value for name, value in (PLAIN | THINGS[number]).items() if name not in COUNTED}
    changed: dict[str, Any] = (
        {"price": was["price"] + 300},
        {"sku": was["sku"] + "-2", "title": "Another"},
        {"credit_amount": 40, "tracked": False, "requires_shipping": False},
        {"credit_amount": None},
        {"requires_shipping": not was["requires_shipping"], "credit_amount": None},
        {"tracked": not was["tracked"], "credit_amount": None},
        {"archived": True},
    )[m % 7]
    async with world.database.writes() as session:
        thing = await session.get_one(Variant, number + 1, with_for_update=True)
        done = all(getattr(thing, name) == value for name, value in changed.items())
        becomes = was if done else was | changed
        if becomes["tracked"] != thing.tracked:
            world.changing.add(thing.id)
        for name, value in becomes.items():
            setattr(thing, name, value)


async def order_changed(world: World, process: Process, n: int, m: int) -> bool:
    """Somebody who is signed in orders a cart, something in it changes, and they order it again."""
    variants = await _in_cart(world, n % 3, CartLine.variant_id)
    if not variants:
        return False
    await _order_with(world, process, FORM, n % 3, SIGN_IN)
    await _change(world, newest(variants, n // 3) - 1, m)
    return await _order_with(world, process, FORM, n % 3, SIGN_IN)


async def buy(world: World, process: Process, n: int, m: int) -> bool:
    """Add and place."""
    await add(world, process, n, m)
    return await place(world, process, n, 0)


async def bought(world: World, process: Process, n: int, m: int) -> bool:
    """Add, place and pay, and nobody has heard of it yet."""
    return await buy(world, process, n, m) and await pay(world, process, 0, m)


async def pay_again(world: World, process: Process, n: int, _m: int) -> bool:
    order = await _order(world, n)
    if order is None:
        return False
    answer = await process.ask("POST", f"/orders/{order.token}/pay", {})
    _fine(world, answer, 303, 409, 429, 503)
    return _led_on(world, answer)


async def cancel(world: World, process: Process, n: int, m: int) -> bool:
    """From the page of an open order, or of a paid one."""
    order = await _order(world, n)
    if order is None:
        return False
    form = {"paid": "yes"} if m % 2 else {}
    return _fine(world, await process.ask("POST", f"/orders/{order.token}/cancel", form), 303, 409, 503)


async def reorder(world: World, process: Process, n: int, m: int) -> bool:
    """Put an order's things into some shopper's cart."""
    order = await _order(world, n)
    if order is None:
        return False
    who = m % 3
    answer = await process.ask("POST", f"/orders/{order.token}/reorder", {}, cart=world.carts[who])
    world.carts[who] = answer.cookies.get("cart") or world.carts[who]
    return _fine(world, answer, 303)


async def look(world: World, process: Process, n: int, _m: int) -> bool:
    order = await _order(world, n)
    if order is None:
        return False
    return _fine(world, await process.ask("GET", f"/orders/{order.token}"), 200)


async def come_back(world: World, process: Process, n: int, _m: int) -> bool:
    """Come back from a payment page, paid or not."""
    page = newest(world.pages, n)
    if page is None:
        return False
    return _fine(world, await process.ask("GET", f"/checkout/return?session_id={page}"), 303, 503)


async def turn_back(world: World, process: Process, n: int, _m: int) -> bool:
    order = await _order(world, n)
    if order is None:
        return False
    return _fine(world, await process.ask("GET", f"/checkout/cancel?order={order.token}"), 303)


async def buy_credits(world: World, process: Process, n: int, m: int) -> bool:
    """The one who is signed in orders credits, beside whatever lies in that cart; and pays, more often than not."""
    who = n % 3
    form = {"variant_id": str(len(THINGS)), "quantity": str(m % 3 + 1)}
    answer = await process.ask("POST", "/cart/items", form, cart=world.carts[who])
    _fine(world, answer, 303, 404, 409)
    world.carts[who] = answer.cookies.get("cart") or world.carts[who]
    placed = await _order_with(world, process, FORM, who, SIGN_IN)
    return placed and (m % 3 == 2 or await pay(world, process, 0, 0))


async def spend_credits(world: World, process: Process, n: int, m: int) -> bool:
    """Spend some, now and then under a key that was used already."""
    try:
        async with process.shop.database.writes() as session:
            await spend(session, world.account, 30 * (m + 1), "An hour", f"lesson-{n}")
    except (NotEnoughCredits, KeyUsed, Busy):
        return False
    return True


# On Stripe's page ------------------------------------------------------------------------------------------------


async def _page(world: World, number: int, *, waiting: bool = False) -> str:
    """The session that is meant: open, or `waiting` for its money; if there is none, any page that somebody opened."""
    wanted = [
        one["id"]
        for one in await world.objects("checkout.session")
        if (one["status"], one["payment_status"]) == ("complete" if waiting else "open", "unpaid")
    ]
    found: str | None = newest([one for one in world.pages if one in wanted] or world.pages, number)
    return found or "cs_none"


async def pay(world: World, _process: Process, n: int, m: int) -> bool:
    """Try a card on an open page: it pays, is declined, asks, or will have trouble with refunds."""
    page = await _page(world, n)
    done = await world.at_stripe("pay", session=page, card=CARDS[m % len(CARDS)])
    world.charged |= done
    return done


async def stray_payment(world: World, _process: Process, n: int, m: int) -> bool:
    """Pay on a page whose address nobody should know, or of an order that was given up: the shop must not lose it."""
    sessions = [one["id"] for one in await world.objects("checkout.session") if one["status"] == "open"]
    page = newest([one for one in sessions if one not in world.pages] or sessions, n)
    done = page is not None and await world.at_stripe("pay", session=page, card=CARDS[m % 4])
    world.charged |= done
    return done


async def authenticate(world: World, _process: Process, n: int, m: int) -> bool:
    """Be asked by the bank; approve, or fail."""
    page = await _page(world, n)
    await world.at_stripe("pay", session=page, card=ASKS)
    done = await world.at_stripe("authenticate", session=page, approve=m % 3 != 2)
    world.charged |= done
    return done


async def pay_delayed(world: World, _process: Process, n: int, m: int) -> bool:
    done = await world.at_stripe("pay_delayed", session=await _page(world, n), fails=m % 2 == 1)
    world.charged |= done
    return done


async def money_comes(world: World, _process: Process, n: int, m: int) -> bool:
    """A delayed payment succeeds or fails."""
    page = await _page(world, n, waiting=True)
    return await world.at_stripe("fail" if m % 2 else "settle", session=page)


async def page_expires(world: World, _process: Process, n: int, _m: int) -> bool:
    return await world.at_stripe("expire", session=await _page(world, n))


# Stripe, its Dashboard and its bad days --------------------------------------------------------------------------


async def dashboard_refund(world: World, _process: Process, n: int, m: int) -> bool:
    """Refund a part or all that is left, at once, slowly, or so that it fails later."""
    charge = newest(await world.objects("charge"), n)
    if charge is None:
        return False
    amount = (None, 100, charge["amount"] // 2)[m % 3]
    status = ("succeeded", "pending", "fails")[m // 3 % 3]
    return await world.at_stripe("refund", charge=charge["id"], amount=amount, status=status)


async def refund_ends(world: World, _process: Process, n: int, m: int) -> bool:
    refund = newest(await world.objects("refund"), n)
    action = "fail_refund" if m % 2 else "settle_refund"
    return refund is not None and await world.at_stripe(action, refund=refund["id"])


async def refund_is_cancelled(world: World, _process: Process, n: int, _m: int) -> bool:
    """A refund that is on its way is called back."""
    refund = newest(await world.objects("refund"), n)
    return refund is not None and await world.at_stripe("cancel_refund", refund=refund["id"])


async def dispute(world: World, _process: Process, n: int, m: int) -> bool:
    charge = newest(await world.objects("charge"), n)
    return charge is not None and await world.at_stripe("dispute", charge=charge["id"], inquiry=m % 2 == 1)


async def dispute_goes_on(world: World, _process: Process, n: int, m: int) -> bool:
    found = newest(await world.objects("dispute"), n)
    action = ("win_dispute", "lose_dispute", "answer_dispute")[m % 3]
    return found is not None and await world.at_stripe(action, dispute=found["id"])


async def _events(world: World) -> list[dict[str, Any]]:
    return [event for event in await world.objects("event") if event["type"] in HANDLERS]


async def deliver(world: World, process: Process, n: int, m: int) -> bool:
    """An event arrives once or several times, whether or not it did before."""
    event = newest(await _events(world), n)
    if event is None:
        return False
    for _ in range(m % 2 + 1):
        await _heard(world, process, event)
    return True


async def deliver_rest(world: World, process: Process, n: int, m: int) -> bool:
    """What has not arrived yet arrives: in order, or shuffled; every third event stays away when m is odd."""
    events = [event for event in await _events(world) if event["id"] not in world.heard]
    if n:
        random.Random(n).shuffle(events)
    for place, event in enumerate(events):
        if m % 2 == 0 or place % 3:
            await _heard(world, process, event)
    return bool(events)


async def _heard(world: World, process: Process, event: dict[str, Any]) -> None:
    status = await world.deliver(process, event)
    world.expect(status == 200, f"a signed event was answered with {status}")


async def forge(world: World, process: Process, n: int, _m: int) -> bool:
    """Somebody who does not know the secret says that an order was paid."""
    session = newest(await world.objects("checkout.session"), n)
    event = newest(await _events(world), n)
    if session is None or event is None:
        return False
    session |= {"status": "complete", "payment_status": "paid"}
    forged = event | {
        "id": f"evt_forged{n}",
        "type": "checkout.session.completed",
        "data": {"object": session},
    }
    status = await world.deliver(process, forged, "whsec_" + "guessed")
    world.expect(status == 400, f"a forged event was answered with {status}")
    return True


async def fault(world: World, _process: Process, n: int, m: int) -> bool:
    """The next calls go wrong, before or after they took effect."""
    match, kind, when = FAULTS[n % len(FAULTS)]
    wanted = {"match": match, "kind": kind, "when": when, "times": m % 3 + 1, "seconds": 0.02}
    await world.sandbox.store.write(lambda books: faults.order(books, wanted))
    return True


async def stripe_down(world: World, _process: Process, n: int, m: int) -> bool:
    """For some calls; the worker's next rounds use them up, or somebody mends it."""
    wanted = {"match": "* *", "kind": "503" if n % 2 else "reset", "times": 2 + 3 * m}
    await world.sandbox.store.write(lambda books: faults.order(books, wanted))
    return True


async def stripe_up(world: World, _process: Process, _n: int, _m: int) -> bool:
    await world.sandbox.store.write(faults.clear)
    return True


# Staff and the worker --------------------------------------------------------------------------------------------


async def refund(world: World, process: Process, n: int, m: int) -> bool:
    """Staff refund a part or all of an order, and the worker or the command sends it."""
    shop = process.shop
    order = await _order(world, n)
    if order is None:
        return False
    try:
        async with shop.database.writes() as session:
            locked = await lock_order(session, Order.id == order.id)
            assert locked is not None
            amount = (None, 100, order.total // 2)[m % 3]
            await ask_for_refund(session, locked, amount, restock=m == 0)
    except NotRefundable:
        return False
    if m < 3:
        await send_refunds(shop.database, shop.gateway, shop.settings)
    return True


async def count_stock(world: World, process: Process, n: int, m: int) -> bool:
    """Staff count what is in the house."""
    try:
        async with process.shop.database.writes() as session:
            sku = (await session.get_one(Variant, n % 2 + 1)).sku
            await set_on_hand(session, sku, m, f"counted:{world.ahead}:{len(world.log)}:{random.random()}")
    except (HeldBack, LookupError):
        # Open orders hold more; or it got another SKU this very moment.
        return False
    return True


async def work(world: World, process: Process, n: int, _m: int) -> bool:
    """One of the worker's jobs."""
    job = JOBS[n % len(JOBS)][1]
    try:
        await job(process.worker)
    except (PaymentProblem, Busy):
        return False
    return True


async def work_all(world: World, process: Process, _n: int, _m: int) -> bool:
    """A whole round of the worker."""
    for number in range(len(JOBS)):
        await work(world, process, number, 0)
    return True


async def reconcile(world: World, process: Process, _n: int, _m: int) -> bool:
    shop = process.shop
    try:
        await run_reconcile(shop.database, shop.gateway, shop.settings)
    except PaymentProblem:
        return False
    return True


async def restart(_world: World, process: Process, _n: int, _m: int) -> bool:
    await process.restart()
    return True


async def mail_down(world: World, process: Process, n: int, _m: int) -> bool:
    process.letters.down = n % 2 == 0
    return True


def _named(*group: Move) -> dict[str, Move]:
    return {one.__name__: one for one in group}


CART = _named(buy, bought, add, edit, place, code, change_goods, order_changed)
ORDER = _named(pay_again, cancel, reorder, look, turn_back)
CREDITS = _named(buy_credits, spend_credits)
PAGE = _named(pay, stray_payment, pay_delayed, authenticate, money_comes, page_expires)
NEWS = _named(come_back, deliver, deliver_rest, forge)
DASHBOARD = _named(dashboard_refund, refund_ends, refund_is_cancelled, dispute, dispute_goes_on)
STAFF = _named(refund, count_stock)
TROUBLE = _named(fault, stripe_down, stripe_up, mail_down, restart)
WORK = _named(work, work_all, reconcile)
MOVES = CART | ORDER | CREDITS | PAGE | NEWS | DASHBOARD | TROUBLE | STAFF | WORK
