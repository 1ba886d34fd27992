"""python -m tests.model.soak --minutes 10 --database sqlite: stories without end, each batch with a new seed.

A violation is printed with the shortest script that shows it; `begin` and the moves of that script can be pasted
into tests/model/test_found.py. The seed that is printed tells the same stories again (--seed).
"""

import argparse
import random
import sys
import time
import traceback

from tests.model.machine import story_in
from tests.model.telling import a_world, tell
from tests.model.world import World

BATCH = 20


def soak(world: World, minutes: float, seed: int | None) -> int:
    """Tell stories until the time is over or something is wrong; gives the exit code."""
    began, steps, stories = time.monotonic(), 0, 0
    while time.monotonic() - began < minutes * 60:
        chosen = random.getrandbits(32) if seed is None else seed
        story = story_in(world)
        try:
            tell(story, stories=BATCH, seed=chosen)
        except Exception as error:
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
    with a_world(chosen.database) as world:
        return soak(world, chosen.minutes, chosen.seed)


if __name__ == "__main__":
    sys.exit(main())
