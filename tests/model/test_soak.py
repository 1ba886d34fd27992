"""A soak ends when its time is over, and when somebody ends it; what it made goes with it."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import POSTGRES
from tests.model.machine import Enough

ROOT = Path(__file__).resolve().parent.parent.parent
EXISTS = text("SELECT count(*) FROM pg_database WHERE datname = :name")


@contextmanager
def _soak(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A soak that has begun; gives its process and its database's name or file."""
    command = [sys.executable, "-m", "tests.model.soak", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = re.fullmatch(r"stories on (\S+)\n", process.stdout.readline())
            assert said is not None
            yield process, said[1]
        finally:
            process.kill()


async def _databases(name: str) -> int:
    engine = create_async_engine(f"{POSTGRES}/postgres")
    try:
        async with engine.connect() as connection:
            return int(await connection.scalar(EXISTS, {"name": name}) or 0)
    finally:
        await engine.dispose()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_soak_that_is_ended_drops_its_database(number: signal.Signals) -> None:
    with _soak("--minutes", "30", "--database", "postgresql") as (process, name):
        assert asyncio.run(_databases(name)) == 1
        process.send_signal(number)
        said, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    assert "nothing wrong" in said
    assert asyncio.run(_databases(name)) == 0


def test_a_soak_ends_with_the_story_in_which_its_time_is_over() -> None:
    with _soak("--minutes", "0.02") as (process, file):
        began = time.monotonic()
        said, _ = process.communicate(timeout=90)
    told = re.search(r"in (\d+) stories", said)
    assert told is not None
    assert 1 <= int(told[1]) < 20, f"{told[0]} in {time.monotonic() - began:.0f} s"
    assert not Path(file).exists()


def test_an_end_in_a_story_that_begins_as_another_is_no_fault() -> None:
    class Alike(RuleBasedStateMachine):
        told = 0

        @initialize()
        def begin(self) -> None:
            type(self).told += 1
            if self.told == 2:
                raise Enough

        @rule()
        def go_on(self) -> None:
            """Anything."""

    with pytest.raises(FlakyStrategyDefinition) as found:
        run_state_machine_as_test(Alike, settings=settings(database=None, max_examples=5))
    assert Enough.ended(found.value)
    assert not Enough.ended(ValueError("another"))
