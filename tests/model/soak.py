"""python -m tests.model.soak --minutes 10 --database sqlite: stories without end, each batch with a new seed.

The story that is told when the time is over, or when somebody presses Ctrl-C or sends SIGTERM, is the last one.
A violation is printed with the shortest script that shows it; `begin` and the moves of that script can be pasted
into tests/model/test_found.py. The seed that is printed tells the same stories again (--seed).
"""

import argparse
import random
import signal
import sys
import time
import traceback
from dataclasses import dataclass

from hypothesis.errors import FlakyStrategyDefinition
from sqlalchemy.engine import make_url

from tests.model.machine import Enough, story_in
from tests.model.telling import a_world, tell
from tests.model.world import World

BATCH = 20


@dataclass
class Asked:
    """Whether somebody asked for the end: the database is dropped then too. Who asks twice does not wait for it."""

    to_end: bool = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)

    def _end(self, number: int, _frame: object) -> None:
        self.to_end = True
        signal.signal(number, signal.SIG_DFL)


def soak(world: World, minutes: float, seed: int | None, asked: Asked) -> int:
    """Tell stories until the time is over or something is wrong; gives the exit code."""
    began, steps, stories = time.monotonic(), 0, 0

    def time_is_over() -> bool:
        return asked.to_end or time.monotonic() - began > minutes * 60

    while not time_is_over():
        chosen = random.getrandbits(32) if seed is None else seed
        story = story_in(world)
        if seed is None:
            # What was found wrong is told again until it is short, however long that takes.
            story.enough = lambda story=story: asked.to_end or (time_is_over() and not story.violations)
        try:
            tell(story, stories=BATCH, seed=chosen)
        except (Exception, Enough) as error:
            if Enough.ended(error) and not story.violations:
                steps, stories = steps + story.steps, stories + story.stories
                break
            if isinstance(error, FlakyStrategyDefinition) and not story.violations:
                # What two processes do in the same moment may go another way when it is told again.
                steps, stories = steps + story.steps, stories + story.stories
                continue
            traceback.print_exception(error)
            print(
                f"seed {chosen}, after {steps} steps; as it was met first:", *story.violations[:1], sep="\n"
            )
            return 1
        steps, stories = steps + story.steps, stories + story.stories
        if seed is not None:
            break
    seconds = time.monotonic() - began
    print(f"{steps} steps in {stories} stories, {steps / seconds:.0f} steps a second, nothing wrong")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, help="tell one batch again")
    chosen = parser.parse_args()
    asked = Asked()
    asked.listen()
    with a_world(chosen.database) as world:
        print(f"stories on {make_url(world.database.url).database}", flush=True)
        return soak(world, chosen.minutes, chosen.seed, asked)


if __name__ == "__main__":
    sys.exit(main())
