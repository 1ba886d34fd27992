"""Having Hypothesis tell stories in a world on one database."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from storefront.database import migrate
from tests.conftest import new_database
from tests.model.machine import Story
from tests.model.world import World

MEMORY = Path("/dev/shm")
STEPS = 40


@contextmanager
def a_world(kind: str) -> Iterator[World]:
    """A world on a new database, "sqlite" or "postgresql"; files lie in memory where there is such a folder."""
    folder = Path(tempfile.mkdtemp(prefix="model-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        with new_database(kind, folder) as url:
            migrate(url, "head")
            world = World(url, folder)
            try:
                yield world
            finally:
                world.close()
    finally:
        shutil.rmtree(folder)


def tell(story: type[Story], *, stories: int, seed: int | None = None, **more: Any) -> None:
    """Have that many stories told, the same ones for the same seed and None. Raises what went wrong, with the
    shortest script that shows it."""
    chosen = settings(
        max_examples=stories,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=seed is None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(story if seed is None else seeded(seed)(story), settings=chosen)
