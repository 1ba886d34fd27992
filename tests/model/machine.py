"""The state machine: any story that Hypothesis can think of, with the invariants looked at after every step."""

import asyncio
import functools
import traceback
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.killed.steps import named_steps
from tests.model import moves
from tests.model.rest import DAY, HOUR, MINUTE, at_any_moment, come_to_rest
from tests.model.world import World

Rule: TypeAlias = Callable[..., None]

NUMBER = st.integers(0, 8)
# The newest order, page or event is meant most often.
NEWEST = st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, 5, 8))
PROCESS = st.integers(0, 1)
PAUSES = (
    MINUTE,
    MINUTE,
    12 * MINUTE,
    12 * MINUTE,
    20 * MINUTE,
    46 * MINUTE,
    HOUR,
    25 * HOUR,
    5 * DAY,
    31 * DAY,
)
# What is worth doing in the same moment.
AT_ONCE = (
    "bought", "place", "change_goods", "pay_again", "cancel", "reorder", "edit", "pay", "pay_delayed", "money_comes",
    "page_expires", "come_back", "deliver", "deliver_rest", "look", "dashboard_refund", "refund", "count_stock",
    "work_all", "reconcile",
)  # fmt: skip
# By the first word of a step: what leads there.
WAYS = {
    "place": ("buy", "place"),
    "ask": ("buy", "place", "pay_again"),
    "replace": ("buy", "place"),
    "give up": ("cancel", "work_all"),
    "settle": ("come_back", "deliver_rest", "reconcile", "look", "cancel"),
    "return": ("come_back",),
    "inbox": ("deliver", "deliver_rest", "reconcile"),
    "refund": ("refund", "work_all"),
    "send": ("work_all",),
    "double": ("come_back", "deliver_rest", "reconcile", "look"),
    "late": ("come_back", "deliver_rest", "reconcile", "look"),
    "call off": ("cancel",),
    "refunds": ("deliver_rest", "work_all", "reconcile"),
    "disputes": ("deliver_rest", "reconcile"),
    "reconcile": ("reconcile",),
}
STEPS = tuple(sorted(named_steps()))


def _dying(step: str) -> Any:
    """A step, with one of the moves on whose way it lies."""
    room = step.partition(":")[0]
    return st.tuples(st.just(step), st.sampled_from(WAYS.get(room, tuple(moves.MOVES))))


def _noted(function: Rule) -> Rule:
    """Writes down what is called, so that a script can be told again."""

    @functools.wraps(function)
    def noted(story: "Story", **chosen: Any) -> None:
        values = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
        story.script.append(f"state.{function.__name__}({values})")
        function(story, **chosen)

    return noted


def step(**choices: Any) -> Callable[[Rule], Rule]:
    decorate: Any = rule(**choices)
    return lambda function: decorate(_noted(function))


def first(**choices: Any) -> Callable[[Rule], Rule]:
    decorate: Any = initialize(**choices)
    return lambda function: decorate(_noted(function))


class Enough(BaseException):
    """No further story is wanted. No Exception, which Hypothesis would tell again to make it shorter."""

    @classmethod
    def ended(cls, error: BaseException | None) -> bool:
        """Whether this is how Hypothesis was ended. Where the story began as another one did, it complains that the
        two do not go on in the same way, and that is what arrives."""
        return error is not None and (isinstance(error, cls) or cls.ended(error.__context__))


