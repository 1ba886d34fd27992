"""Whoever spends credits from a program of their own needs the ledger and nothing else."""

import subprocess
import sys

PROGRAM = """
from sqlalchemy.orm import configure_mappers
from storefront.credits import ledger
from storefront.database import Base
configure_mappers()
Base.metadata.sorted_tables
assert callable(ledger.spend)
"""


def test_the_ledger_brings_the_tables_that_it_refers_to() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
