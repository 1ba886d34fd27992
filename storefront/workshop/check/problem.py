"""A mistake that a check found."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """`file` is below the folder that was checked; `help` says what to do about it."""

    file: str
    line: int
    text: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}{f' {self.help}' if self.help else ''}"
