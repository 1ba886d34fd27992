"""The cart's addresses: page, fragment and plain form."""

import contextlib
from dataclasses import dataclass, replace
from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.cart import cookies, queries
from storefront.cart.change import (
    Changed,
    HeldForCart,
    NoCart,
    NoSuchThing,
    NotEnough,
    OverLimit,
    add_to_cart,
    set_quantity,
)
from storefront.cart.delivery import read_rates
from storefront.cart.fill import fill_cart
from storefront.cart.forms import MOST_ID, AddForm, ChangeForm
from storefront.cart.limits import try_to_begin
from storefront.cart.share import read_things, share_path, shared_context, shared_things
from storefront.cart.views import Message, Typed, cart_context, not_enough, with_own_order
from storefront.database import Database
from storefront.glance import Reader
from storefront.language import gettext as _
from storefront.promotions.offers import UsedByOthers
from storefront.settings import Settings
from storefront.web.answers import (
    SECRET,
    html,
    known_count,
    leave_notice,
    left_notice,
    no_notice,
    redirect,
)
from storefront.web.errors import Refused, not_found
from storefront.web.forms import parse, read_form
from storefront.web.limits import Limits
from storefront.web.request import ShopRequest
from storefront.web.templates import Templates


@dataclass(frozen=True)
class CartRoom:
    """What the cart's handlers work with; put together by the app."""

    settings: Settings
    database: Database
    templates: Templates
    limits: Limits
    held: HeldForCart
    used: UsedByOthers


class CartController(Controller):
    @get("/cart")
    async def page(self, request: ShopRequest, cart_room: NamedDependency[CartRoom]) -> Response[str | bytes]:
        return await show_cart(request, cart_room)

    @get("/cart/badge")
    async def badge(
        self, request: ShopRequest, cart_room: NamedDependency[CartRoom]
    ) -> Response[str | bytes]:
        count, cookie = await badge_count(request, cart_room.database)
        return html(
            cart_room.templates.badge(count),
            headers={"cache-control": "private, no-store"},
            cookies=[cookie] if cookie else (),
        )

    @get("/api/cart/count")
    async def count(
        self, request: ShopRequest, cart_room: NamedDependency[CartRoom]
    ) -> Response[dict[str, Any]]:
        cart = await queries.cart_by_key(cart_room.database.glance, cookies.cart_key(request))
        items = [{"sku": line.sku, "title": line.name, "quantity": line.quantity} for line in cart.lines]
        answer = Response({"count": cart.count, "items": items}, headers=dict(SECRET))
        if cart.id:
            answer.set_cookie(cookies.count_cookie(request, cart.count))
        return answer

    @get("/cart/shared/{things:str}")
    async def shared(
        self, request: ShopRequest, things: FromPath[str], cart_room: NamedDependency[CartRoom]
    ) -> Response[str | bytes]:
        """What somebody shares, as it is today. Looking changes nothing and leaves no cookie."""
        wanted = read_things(things)
        if wanted is None:
            raise not_found()
        reader, key = cart_room.database.glance, cookies.cart_key(request)
        found = await shared_things(reader, wanted)
        content = cart_room.templates.page(
            "cart/shared.html",
            title=_("A shared cart"),
            path="",
            noindex=True,
            count=await queries.count_by_key(reader, key) if key else 0,
            shared=shared_context(
                cart_room.templates, cart_room.settings.currency, wanted, found, f"/cart/shared/{things}"
            ),
        )
        return html(content, headers=SECRET)

    @post("/cart/shared/{things:str}", status_code=200)
    async def take_shared(
        self, request: ShopRequest, things: FromPath[str], cart_room: NamedDependency[CartRoom]
    ) -> Response[Any]:
        """Have the asker's cart hold at least what is shared, as far as it can be had; once more changes nothing."""
        await read_form(request)
        wanted, room = read_things(things), cart_room
        if wanted is None:
            raise not_found()
        key, new = cookies.cart_key(request), cookies.new_token()
        if key is None or not await queries.is_known(room.database.glance, key):
            await try_to_begin(room.limits, request)
        can_be_had = [
            (one.variant_id, one.can_be_had)
            for one in await shared_things(room.database.glance, wanted)
            if one.can_be_had
        ]
        async with room.database.stroke() as stroke:
            filled = await fill_cart(stroke, key, cookies.hashed(new), can_be_had, room.held)
        short = sum(wanted.values()) > sum(quantity for __, quantity in can_be_had)
        some = filled.put and (short or filled.missed)
        code = "shared-some" if some else f"shared-{filled.notice}"
        made = [cookies.cart_cookie(room.settings, new)] if filled.new_cart else []
        count = [cookies.count_cookie(request, filled.count)] if filled.put else []
        return redirect(request, "/cart", cookies=[leave_notice(request, code), *made, *count])

    @post("/cart/items", status_code=200)
    async def add(self, request: ShopRequest, cart_room: NamedDependency[CartRoom]) -> Response[Any]:
        entered = await read_form(request)
        form, wrong = parse(AddForm, {"variant_id": "", "quantity": "", **entered})
        if form is None:
            if "quantity" in wrong:
                return await show_cart(request, cart_room, 422, Message(wrong["quantity"]))
            if not entered.get("variant_id"):
                return await show_cart(request, cart_room, 422, Message(wrong["variant_id"]))
            raise not_found()
        token = cookies.new_token()
        try:
            done = await _add(request, cart_room, form, cookies.hashed(token))
        except NoSuchThing:
            raise not_found() from None
        except OverLimit as error:
            return await show_cart(request, cart_room, 422, Message(error.text))
        except NotEnough as error:
            return await show_cart(request, cart_room, 409, not_enough(error))
        made = [cookies.cart_cookie(cart_room.settings, token)] if done.new_cart else []
        return await _changed(request, cart_room, done, made, back="back" in entered)

    @post("/cart/items/{line_id:int}", status_code=200)
    async def change(
        self, request: ShopRequest, line_id: FromPath[int], cart_room: NamedDependency[CartRoom]
    ) -> Response[Any]:
        entered = await read_form(request)
        form, wrong = parse(
            ChangeForm, {"quantity": "", **entered} if "step" not in entered else {"step": entered["step"]}
        )
        if form is None:
            text = next(iter(wrong.values()))
            message = Message(text, line_id=line_id, entered=entered.get("quantity", "")[:12])
            return await show_cart(request, cart_room, 422, message)
        try:
            if line_id > MOST_ID:
                raise NoSuchThing
            async with cart_room.database.stroke() as stroke:
                key = cookies.cart_key(request)
                done = await set_quantity(stroke, key, line_id, form.quantity, form.step, cart_room.held)
        except NoSuchThing:
            if not request.wants_fragment:
                raise Refused(404, _("That is not in your cart any more")) from None
            return await show_cart(request, cart_room, 404, Message(_("That is not in your cart any more.")))
        except OverLimit as error:
            return await show_cart(request, cart_room, 422, Message(error.text, line_id=line_id))
        except NotEnough as error:
            return await show_cart(request, cart_room, 409, _at_line(not_enough(error), line_id, entered))
        return await _changed(request, cart_room, done)


