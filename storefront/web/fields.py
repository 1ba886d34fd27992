"""A field of a form as templates/components/field.html shows it."""

from typing import Any


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
