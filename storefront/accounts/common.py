"""Passwords that somebody who guesses would try first.

A password is refused when it stands in a list of the commonest leaked ones (the list of zxcvbn), and when it is made
entirely of what such lists are full of: common words (common.txt, written for this shop), what the account and the
shop are called, runs on the keyboard or in the alphabet, repetitions, years; each also with a few digits or marks
around it and with digits for letters. docs/security.md says how much that covers. What kinds of characters there are
never matters.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from storefront.accounts.forms import SHORTEST

MOST_PIECES = 2
CUT_OFF_AT = 8
LONGEST_NUMBER = 10
LEET = str.maketrans("@431!0$57", "aaeiiosst")
RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "zaq1xsw2cde3vfr4",
    "!@#$%^&*()",
    "147258369",
    "159357",
    "159753",
    "789456123",
    "741852963",
    "987456321",
    "1029384756",
    "12qwaszx",
    "a1b2c3d4e5f6g7",
    "a1s2d3f4g5h6",
    "qpwoeiruty",
)
YEAR = re.compile(r"(?:19|20)\d\d")
LONGEST_UNIT = 4
AROUND = re.compile(r"^[\W\d_]{0,6}|[\W\d_]{0,6}$")


def too_common(password: str, *own: str) -> bool:
    """Whether `password` is among what is guessed first. `own` are words of the account and of the shop: its name,
    the e-mail address; their parts count as common words."""
    # NFKC: full-width letters are letters.
    text = unicodedata.normalize("NFKC", password).casefold()
    if (text.isdigit() and len(text) <= LONGEST_NUMBER) or text in _leaked():
        return True
    said = [word.casefold().replace("&", " and ") for word in own]
    parts = {part for word in said for part in re.split(r"[\W_]+", word) if len(part) > 2}
    more = frozenset(parts | {_squeezed(word) for word in said} - {""})
    return any(form in _leaked() or _made_of(form, more) for form in _forms(text))


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _forms(text: str) -> set[str]:
    """The text as it is, without a few digits and marks around it, and each with letters for digits."""
    bare = AROUND.sub("", text)
    front, back = re.sub(r"[\W\d_]{0,6}$", "", text), re.sub(r"^[\W\d_]{0,6}", "", text)
    forms = {text, bare, front, back}
    forms |= {form.translate(LEET) for form in forms}
    forms |= {form.replace("0", "o").replace("1", "l").replace("3", "e").replace("$", "s") for form in forms}
    # Marks inside may be letters or a run on the keyboard; or they mean nothing.
    bare_forms = {re.sub(r"[\s._-]+", "", form) for form in forms} | {_squeezed(form) for form in forms}
    return bare_forms - {""} or {text}


def _made_of(text: str, more: frozenset[str]) -> bool:
    """Whether at most two common pieces make up the whole text."""
    words = _words() | more
    reached = {0: 0}
    for start in range(len(text)):
        if start not in reached or reached[start] >= MOST_PIECES:
            continue
        for end in range(start + 1, len(text) + 1):
            if _is_piece(text[start:end], words):
                reached[end] = min(reached.get(end, MOST_PIECES), reached[start] + 1)
    return len(text) in reached


def _is_piece(piece: str, words: frozenset[str] | set[str]) -> bool:
    if piece in words:
        return True
    if len(piece) < 3:
        return False
    unit = _repeated(piece)
    if unit:
        return len(unit) < LONGEST_UNIT or unit in words or _is_run(unit) or unit.isdigit()
    return YEAR.fullmatch(piece) is not None or _is_run(piece)


def _repeated(piece: str) -> str:
    """The few letters that it repeats, at least once whole: of xyzxyzxy these are xyz. Empty when there are none."""
    lengths = range(1, min(LONGEST_UNIT, len(piece) // 2) + 1)
    return next((piece[:length] for length in lengths if piece[length:] == piece[:-length]), "")


def _is_run(piece: str) -> bool:
    return len(piece) > 2 and any(piece in run or piece in run[::-1] for run in RUNS)


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    lines = (Path(__file__).parent / "common.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    # Old systems kept eight letters, and lists are full of what they left.
    return frozenset(words | {word[:CUT_OFF_AT] for word in words})


@lru_cache(maxsize=1)
def _leaked() -> frozenset[str]:
    # Not at start: few processes are ever asked, and the package brings lists of other words along.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