async def _add(request: ShopRequest, room: CartRoom, form: AddForm, new_key: str) -> Changed:
    """Add to the asker's cart; only one that has to be made is counted, with no transaction open."""
    key, wanted = cookies.cart_key(request), (form.variant_id, form.quantity)
    if key is not None:
        with contextlib.suppress(NoCart):
            async with room.database.stroke() as stroke:
                return await add_to_cart(stroke, key, None, *wanted, room.held)
    await try_to_begin(room.limits, request)
    async with room.database.stroke() as stroke:
        return await add_to_cart(stroke, key, new_key, *wanted, room.held)


def _said(done: Changed) -> str:
    if done.quantity == 0:
        return _("%(name)s removed, %(count)s in cart", name=done.name, count=done.count)
    if done.quantity > done.before:
        return _("%(name)s added, %(count)s in cart", name=done.name, count=done.count)
    values = {"quantity": done.quantity, "name": done.name, "count": done.count}
    return _("%(quantity)s of %(name)s, %(count)s in cart", **values)


def _at_line(message: Message, line_id: int, entered: dict[str, str]) -> Message:
    typed = entered.get("quantity", "") if "step" not in entered else ""
    return replace(message, line_id=line_id, entered=typed[:12])


async def badge_count(
    request: ShopRequest, database: Database, *, fresh: bool = False
) -> tuple[int, Cookie | None]:
    """The badge's number: from the readable cookie without a query; where that is missing beside a cart, or `fresh`
    is asked for, from the database, with the cookie to set."""
    key = cookies.cart_key(request)
    if key is None:
        return 0, None
    known = known_count(request)
    if known is not None and not fresh:
        return known, None
    count = await queries.count_by_key(database.glance, key)
    return count, cookies.count_cookie(request, count)


