"""docs/payments.md names every fault's test, and no test that does not exist."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAPER = HERE.parent.parent / "docs" / "payments.md"
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.M)


def test_the_paper_names_every_fault() -> None:
    here = {name for file in HERE.glob("test_*.py") for name in TEST.findall(file.read_text("utf-8"))}
    here -= {"test_the_paper_names_every_fault"}
    named = set(re.findall(r"`(test_\w+)`", PAPER.read_text("utf-8")))
    assert here - named == set()
    assert named - here == set()
