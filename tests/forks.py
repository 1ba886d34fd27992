"""Processes that are forked from one that has imported everything already, since most of a start is importing."""

import contextlib
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from storefront.settings import ROOT

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.warm"])
WITHIN = 60.0


@dataclass(frozen=True)
class Done:
    """What a process left: its exit code and what it said on each stream."""

    returncode: int
    stdout: str
    stderr: str


def storefront(*words: str, environment: dict[str, str], folder: Path = ROOT) -> Done:
    """What `storefront WORDS` does in a process of its own, with nothing else in its environment."""
    with tempfile.TemporaryDirectory() as place:
        process = processes.Process(target=_command, args=(words, environment, folder, Path(place)))
        process.start()
        process.join(WITHIN)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"storefront {' '.join(words)}")
        out, err = ((Path(place) / name).read_text() for name in ("out", "err"))
        return Done(process.exitcode or 0, out, err)


def _command(words: tuple[str, ...], environment: dict[str, str], folder: Path, place: Path) -> None:
    from storefront.cli import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["storefront", *words]
    with contextlib.suppress(BrokenPipeError):
        main()
