"""The tools, of fixed versions, fetched by npm when they are first used."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIGHTHOUSE = "lighthouse@12.8.2"
NU = "vnu-jar@26.9.27"
STYLELINT = ("stylelint@16.26.1", "stylelint-config-standard@39.0.1")


def needed() -> None:
    """Ends with one line when something is not on this machine."""
    for command, what in {"npm": "Node 20 or newer with npm", "java": "Java 11 or newer"}.items():
        if shutil.which(command) is None:
            sys.exit(f"There is no {command} here: the audit needs {what}.")


def run(packages: tuple[str, ...], *words: str, folder: Path, within: float = 240, **more: str) -> str:
    """What a tool prints on both streams; `more` are variables of its environment. Tools that found something end with
    a number, so that is no error here."""
    chosen = [word for package in packages for word in ("--package", package)]
    done = subprocess.run(
        ["npm", "exec", "--yes", *chosen, "--", *words],
        cwd=folder,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=within,
    )
    return done.stdout + "\n".join(
        line for line in done.stderr.splitlines() if not line.startswith("npm warn")
    )
