"""The checkout form as its templates show it: fields, choices, sums, and where each mistake is."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from storefront.cart.delivery import Rate, rates_for
from storefront.cart.queries import CartView, Line
from storefront.cart.views import code_context
from storefront.catalogue.pages import picture
from storefront.checkout import billing
from storefront.checkout.address import Rules, country_names, rules, with_article
from storefront.checkout.forms import FIELDS, billed_to, chosen_country, chosen_rate, deliverable, parts_for
from storefront.checkout.likely import meant_address
from storefront.language import gettext as _
from storefront.language import later, ngettext, spoken
from storefront.money import format_money
from storefront.web.templates import Templates

HINTS = {
    "tel": later("Only for questions about this delivery."),
    "vat_number": later("Stands on your order; the price stays the same."),
}
# Of which the form says little about whether they are right, so nothing praises them.
NOT_CHECKED = frozenset({"vat_number"})
OPTIONAL = frozenset({"tel", "organization", "vat_number", "address_line2", "address_level3", "note"}) | {
    billing.OTHER,
    f"{billing.PREFIX}organization",
}


def totals(
    cart: CartView, rates: Sequence[Rate], values: Mapping[str, str], currency: str
) -> tuple[Rate | None, int, int]:
    """The delivery that the form shows as chosen, its cost, and what there is to pay, in minor units. Where
    what was chosen is not offered to the country, the first that is; None if nothing is delivered."""
    rate = None
    if cart.needs_delivery:
        country = chosen_country(values, rates)
        offered = rates_for(rates, country) if country else []
        rate = chosen_rate(values, country, offered) or next(iter(offered), None)
    shipping = rate.cost(cart.subtotal) if rate else 0
    return rate, shipping, cart.subtotal - cart.discount(currency) + shipping


def checkout_context(
    templates: Templates,
    currency: str,
    cart: CartView,
    rates: Sequence[Rate],
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    ok: Collection[str] = (),
    message: Mapping[str, Any] | None = None,
    unavailable: bool = False,
    earlier: Mapping[str, str] | None = None,
    needs_account: bool = False,
    summary: bool = True,
) -> dict[str, Any]:
    """What `checkout/_form.html` is given. `values` and `errors` are those of forms.check, `ok` names the
    fields that get a tick, `message` is {text, kind}; with `unavailable` no form is shown, and `earlier` {text, url}
    leads to an order that may have been paid; with `needs_account` the
    form leads to signing in first; without `summary` mistakes stand at their fields alone."""
    errors = errors or {}
    country = chosen_country(values, rates) if cart.needs_delivery else ""
    bill_to = billed_to(values, country) if cart.needs_delivery else ""
    parts = parts_for(country, needs_delivery=cart.needs_delivery, bill_to=bill_to)
    if bill_to:
        values = {**values, billing.COUNTRY: bill_to}
    rate, shipping, total = totals(cart, rates, values, currency)
    discount = cart.discount(currency)
    fields = {
        name: field_context(name, values, errors.get(name, ""), name in ok, rates=rates)
        for name in parts.names
    }
    offered = rates_for(rates, country) if country else []
    return {
        "fields": fields,
        "contact": parts.contact,
        "address": parts.address,
        "address_more": parts.more,
        "address_more_label": _more_label(fields, parts.more),
        "address_more_open": _open(fields, parts.more),
        "company": parts.company,
        "company_open": _open(fields, parts.company),
        "billing": parts.billing,
        "methods": [_method(one, cart.subtotal, currency, rate) for one in offered],
        "errors": [
            {"href": f"#{name}", "text": text} for name, text in errors.items() if name in fields and summary
        ],
        "message": message,
        "lines": [_line(templates, line, currency) for line in cart.lines],
        "count_text": ngettext("%(n)s item", "%(n)s items", cart.count),
        "orderable": cart.can_check_out,
        "mend": _mend(cart),
        "subtotal_text": format_money(cart.subtotal, currency),
        "code": code_context(cart, currency),
        "discount_text": format_money(-discount, currency) if discount else "",
        "delivery_text": _cost_text(shipping, currency) if rate else "",
        "total_text": format_money(total, currency),
        "shown_total": total,
        "shown_credits": cart.credits,
        "credits_text": ngettext("%(n)s credit", "%(n)s credits", cart.credits) if cart.holds_credits else "",
        "currency": currency,
        "button": _("Sign in or register to go on") if needs_account else _button(total, currency),
        "needs_account": needs_account,
        "unavailable": unavailable,
        "earlier": earlier,
        "terms_url": "/pages/terms",
        "returns_url": "/pages/returns",
    }


def field_context(
    name: str,
    values: Mapping[str, str],
    error: str = "",
    ok: bool = False,
    *,
    rates: Sequence[Rate] | None = None,
) -> dict[str, Any]:
    """What `components/field.html` is given for one field of the form that holds `values`. Without `rates` the
    country is taken as it was chosen. Raises KeyError for a name that no checkout form has."""
    field = FIELDS[name]
    if name.startswith(billing.PREFIX) and name != billing.OTHER:
        return _billing_context(name, values, error, ok)
    country = values.get("country", "") if rates is None else chosen_country(values, rates)
    found = rules(country, values.get("address_level1", "")) if country in country_names() else None
    own = found if found and name in found.fields else None
    required = name in own.required if own else name not in OPTIONAL
    context = {
        "name": name,
        "id": name,
        "label": own.labels[name] if own else field.label,
        "value": values.get(name, ""),
        "error": error,
        "ok": ok and not error and name not in NOT_CHECKED,
        "hint": _(HINTS[name]) if name in HINTS else "",
        "autocomplete": field.autocomplete,
        "inputmode": field.inputmode,
        "type": field.type,
        "required": required,
        "options": (),
        "optional_label": "" if required else _("(optional)"),
        "check": _check(name),
        "update_button": name in {"country", billing.OTHER},
    }
    if name == "email" and not error:
        context["meant"] = meant_address(values.get(name, ""))
        context["ok"] = context["ok"] and not context["meant"]
    if name == "country":
        context |= {"value": country, "options": _countries(country, rates)}
    elif own and name == "address_level1" and own.areas:
        context |= {
            "value": own.area,
            "type": "select",
            "options": (("", _("Choose %(noun)s", noun=with_article(own.nouns[name]))), *own.areas),
        }
    elif own and name == "postal_code" and own.numeric:
        context["inputmode"] = "numeric"
    elif own and name == "address_line1" and not _names_a_city(own):
        context["hint"] = _("With the city or town.")
    return context


def _billing_context(name: str, values: Mapping[str, str], error: str, ok: bool) -> dict[str, Any]:
    """The same field as the delivery address has it, under the name of the billing address's."""
    plain = name.removeprefix(billing.PREFIX)
    context = field_context(plain, billing.plain(values), error, ok)
    return context | {
        "name": name,
        "id": name,
        "hint": "",
        "autocomplete": FIELDS[name].autocomplete,
        "check": _check(name),
        "update_button": name == billing.COUNTRY,
    }