async def _changed(
    request: ShopRequest,
    room: CartRoom,
    done: Changed,
    made: list[Cookie] | None = None,
    *,
    back: bool = False,
) -> Response[Any]:
    """After a change: 303 to the cart for a plain form, else the cart, the badge and what is said aloud. What was put
    `back` gets the focus."""
    removed = done.quantity == 0
    if not request.wants_fragment:
        set_cookies = [*(made or ()), cookies.count_cookie(request, done.count)]
        if removed:
            set_cookies.append(leave_notice(request, "removed", done.variant_id, done.before))
        return redirect(request, "/cart", cookies=set_cookies)
    undo = _undo(done.variant_id, done.name, done.before) if removed else None
    key = cookies.hashed(made[0].value or "") if made else cookies.cart_key(request)
    focus = done.variant_id if back else 0
    answer = await _cart_answer(request, room, key=key, removed=undo, announce=_said(done), focus=focus)
    for cookie in made or ():
        answer.set_cookie(cookie)
    answer.headers["hx-trigger"] = "cart:changed"
    return answer


async def show_cart(
    request: ShopRequest,
    room: CartRoom,
    status: int = 200,
    message: Message | None = None,
    *,
    typed: Typed | None = None,
    announce: str = "",
    focus_code: bool = False,
) -> Response[str | bytes]:
    """The cart as it truly is: asked for, or with what went wrong, of which `typed` is about its discount code."""
    return await _cart_answer(
        request,
        room,
        status,
        key=cookies.cart_key(request),
        message=message,
        typed=typed,
        announce=announce,
        focus_code=focus_code,
    )


async def _cart_answer(
    request: ShopRequest,
    room: CartRoom,
    status: int = 200,
    *,
    key: str | None,
    message: Message | None = None,
    removed: dict[str, Any] | None = None,
    typed: Typed | None = None,
    announce: str = "",
    focus: int = 0,
    focus_code: bool = False,
) -> Response[str | bytes]:
    notice = left_notice(request) if not request.wants_fragment else None
    reader = room.database.glance
    cart = await with_own_order(reader, await queries.cart_by_key(reader, key), room.held, room.used)
    rates = await read_rates(reader) if cart.lines else []
    if notice and notice[0] == "removed" and removed is None:
        removed = await _removed(reader, notice[1])
    context = cart_context(
        room.templates,
        room.settings.currency,
        cart,
        rates,
        message=message,
        removed=removed,
        typed=typed,
        focus=focus,
    )
    context |= {"share_url": share_path(cart), "focus_code": focus_code}
    lost = context["code"]["why_not"] if context["code"] else ""
    if announce and lost not in announce:
        announce = f"{announce}. {lost}"
    if request.wants_fragment:
        # There the field keeps what was typed by itself, and goes on doing so when the cart changes.
        context["typed"] = typed and replace(typed, code="")
        said = announce or (typed.error if typed else message.text if message else "")
        adding = request.scope["path"] == "/cart/items"
        content = room.templates.render(
            "cart/answer.html", cart=context, announce=said, badge_count=cart.count, adding=adding
        )
    else:
        content = room.templates.page(
            "cart/cart.html",
            title=_("Your cart"),
            description=_("What you have chosen, and what it costs with delivery."),
            path="/cart",
            noindex=True,
            error=message is not None or typed is not None,
            count=cart.count,
            notice=room.templates.notice(request) if not removed else None,
            cart=context,
        )
    set_cookies = [cookies.count_cookie(request, cart.count)] if cart.id else []
    if notice:
        set_cookies.append(no_notice(request))
    return html(content, status, headers=SECRET, cookies=set_cookies)


def _undo(variant_id: int, name: str, quantity: int) -> dict[str, Any]:
    return {"action": "/cart/items", "variant_id": variant_id, "title": name, "quantity": quantity}


async def _removed(reader: Reader, values: list[str]) -> dict[str, Any] | None:
    """The row that offers to take a removal back, from the notice that the removal left."""
    form, __ = parse(AddForm, dict(zip(("variant_id", "quantity"), values, strict=False)))
    name = await queries.variant_name(reader, form.variant_id) if form else None
    return _undo(form.variant_id, name, form.quantity) if form and name else None
