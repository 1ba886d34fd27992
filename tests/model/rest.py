"""How every story must end: Stripe is up again, time passes, the worker goes round, and nothing is left open.

No webhook is needed for that, so those that were held back stay away.
"""

from sqlalchemy import select

from storefront.orders.models import PENDING, Order, PaymentAttempt
from storefront.orders.queries import LIVE_ATTEMPTS
from storefront.outbox.models import Message
from storefront.worker import JOBS, beat, clean_up
from tests.faults.invariants import Stripe, check, of_objects
from tests.model import moves
from tests.model.world import World

MINUTE, HOUR, DAY = 60, 3600, 86400
# Pages last 45 minutes; failed orders are kept 3 days; delayed payments and refunds take 4 days, and a refund that
# Stripe answers with a stored 500 is asked for again when its key is forgotten, after a day.
PAUSES = (0, HOUR, 4.5 * DAY, 4.5 * DAY, MINUTE)
NOTHING_TO_DO_WITH_IT = {beat, clean_up}


async def stripe_objects(world: World) -> Stripe:
    return of_objects([*await world.objects("checkout.session"), *await world.objects("refund")])


async def at_any_moment(world: World) -> None:
    """The invariants that hold after every step. Raises AssertionError."""
    wrong = world.errors()
    world.expect(not wrong, "\n".join(["the shop stumbled", *wrong]))
    await check(world.database, await stripe_objects(world), at_rest=False, changing=world.changing)


async def come_to_rest(world: World) -> None:
    """Let everything end, and look whether it ended well. Raises AssertionError."""
    process = world.processes[0]
    await moves.stripe_up(world, process, 0, 0)
    for one in world.processes:
        one.letters.down = False
    for pause in PAUSES:
        await world.wait(pause)
        for _, job in JOBS:
            if job not in NOTHING_TO_DO_WITH_IT:
                await job(process.worker)
    wrong = world.errors()
    world.expect(not wrong, "\n".join(["the shop stumbled", *wrong]))
    await check(world.database, await stripe_objects(world), changing=world.changing)
    await _nothing_is_open(world)


async def _nothing_is_open(world: World) -> None:
    async with world.database.reads() as session:
        live = select(PaymentAttempt.key).where(PaymentAttempt.state.in_(LIVE_ATTEMPTS))
        left = {
            "orders that still wait": list(
                await session.scalars(select(Order.number).where(Order.state == PENDING))
            ),
            "open attempts": list(await session.scalars(live)),
        }
        messages = list(await session.scalars(select(Message)))
    left["open pages"] = [
        one["id"] for one in await world.objects("checkout.session") if one["status"] == "open"
    ]
    left["messages that were not sent"] = [one.key for one in messages if one.sent_at is None]
    # A process that is killed between sending and marking sends once more, under the same Message-ID.
    left["messages that never went out"] = [one.key for one in messages if not world.sent[one.message_id]]
    twice = [one.key for one in messages if world.sent[one.message_id] > 1]
    left["messages that went out twice"] = [] if world.died else twice
    for what, found in left.items():
        world.expect(not found, f"at the end there are {what}: {found}")
