"""The cart's discount code: entered, and taken away again."""

from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency

from storefront.cart import cookies, queries
from storefront.cart.change import set_code
from storefront.cart.controllers import CartRoom, show_cart
from storefront.cart.limits import try_a_code, was_no_guess
from storefront.cart.views import Message, Typed, with_own_holds
from storefront.language import gettext as _
from storefront.money import format_money
from storefront.promotions.offers import as_code, find_offer, unknown, with_uses
from storefront.web.answers import redirect
from storefront.web.forms import read_form
from storefront.web.limits import TooOften
from storefront.web.request import ShopRequest

LONGEST = 40


class CodeController(Controller):
    @post("/cart/promotion", status_code=200)
    async def enter(self, request: ShopRequest, cart_room: NamedDependency[CartRoom]) -> Response[Any]:
        """Have the cart keep a code; one that does not count yet, for the cart comes to too little, is kept too."""
        room, currency = cart_room, cart_room.settings.currency
        text = (await read_form(request)).get("code", "")
        if not text:
            return await show_cart(request, room, 422, typed=Typed("", _("Enter a code.")))
        try:
            await try_a_code(room.limits, request)
        except TooOften as often:
            answer = await show_cart(request, room, 429, typed=Typed(text[:LONGEST], often.text or ""))
            answer.headers.update(often.headers or {})
            return answer
        reader, key = room.database.glance, cookies.cart_key(request)
        cart = await with_own_holds(reader, await queries.cart_by_key(reader, key), room.held)
        if not cart.lines:
            return await show_cart(request, room, 422, Message(_("Put something into the cart first.")))
        offer = await with_uses(reader, await find_offer(reader, text), cart.id, room.used)
        if offer is None or not offer.runs or offer.used_up:
            shown = text.upper()[:LONGEST]
            error = offer.why_not(cart.subtotal, currency) if offer else unknown(as_code(text) or shown)
            return await show_cart(request, room, 422, typed=Typed(text[:LONGEST], error))
        await was_no_guess(room.limits, request)
        async with room.database.stroke() as stroke:
            await set_code(stroke, key, offer.id)
        if not request.wants_fragment:
            return redirect(request, "/cart")
        off = offer.off(cart.subtotal, currency)
        said = _("%(code)s: %(amount)s off.", code=offer.code, amount=format_money(off, currency))
        said = offer.why_not(cart.subtotal, currency) or said
        return await _changed(request, room, said)

    @post("/cart/promotion/remove", status_code=200)
    async def remove(self, request: ShopRequest, cart_room: NamedDependency[CartRoom]) -> Response[Any]:
        """The cart without a code. Once more changes nothing."""
        await read_form(request)
        async with cart_room.database.stroke() as stroke:
            await set_code(stroke, cookies.cart_key(request), None)
        if not request.wants_fragment:
            return redirect(request, "/cart")
        return await _changed(request, cart_room, _("Code removed."))


async def _changed(request: ShopRequest, room: CartRoom, said: str) -> Response[Any]:
    answer = await show_cart(request, room, announce=said, focus_code=True)
    answer.headers["hx-trigger"] = "cart:changed"
    return answer