class Story(RuleBasedStateMachine):
    """Each rule is one step. `which` is the server process that a shopper or an event meets."""

    world: ClassVar[World]
    steps: ClassVar[int] = 0
    stories: ClassVar[int] = 0

    # The first violation that was met: Hypothesis shrinks what happens again, and what needs two processes in the
    # same moment may not.
    violations: ClassVar[list[str]] = []
    # Asked before each story: whether there have been enough of them.
    enough: ClassVar[Callable[[], bool]] = lambda: False

    def __init__(self) -> None:
        super().__init__()
        self.script: list[str] = []
        self.broken = False

    @first(move=st.sampled_from(("buy", "bought")), n=NUMBER, m=NUMBER)
    def begin(self, move: str, n: int, m: int) -> None:
        """Somebody has begun to buy something."""
        if type(self).enough():
            self.broken = True
            raise Enough
        type(self).stories += 1
        self.world.run(self.world.begin())
        self._do(move, 0, n, m)

    def _do(self, move: str, which: int, n: int, m: int) -> None:
        self._step(moves.MOVES[move](self.world, self.world.processes[which], n, m))

    def _step(self, work: Coroutine[Any, Any, object]) -> None:
        """One step, and the look at the invariants after it. Steps with nothing to do are not counted."""
        type(self).steps += self._run(work) is not False
        self._run(at_any_moment(self.world))

    def _run(self, work: Coroutine[Any, Any, object]) -> object:
        try:
            return self.world.run(work)
        except Exception as error:
            self.broken = True
            told = ["state = Story()", *self.script, "state.teardown()"]
            self.violations.append("\n".join([*traceback.format_exception(error), *told]))
            raise

    @step(move=st.sampled_from(("buy", "bought", "bought")), which=PROCESS, n=NUMBER, m=NUMBER)
    def shopper(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @step(
        move=st.sampled_from(("add", "edit", "place", "code", "change_goods", "order_changed")),
        which=PROCESS,
        n=NUMBER,
        m=NUMBER,
    )
    def cart(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @step(move=st.sampled_from(tuple(moves.ORDER)), which=PROCESS, n=NEWEST, m=NUMBER)
    def order(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @step(move=st.sampled_from((*moves.CREDITS, "order_changed")), which=PROCESS, n=NUMBER, m=NUMBER)
    def credits(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @precondition(lambda self: self.world.pages)
    @step(move=st.sampled_from(("pay", "pay", "pay_delayed", "pay_delayed", *moves.PAGE)), n=NEWEST, m=NUMBER)
    def on_the_page(self, move: str, n: int, m: int) -> None:
        self._do(move, 0, n, m)

    @precondition(lambda self: self.world.charged)
    @step(move=st.sampled_from(("deliver_rest", *moves.NEWS)), which=PROCESS, n=NEWEST, m=NUMBER)
    def news(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @precondition(lambda self: self.world.charged)
    @step(move=st.sampled_from(tuple(moves.DASHBOARD)), n=NEWEST, m=NUMBER)
    def dashboard(self, move: str, n: int, m: int) -> None:
        self._do(move, 0, n, m)

    @step(
        move=st.sampled_from(tuple(moves.TROUBLE)),
        which=PROCESS,
        n=st.integers(0, len(moves.FAULTS) - 1),
        m=NUMBER,
    )
    def trouble(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @precondition(lambda self: self.world.charged)
    @step(move=st.sampled_from(("refund", *moves.STAFF)), which=PROCESS, n=NEWEST, m=NUMBER)
    def staff(self, move: str, which: int, n: int, m: int) -> None:
        self._do(move, which, n, m)

    @step(move=st.sampled_from(tuple(moves.WORK)), which=PROCESS, n=NUMBER)
    def work(self, move: str, which: int, n: int) -> None:
        self._do(move, which, n, 0)

    @step(seconds=st.sampled_from(PAUSES))
    def wait(self, seconds: int) -> None:
        self._step(self.world.wait(seconds))

    @step(first=st.sampled_from(AT_ONCE), second=st.sampled_from(AT_ONCE), n=NEWEST, m=NUMBER)
    def at_once(self, first: str, second: str, n: int, m: int) -> None:
        """Two things in the same moment, one in each process."""
        world = self.world
        pairs = zip((first, second), world.processes, strict=True)
        world.alone = False
        self._step(_both(moves.MOVES[move](world, process, n, m) for move, process in pairs))
        world.alone = True

    @step(dying=st.sampled_from(STEPS).flatmap(_dying), n=NEWEST, m=NUMBER)
    def killed(self, dying: tuple[str, str], n: int, m: int) -> None:
        """The first process dies at a step in the middle of something, and starts again."""
        step, move = dying
        world = self.world
        self._step(world.dying_at(step, moves.MOVES[move](world, world.processes[0], n, m)))

    def teardown(self) -> None:
        if not self.broken:
            self._run(come_to_rest(self.world))


async def _both(work: Iterable[Coroutine[Any, Any, bool]]) -> bool:
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return any(done)


def story_in(world: World) -> type[Story]:
    """The machine on one database, with counts of its own."""
    return type("Story", (Story,), {"world": world, "steps": 0, "stories": 0, "violations": []})
