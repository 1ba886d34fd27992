"""A form and its fields as templates/accounts/_form.html and templates/components/field.html show them."""

from collections.abc import Mapping, Sequence
from typing import Any

Link = dict[str, str]


def field_context(
    name: str,
    label: str,
    *,
    value: str = "",
    error: str = "",
    type: str = "text",
    autocomplete: str = "",
    inputmode: str = "",
    hint: str = "",
) -> dict[str, Any]:
    """A field that has to be filled, looked at when the form is sent. `autocomplete` is the HTML standard's token."""
    return {
        "name": name,
        "id": name,
        "label": label,
        "value": value,
        "error": error,
        "ok": False,
        "hint": hint,
        "autocomplete": autocomplete,
        "inputmode": inputmode,
        "type": type,
        "required": True,
        "options": (),
        "optional_label": "",
        "check": None,
        "update_button": False,
    }


def form_context(
    action: str,
    button: str,
    fields: Sequence[Mapping[str, Any]],
    *,
    hidden: Mapping[str, str] | None = None,
    message: str = "",
    way_out: Link | None = None,
    more: Sequence[Link] = (),
    dangerous: bool = False,
) -> dict[str, Any]:
    """What `accounts/_form.html` is given. `more` are further buttons {label, action}; `message` is what is wrong with
    the whole form, `way_out` a link {label, url} at its end."""
    return {
        "action": action,
        "button": button,
        "fields": list(fields),
        "hidden": {name: value for name, value in (hidden or {}).items() if value},
        "message": message,
        "way_out": way_out,
        "errors": [{"href": f"#{one['id']}", "text": one["error"]} for one in fields if one["error"]],
        "more": list(more),
        "dangerous": dangerous,
    }
