"""The real server is killed at every named step, started again, and the order comes to its one right end.

Steps are found in the sources by name: a new one is covered by itself, and one that no story passes is a failure.
Cases run a few at a time, since most of their time is spent on processes that start.
"""

import asyncio
import queue
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from storefront.database import move_clock
from tests.compiled import open_database
from tests.conftest import POSTGRES, admin, make_database
from tests.killed.case import Case, settings_for
from tests.killed.server import ShopServer, StripeServer
from tests.killed.steps import named_steps
from tests.killed.stories import EVERY, STORIES, Story
from tests.shop import free_port

# The SDK gives httpx its body in a way that httpx does not like any more.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

AT_ONCE = 3
STEPS = sorted(named_steps())

Lane = tuple[int, StripeServer]


@pytest.fixture(scope="module")
def lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator["queue.Queue[Lane]"]:
    """A sandbox Stripe each, with the port to which it sends its webhooks."""
    free: queue.Queue[Lane] = queue.Queue()
    with ExitStack() as stack:
        for number in range(AT_ONCE):
            port = free_port()
            stripe = StripeServer(tmp_path_factory.mktemp(f"lane{number}"), port)
            stack.callback(stripe.stop)
            free.put((port, stripe))
        # What is done here is done by another process's worker when leases of a minute have run out.
        move_clock(timedelta(minutes=2))
        stack.callback(move_clock, timedelta(0))
        yield free


@contextmanager
def _copy(kind: str, template: str | Path, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        shutil.copy(template, folder / "shop.db")
        yield f"sqlite+aiosqlite:///{folder / 'shop.db'}"
        return
    name = f"{template}_{folder.name}"
    make_database(name, f"TEMPLATE {template}")
    yield f"{POSTGRES}/{name}"
    admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _live(story: Story, step: str, shop: ShopServer, stripe: StripeServer, case: Case) -> bool:
    """Whether the process died at the step in this story, which then came to its end all the same."""
    await stripe.ready()
    stripe.forget()
    # Somebody has made a catalogue, or the demo's would be loaded.
    await case.thing()
    await shop.start(step)
    await story(case)
    await case.comes_to_rest()
    return shop.died


def _tell(
    kind: str, step: str, template: str | Path, folder: Path, story: Story, lanes: "queue.Queue[Lane]"
) -> bool:
    port, stripe = lane = lanes.get()
    with ExitStack() as stack:
        stack.callback(lanes.put, lane)
        url = stack.enter_context(_copy(kind, template, folder))
        shop = ShopServer(folder, port, url, stripe)
        stack.callback(shop.stop)

        async def work() -> bool:
            case = Case(shop, stripe, open_database(url, pool_size=2), settings_for(url, folder, stripe))
            try:
                return await _live(story, step, shop, stripe, case)
            finally:
                await case.close()

        return asyncio.run(work())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lanes: "queue.Queue[Lane]"
) -> Iterator[Callable[[str], Future[bool]]]:
    """The cases of one database that were asked for, running."""
    kind = request.param
    fixture = "sqlite_template" if kind == "sqlite" else "postgres_template"
    template = request.getfixturevalue(fixture)
    wanted = {
        str(item.callspec.params["step"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == "test_killed_at"
        and item.callspec.params["outcomes"] == kind
    }

    def dies(step: str) -> bool:
        """Whether it dies at the step in one of the stories that may pass it."""
        stories = STORIES.get(step.partition(":")[0], EVERY)
        new_folder = tmp_path_factory.mktemp
        return any(_tell(kind, step, template, new_folder(kind[:4]), story, lanes) for story in stories)

    steps, futures = sorted(wanted), dict[str, Future[bool]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def outcome(step: str) -> Future[bool]:
            # And those that are asked for next; the rest may be another process's of pytest.
            place = steps.index(step)
            for soon in steps[place : place + AT_ONCE]:
                if soon not in futures:
                    futures[soon] = pool.submit(dies, soon)
            return futures[step]

        yield outcome
        for future in futures.values():
            future.cancel()


@pytest.mark.parametrize("step", STEPS)
def test_killed_at(step: str, outcomes: Callable[[str], Future[bool]]) -> None:
    assert outcomes(step).result(), f"no story passes {step!r} ({named_steps()[step]})"
