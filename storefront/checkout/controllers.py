"""The checkout's addresses: the form, its single fields, placing the order, and coming back from Stripe."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from storefront.accounts.book import FIELDS as ADDRESS_FIELDS
from storefront.accounts.book import keep
from storefront.accounts.guards import signed_in
from storefront.accounts.mine import belongs_to
from storefront.cart import cookies
from storefront.cart.mend import take_what_is_left
from storefront.cart.views import can_be_paid
from storefront.checkout import billing, forms, views
from storefront.checkout.address import label_lines
from storefront.checkout.answers import (
    nothing_to_order,
    show_form,
    show_refusal,
    show_unavailable,
    sign_in_first,
)
from storefront.checkout.likely import MEANT
from storefront.checkout.limits import placed_nothing, try_to_place, try_to_return
from storefront.checkout.place import (
    CartChanged,
    CartEmpty,
    CreditsChanged,
    MustReplace,
    NeedsAccount,
    NotPayableAmount,
    TotalChanged,
    Wanted,
    place,
)
from storefront.checkout.room import Basket, CheckoutRoom, keep_draft, read_basket
from storefront.database import now
from storefront.language import gettext as _
from storefront.orders.change import held_for_cart
from storefront.orders.models import OPEN_STATES, Order
from storefront.orders.queries import token_of_session
from storefront.payments.attempts import GoneMeanwhile, NotPayable, payment_page
from storefront.payments.errors import InvalidRequest, PaymentProblem
from storefront.payments.giveup import PageClosed, close_page
from storefront.payments.later import send_link_to_finish
from storefront.payments.patience import FOR_A_PAGE, answer_within
from storefront.payments.settle import settle
from storefront.steps import step
from storefront.web.answers import SECRET, html, leave_notice, redirect
from storefront.web.errors import Refused, not_found
from storefront.web.forms import read_form
from storefront.web.request import ASKS_WHO, ShopRequest

# The fields on which others, or the total, depend.
WHOLE_FORM = frozenset({"country", "shipping_method", billing.OTHER, billing.COUNTRY})


class CheckoutController(Controller):
    opt = ASKS_WHO

    @get("/checkout")
    async def form(self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]) -> Response[Any]:
        basket = await read_basket(request, checkout_room)
        # Looking sets no cookie, so there is no notice: the cart says what it lacks.
        if not can_be_paid(basket.cart, basket.rates, checkout_room.settings.currency):
            return redirect(request, "/cart")
        if checkout_room.gateway.breaker.open:
            return await show_unavailable(request, checkout_room, basket, basket.draft)
        return show_form(request, checkout_room, basket, basket.draft)

    @post("/checkout/fields/{field:str}", status_code=200)
    async def field(
        self, request: ShopRequest, field: FromPath[str], checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        if field not in forms.FIELDS:
            raise not_found()
        typed = await read_form(request)
        if MEANT in typed:
            typed["email"] = typed[MEANT]
        basket = await read_basket(request, checkout_room)
        if not basket.cart.lines:
            return redirect(request, "/cart", cookies=[leave_notice(request, "empty")])
        checked = forms.check(typed, needs_delivery=basket.cart.needs_delivery, rates=basket.rates)
        await keep_draft(checkout_room, basket, forms.draft_of(typed))
        if not request.wants_fragment:
            return redirect(request, "/checkout")
        if field in WHOLE_FORM:
            # They change other fields or the total, so the whole form is answered.
            # What is there and wrong stays marked; with another country other rules begin.
            wrong = {} if field == "country" else checked.errors
            wrong = {name: text for name, text in wrong.items() if checked.typed.get(name)}
            return show_form(request, checkout_room, basket, checked.typed, errors=wrong, retarget=True)
        error = checked.errors.get(field, "")
        context = views.field_context(
            field, checked.typed, error, ok=not error and bool(checked.typed.get(field))
        )
        if MEANT in typed:
            context["focus"] = True
        return html(checkout_room.templates.render("components/field.html", field=context), headers=SECRET)

    @post("/checkout", status_code=200)
    async def submit(
        self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        room = checkout_room
        typed = await read_form(request)
        basket = await read_basket(request, room)
        if not basket.cart.lines:
            return await nothing_to_order(request, room, basket)
        if basket.cart.holds_credits and request.account_id is None:
            return await sign_in_first(request, room, basket, forms.draft_of(typed))
        checked = forms.check(typed, needs_delivery=basket.cart.needs_delivery, rates=basket.rates)
        if not basket.cart.can_check_out:
            return await show_refusal(request, room, basket, checked.typed, CartChanged(basket.cart))
        if checked.errors:
            await keep_draft(room, basket, forms.draft_of(typed))
            return show_form(request, room, basket, checked.typed, 422, errors=checked.errors)
        counted = await try_to_place(room.limits, request, basket.cart.id, checked.values["email"])
        began = now()
        with answer_within(FOR_A_PAGE):
            if not await room.gateway.answers():
                await keep_draft(room, basket, forms.draft_of(typed))
                return await show_unavailable(request, room, basket, checked.typed)
            try:
                order, as_asked = await _placed(room, basket.cart.id, _wanted(request, room, checked))
                step("place: committed")
                if order.placed_at < began:
                    await placed_nothing(room.limits, counted)
            except (CartEmpty, CartChanged, TotalChanged, CreditsChanged, NotPayableAmount) as refusal:
                return await show_refusal(request, room, basket, checked.typed, refusal)
            except NeedsAccount:
                return await sign_in_first(request, room, basket, forms.draft_of(typed))
            except PaymentProblem as problem:
                await keep_draft(room, basket, forms.draft_of(typed))
                return await show_unavailable(request, room, basket, checked.typed, problem)
            if not as_asked:
                return _show_order(request, order)
            return await _to_payment(request, room, basket, checked.typed, order)

    @post("/checkout/mend", status_code=200)
    async def mend(self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]) -> Response[Any]:
        """The shopper agrees to what is left of each thing; what was typed stays."""
        room = checkout_room
        typed = await read_form(request)
        basket = await read_basket(request, room)
        if not basket.cart.lines:
            return redirect(request, "/cart", cookies=[leave_notice(request, "empty")])
        await keep_draft(room, basket, forms.draft_of(typed))
        async with room.database.writes() as session:
            await take_what_is_left(session, basket.cart.id, held_for_cart)
        return redirect(request, "/checkout", cookies=[leave_notice(request, "mended")])

    @post("/checkout/address", status_code=200, guards=[signed_in])
    async def choose_address(
        self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """Put one of the account's addresses into the form; what else was typed stays."""
        number = (await read_form(request)).get("address_id", "")
        basket = await read_basket(request, checkout_room)
        chosen = next((one for one in basket.kept if str(one.id) == number), None)
        if chosen is None:
            raise not_found()
        others = {name: text for name, text in basket.draft.items() if name not in ADDRESS_FIELDS}
        await keep_draft(checkout_room, basket, others | chosen.fields)
        return redirect(request, "/checkout")

    @get("/checkout/return")
    async def come_back(
        self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """Ask Stripe, settle, show the order. While Stripe is silent the order page asks again by itself."""
        session_id = request.query_params.get("session_id", "")[:255]
        room = checkout_room
        async with room.database.reads() as session:
            token = await token_of_session(session, session_id) if session_id else None
        facts = None
        if session_id.startswith("cs_"):
            if token is None:
                # The shopper may be quicker than Stripe's answer about the page; nobody else has such an id.
                await try_to_return(room.limits, request)
            try:
                with answer_within(FOR_A_PAGE):
                    facts = await room.gateway.session(session_id)
            except InvalidRequest:
                facts = None
            except PaymentProblem:
                if token is None:
                    raise Refused(
                        503, _("The payment is being checked"), _("Please reload this page in a moment.")
                    ) from None
        if facts is not None:
            async with room.database.writes() as session:
                step("return: read from Stripe")
                settled = await settle(session, room.settings, facts)
                if settled.order_id is not None:
                    order = await session.get(Order, settled.order_id)
                    token = order.token if order else token
        if token is None:
            raise not_found()
        return redirect(request, f"/orders/{token}")

    @get("/checkout/cancel")
    async def turn_back(
        self, request: ShopRequest, checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """The shopper turned back on Stripe's page: the cart is as it was, the order may still be paid."""
        token = request.query_params.get("order", "")[:64]
        async with checkout_room.database.reads() as session:
            found = await session.scalar(select(Order.id).where(Order.token == token))
        if found is None:
            raise not_found()
        return redirect(request, "/cart", cookies=[leave_notice(request, "cancelled")])


def _wanted(request: ShopRequest, room: CheckoutRoom, checked: forms.Checked) -> Wanted:
    values = checked.values
    address = None
    if checked.needs_delivery:
        kept = ("name", "organization", "address_line1", "address_line2", "postal_code", "address_level1")
        parts = {
            name: values.get(name, "") for name in (*kept, "address_level2", "address_level3", "country")
        }
        address = {**parts, "lines": "\n".join(label_lines(values)), **billing.of_order(values)}
    return Wanted(
        email=values["email"],
        name=values["name"],
        tel=values.get("tel", ""),
        address=address,
        rate=checked.rate,
        note=values.get("note", ""),
        shown_total=checked.shown_total,
        shown_credits=checked.shown_credits,
        origin=room.settings.base_url or request.origin,
        draft=checked.typed,
        account_id=request.account_id,
    )


async def _placed(room: CheckoutRoom, cart_id: int, wanted: Wanted) -> tuple[Order, bool]:
    """The order, placed or found, and True. An open order about other things is closed at Stripe first, with no
    transaction open; if Stripe says that somebody went through with it there, that order is the answer, and False:
    whoever asked for something else must not be led to pay for it."""
    replacing: PageClosed | None = None
    for _try in range(4):
        try:
            async with room.turn(), room.database.writes() as session:
                order = await place(session, room.settings, cart_id, wanted, replacing=replacing)
                if wanted.account_id is not None:
                    await belongs_to(session, order, wanted.account_id)
                    if order.address:
                        # Of the form the telephone number, and the rest as the order has it.
                        await keep(session, wanted.account_id, wanted.draft | order.address)
                return order, True
        except MustReplace as other:
            replacing = await close_page(room.database, room.gateway, room.settings, other.order_id)
            if replacing is None:
                async with room.database.reads() as session:
                    return await session.get_one(Order, other.order_id), False
        except IntegrityError:
            # Two orders drew the same number, or the same cart was placed at the same moment: look again.
            continue
    raise Refused(503)


async def _to_payment(
    request: ShopRequest, room: CheckoutRoom, basket: Basket, values: dict[str, str], order: Order
) -> Response[Any]:
    if order.state not in OPEN_STATES:
        return _show_order(request, order)
    try:
        url = await payment_page(room.database, room.gateway, room.settings, order.id)
    except NotPayable:
        return _show_order(request, order)
    except GoneMeanwhile:
        return await show_refusal(request, room, await read_basket(request, room), values, GoneMeanwhile())
    except PaymentProblem as problem:
        await send_link_to_finish(room.database, room.settings, order.id)
        return await show_unavailable(request, room, basket, values, problem)
    return redirect(request, url, cookies=[cookies.forget_count(request)])


def _show_order(request: ShopRequest, order: Order) -> Response[Any]:
    return redirect(request, f"/orders/{order.token}", cookies=[cookies.forget_count(request)])
