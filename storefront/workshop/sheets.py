"""Sheets: a component in all its forms, one below the other."""

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from storefront.catalogue.pages import ShownCard, card_list
from storefront.web.fields import field_context
from storefront.web.templates import Templates
from storefront.workshop.samples import things

CITIES = (("", "Choose a city"), ("pdx", "Portland"), ("sea", "Seattle"))
LONG = "A very long label, as it may be in another language, that does not fit into one line of a telephone"


def _sheet(templates: Templates, title: str, parts: Iterable[tuple[str, str]]) -> str:
    shown = [{"title": name, "html": Markup(html)} for name, html in parts]  # noqa: S704 - the shop's templates made it
    return templates.page("gallery/sheet.html", title=title, path="/_gallery", parts=shown)


def type_and_buttons(templates: Templates, _currency: str) -> str:
    return _sheet(templates, "Type and buttons", [("", templates.render("gallery/buttons.html"))])


def fields(templates: Templates, _currency: str) -> str:
    def field(name: str, label: str, **more: Any) -> dict[str, Any]:
        known = {
            key: more.pop(key) for key in list(more) if key in {"value", "error", "type", "hint", "inputmode"}
        }
        return field_context(name, label, **known) | more

    forms = {
        "Empty": field("empty", "Full name"),
        "With a hint": field(
            "hint", "Phone number", type="tel", hint="Only for questions about this delivery."
        ),
        "Filled": field("filled", "Full name", value="Anna Larsson"),
        "Looks good": field("good", "Postal code", value="97201", ok=True),
        "With a mistake": field(
            "wrong", "E-mail address", value="anna@", error="Enter an e-mail address like anna@example.org."
        ),
        "Hint and mistake": field(
            "both",
            "Password",
            type="password",
            hint="At least 8 characters.",
            error="Choose a longer password.",
        ),
        "Optional": field("optional", "Company", required=False, optional_label="(optional)"),
        "Choice": field("choice", "City", type="select", options=CITIES, required=True),
        "Choice with a mistake": field(
            "choice_wrong", "City", type="select", options=CITIES, error="Choose a city."
        ),
        "Several lines": field("lines", "Note", type="textarea", value="Please ring twice.\nThank you."),
        "Long label": field("long", LONG, value="Anna"),
    }
    parts = [(name, templates.render("components/field.html", field=one)) for name, one in forms.items()]
    return _sheet(templates, "Fields", parts)


def notices(templates: Templates, _currency: str) -> str:
    undo = {"action": "/cart/items", "variant_id": 1, "quantity": 2, "label": "Undo"}
    said = {
        "info": ("Your cart is empty, so there is nothing to check out.", None),
        "success": ("Your password is changed.", None),
        "error": ("The shop did not answer. Nothing is lost.", None),
        "with a way back": ("Lavender soap is removed.", undo),
    }
    parts = []
    for name, (text, back) in said.items():
        notice = {"text": text, "kind": name if name in {"success", "error"} else "info", "undo": back}
        parts.append((name, templates.render("components/notice.html", notice=notice)))
    parts.append(
        (
            "answer to a fragment",
            templates.render("errors/notice.html", text="That was very often.", kind="error"),
        )
    )
    parts.append(("another language", templates.render("components/offer.html", url="/")))
    return _sheet(templates, "Notices", parts)


def badge(templates: Templates, _currency: str) -> str:
    return _sheet(templates, "Badge", [(str(count), templates.badge(count)) for count in (0, 1, 12, 345)])


def cards(templates: Templates, _currency: str) -> str:
    shown = card_list(templates, things.cards(), eager=2)
    listed = templates.render("components/cards.html", cards=shown, focus_first=False)
    return _sheet(templates, "Product cards", [("In every state", f'<ul class="cards">{listed}</ul>')])


def suggestions(templates: Templates, _currency: str) -> str:
    found = card_list(templates, things.cards()[:4])

    def opened(query: str, shown: list[ShownCard], count: str, instead: str = "", some: str = "") -> str:
        listed = templates.render(
            "catalogue/_suggestions.html",
            suggestions=shown,
            query=query,
            count_text=count,
            instead=instead,
            some=some,
        )
        return f'<div class="suggestions-shown">{listed}</div>'

    return _sheet(
        templates,
        "Suggestions",
        [
            ("found", opened("so", found, "4 suggestions")),
            ("instead", opened("saop", found, "4 suggestions", "soap")),
            ("some of the words", opened("mug candle", found, "4 suggestions", some="mug candle")),
            ("nothing", opened("umbrella", [], "Nothing found")),
        ],
    )


SHEETS = (
    ("buttons", "Type and buttons", type_and_buttons),
    ("fields", "Fields", fields),
    ("notices", "Notices", notices),
    ("badge", "Badge", badge),
    ("cards", "Product cards", cards),
    ("suggestions", "Suggestions", suggestions),
)
