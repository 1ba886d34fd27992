"""The addresses that an account keeps: shown, written down, changed, chosen for a checkout. They stand here, since an
address is looked at by the checkout's own rules."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.accounts import book
from storefront.accounts.answers import form_context, go, show_form, show_page
from storefront.accounts.guards import signed_in, whoever
from storefront.accounts.room import AccountsRoom
from storefront.accounts.views import address_rows
from storefront.cart.delivery import Rate, read_rates
from storefront.checkout import forms, views
from storefront.checkout.address import label_lines
from storefront.language import gettext as _
from storefront.web.errors import not_found
from storefront.web.forms import read_form
from storefront.web.request import ShopRequest

BOOK = "/account/addresses"
NEW = f"{BOOK}/new"
MOST_ID = 2**31 - 1


class AddressController(Controller):
    guards = (signed_in,)

    @get(BOOK)
    async def all(self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]) -> Response[Any]:
        kept = await book.addresses(accounts_room.database.glance, whoever(request).account_id)
        rows = address_rows(kept, label_lines)
        return show_page(
            request, accounts_room, "accounts/addresses.html", _("Your addresses"), addresses=rows
        )

    @get(NEW)
    async def new(self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]) -> Response[Any]:
        return await _show(request, accounts_room, NEW, {})

    @post(NEW, status_code=200)
    async def add(self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]) -> Response[Any]:
        values, errors = await _checked(request, accounts_room)
        if errors:
            return await _show(request, accounts_room, NEW, values, 422, errors)
        async with accounts_room.database.writes() as session:
            await book.keep(session, whoever(request).account_id, values)
        return go(request, BOOK, "address-kept")

    @post(f"{NEW}/country", status_code=200)
    async def new_country(
        self, request: ShopRequest, accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """The form as the chosen country wants it, with what was typed."""
        return await _show(request, accounts_room, NEW, await read_form(request))

    @get(f"{BOOK}/{{address_id:int}}")
    async def one(
        self, request: ShopRequest, address_id: FromPath[int], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        kept = await _mine(request, accounts_room, address_id)
        return await _show(request, accounts_room, f"{BOOK}/{kept.id}", kept.fields)

    @post(f"{BOOK}/{{address_id:int}}", status_code=200)
    async def rewrite(
        self, request: ShopRequest, address_id: FromPath[int], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        kept = await _mine(request, accounts_room, address_id)
        values, errors = await _checked(request, accounts_room)
        if errors:
            return await _show(request, accounts_room, f"{BOOK}/{kept.id}", values, 422, errors)
        async with accounts_room.database.writes() as session:
            await book.rewrite(session, whoever(request).account_id, kept.id, values)
        return go(request, BOOK, "address-kept")

    @post(f"{BOOK}/{{address_id:int}}/country", status_code=200)
    async def country(
        self, request: ShopRequest, address_id: FromPath[int], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        kept = await _mine(request, accounts_room, address_id)
        return await _show(request, accounts_room, f"{BOOK}/{kept.id}", await read_form(request))

    @post(f"{BOOK}/{{address_id:int}}/first", status_code=200)
    async def first(
        self, request: ShopRequest, address_id: FromPath[int], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        """Have checkouts begin with this one."""
        await read_form(request)
        kept = await _mine(request, accounts_room, address_id)
        async with accounts_room.database.writes() as session:
            await book.keep(session, whoever(request).account_id, kept.fields)
        return go(request, BOOK)

    @post(f"{BOOK}/{{address_id:int}}/remove", status_code=200)
    async def remove(
        self, request: ShopRequest, address_id: FromPath[int], accounts_room: NamedDependency[AccountsRoom]
    ) -> Response[Any]:
        await read_form(request)
        kept = await _mine(request, accounts_room, address_id)
        async with accounts_room.database.writes() as session:
            await book.remove(session, whoever(request).account_id, kept.id)
        return go(request, BOOK, "address-removed")


async def _mine(request: ShopRequest, room: AccountsRoom, address_id: int) -> book.Kept:
    """The address, if it is the asker's; else it is as unknown as any."""
    if not 0 < address_id <= MOST_ID:
        raise not_found()
    kept = await book.address(room.database.glance, whoever(request).account_id, address_id)
    if kept is None:
        raise not_found()
    return kept


async def _checked(request: ShopRequest, room: AccountsRoom) -> tuple[dict[str, str], dict[str, str]]:
    """The values and the mistakes of an address form, by the checkout's rules. How it is delivered and where messages
    go is not asked here."""
    typed = await read_form(request)
    rates = await read_rates(room.database.glance)
    whole = {**typed, "email": whoever(request).email}
    checked = forms.check(whole, needs_delivery=True, rates=rates)
    errors = {name: text for name, text in checked.errors.items() if name in book.FIELDS}
    return (checked.typed if errors else checked.values), errors


async def _show(
    request: ShopRequest,
    room: AccountsRoom,
    action: str,
    values: Mapping[str, str],
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response[Any]:
    rates = await read_rates(room.database.glance)
    fields = _fields(values, errors or {}, rates, f"{action}/country")
    form = form_context(action, _("Keep this address"), fields)
    title = _("A new address") if action == NEW else _("Change this address")
    return show_form(request, room, title, form, status)


def _fields(
    values: Mapping[str, str], errors: Mapping[str, str], rates: list[Rate], country_url: str
) -> list[dict[str, Any]]:
    """The checkout's fields of an address, looked at when the form is sent; a country brings its own at once."""
    country = forms.chosen_country(values, rates)
    parts = forms.parts_for(country, needs_delivery=True)
    names = [
        name for name in (*parts.contact, *parts.address, *parts.more, *parts.company) if name in book.FIELDS
    ]
    fields = [views.field_context(name, values, errors.get(name, ""), rates=rates) for name in names]
    for field in fields:
        field["check"] = None
        if field["name"] == "country":
            field["check"] = {"url": country_url, "target": "#account-form", "sync": "closest form:replace"}
    return fields
