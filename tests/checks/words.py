"""Whether every sentence of the shop is in shop.pot, and every language says all of them. `make words` brings the
files up to date: new sentences stand empty in each shop.po, to be translated; what nobody says any more goes."""

import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from storefront.web.environment import Kept

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "storefront" / "locales"
TEMPLATE = LOCALES / "shop.pot"
KEYWORDS = {"_": None, "gettext": None, "later": None, "ngettext": (1, 2)}
TEMPLATES = {"extensions": f"{Kept.__module__}.{Kept.__qualname__}", "silent": "false"}
OPTIONS = {"**.html": TEMPLATES, "**.txt": TEMPLATES}
NAMED = re.compile(r"%\(\w+\)s")
# Other people's pages, what runs in a terminal, developers' pages; and the owner is written to in the default language.
LEFT_OUT = ("storefront/sandbox/", "storefront/cli/", "storefront/workshop/")
OWNERS = re.compile(r"templates/emails/.*owner")


def said() -> Catalog:
    """Every sentence that code and templates mark."""
    found = Catalog(charset="utf-8")
    for folder, methods in (
        ("storefront", [("**.py", "python")]),
        ("templates", [("**.html", "jinja2"), ("**.txt", "jinja2")]),
    ):
        for name, _line, text, _comments, _context in extract_from_dir(
            str(ROOT / folder), methods, OPTIONS, keywords=KEYWORDS, directory_filter=lambda _: True
        ):
            path = f"{folder}/{name}"
            if not path.startswith(LEFT_OUT) and not OWNERS.match(path):
                found.add(text)
    return found


def kept(path: Path, locale: str | None = None) -> Catalog:
    if not path.exists():
        return Catalog(locale=locale, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def languages() -> list[Path]:
    return sorted(LOCALES.glob("*/LC_MESSAGES/shop.po"))


def problems() -> list[str]:
    """One line for each thing that is not as it should be."""
    now, template = said(), kept(TEMPLATE)
    found = [f"shop.pot lacks {_id(one)!r}" for one in now if one.id and one.id not in template]
    found += [
        f"shop.pot has {_id(one)!r}, which nobody says" for one in template if one.id and one.id not in now
    ]
    for path in languages():
        code = path.parent.parent.name
        catalogue = kept(path, code)
        for one in now:
            if one.id:
                found += [f"{code}: {what}: {_id(one)!r}" for what in _wrong(catalogue.get(one.id))]
    return found


def _id(message: Message) -> str:
    return str(message.id if isinstance(message.id, str) else message.id[0])


def _wrong(message: Message | None) -> list[str]:
    if message is None:
        return ["not there"]
    if message.fuzzy:
        return ["fuzzy"]
    forms = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    if not all(forms):
        return ["not translated"]
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    wanted, known = set(NAMED.findall(ids[-1])), {name for one in ids for name in NAMED.findall(one)}
    named = [set(NAMED.findall(str(form))) for form in forms]
    if any(not one <= known for one in named) or named[-1] != wanted:
        return ["other %(names)s than the English"]
    return []


def update() -> None:
    """Write what is said into shop.pot, and add it to each shop.po."""
    now = said()
    _write(TEMPLATE, now)
    for path in languages():
        code = path.parent.parent.name
        catalogue = kept(path, code)
        catalogue.update(now, no_fuzzy_matching=True)
        _write(path, catalogue)


def _write(path: Path, catalogue: Catalog) -> None:
    # Without places and dates, so that only words make a difference.
    catalogue.header_comment, catalogue._header_comment = "", ""
    with path.open("wb") as file:
        write_po(
            file,
            catalogue,
            no_location=True,
            omit_header=True,
            sort_output=True,
            ignore_obsolete=True,
            width=0,
        )


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    wrong = problems()
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    sys.exit(1 if wrong else 0)