def _check(name: str) -> dict[str, str]:
    if name in {"country", billing.OTHER, billing.COUNTRY}:
        url = f"/checkout/fields/{name}"
        return {"url": url, "target": "#checkout-form", "sync": "closest form:replace"}
    return {"url": f"/checkout/fields/{name}", "target": f"#field-{name}", "sync": "this:replace"}


def _names_a_city(own: Rules) -> bool:
    # Japan and the Emirates have no field of its own for the city; Singapore and Gibraltar need none.
    return "address_level2" in own.fields or "address_level1" not in own.fields


def _countries(chosen: str, rates: Sequence[Rate] | None) -> tuple[tuple[str, str], ...]:
    offered = tuple(country_names().items()) if rates is None else _offered(tuple(rates), spoken().code)
    return offered if chosen else (("", _("Choose a country")), *offered)


# Rates seldom change, and a shop that delivers everywhere has 250 countries.
@lru_cache(maxsize=8)
def _offered(rates: tuple[Rate, ...], _language: str) -> tuple[tuple[str, str], ...]:
    return tuple(deliverable(rates))


def _open(fields: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    """Why a fold with these fields is open: something in it is "wrong" or "filled"; "" for a closed one."""
    if any(fields[name]["error"] for name in names):
        return "wrong"
    return "filled" if any(fields[name]["value"] for name in names) else ""


def _more_label(fields: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    labels = [str(fields[name]["label"]) for name in names]
    return _("Add %(parts)s", parts=", ".join(map(_inside, labels)))


def _inside(label: str) -> str:
    """A field's label within a sentence: German nouns keep their capitals."""
    return label if spoken().code == "de" else label[0].lower() + label[1:]


def _method(rate: Rate, subtotal: int, currency: str, chosen: Rate | None) -> dict[str, Any]:
    return {
        "code": rate.code,
        "title": _(rate.title),
        "detail": _(rate.detail),
        "price": _cost_text(rate.cost(subtotal), currency),
        "checked": rate is chosen,
    }


def _mend(cart: CartView) -> str:
    """The button that agrees to what is left, where there is something left to go on with."""
    if cart.can_check_out or all(line.gone for line in cart.lines):
        return ""
    if any(line.short and not line.gone for line in cart.lines):
        return _("Take what is left")
    return ngettext("Go on without it", "Go on without them", sum(line.gone for line in cart.lines))


def _line(templates: Templates, line: Line, currency: str) -> dict[str, Any]:
    total = format_money(line.total, currency)
    if line.gone:
        total = _("Sold out") if line.on_sale else _("No longer available")
    return {
        "title": line.title,
        "variant_title": line.variant_title,
        "quantity": line.quantity,
        "total": total,
        "image": picture(templates, line.image),
    }


def _cost_text(cost: int, currency: str) -> str:
    return format_money(cost, currency) if cost else _("Free")


def _button(total: int, currency: str) -> str:
    # Directive 2011/83/EU, article 8(2): the button itself says that the order has to be paid for.
    if not total:
        return _("Place order")
    return _("Pay %(amount)s now — order with obligation to pay", amount=format_money(total, currency))
