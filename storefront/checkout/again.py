"""What a shopper can do with an order that stands: pay again, cancel it, put its things back into the cart."""

import time
from collections import OrderedDict
from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from storefront.cart import cookies
from storefront.cart.change import put_code_back
from storefront.cart.fill import fill_cart
from storefront.cart.limits import try_to_begin
from storefront.cart.queries import is_known
from storefront.checkout.limits import try_to_pay_again
from storefront.checkout.room import CheckoutRoom
from storefront.language import gettext as _
from storefront.language import later
from storefront.money import format_money
from storefront.orders.calloff import why_not
from storefront.orders.change import held_for_cart, is_unclear
from storefront.orders.models import AWAITING, OPEN_STATES, PENDING, Order
from storefront.orders.queries import OrderView, lines_of, lock_order, order_view
from storefront.payments.attempts import GoneMeanwhile, NotPayable, payment_page
from storefront.payments.calloff import CannotCallOff, call_off
from storefront.payments.errors import PaymentProblem
from storefront.payments.giveup import give_up
from storefront.payments.patience import FOR_A_LOOK, FOR_A_PAGE, answer_within
from storefront.payments.settle import settle
from storefront.web.answers import SECRET, html, known_count, leave_notice, redirect
from storefront.web.errors import Refused, not_found
from storefront.web.forms import read_form
from storefront.web.request import ShopRequest

LOOK_EVERY = 5.0
MOST_LOOKED_AT = 1000


class AgainController(Controller):
    @post("/orders/{token:str}/pay", status_code=200)
    async def pay(
        self, request: ShopRequest, token: FromPath[str], checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """To Stripe's page while the order can still be paid; 409 when its things are gone, 503 without Stripe."""
        await read_form(request)
        room = checkout_room
        view = await _find(room, token)
        order = view.order
        await try_to_pay_again(room.limits, request, order.id)
        try:
            with answer_within(FOR_A_PAGE):
                url = await payment_page(room.database, room.gateway, room.settings, order.id)
        except NotPayable:
            return redirect(request, f"/orders/{token}")
        except GoneMeanwhile:
            back = [{"label": _("Back to the order"), "url": f"/orders/{token}"}]
            text = _(
                "Some of these things can no longer be had, so the order cannot be paid. Nothing was charged."
            )
            raise Refused(409, _("These things are gone"), text, links=back) from None
        except PaymentProblem as problem:
            back = [{"label": _("Back to the order"), "url": f"/orders/{token}"}]
            text = _(problem.sentence.replace(", and your cart is kept", ""))
            if view.attempt is not None and view.attempt.session_id is not None:
                # It has a page, on which it may have been paid.
                text = _(
                    "Payment is unavailable at the moment, and we could not find out whether this order was paid. "
                    "If you have paid, please do not pay again; look at the order in a moment."
                )
            raise Refused(503, _("Payment is unavailable"), text, {"retry-after": "10"}, back) from None
        return redirect(request, url)

    @get("/orders/{token:str}/cancel")
    async def ask_to_cancel(
        self, request: ShopRequest, token: FromPath[str], checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """A paid order: what cancelling it means, and the button; 409 with the reason when it cannot be."""
        view = await _find(checkout_room, token)
        if view.order.state in OPEN_STATES or view.order.called_off_at is not None:
            return redirect(request, f"/orders/{token}")
        if reason := why_not(view):
            raise _not_cancelled(token, reason)
        content = checkout_room.templates.page(
            "orders/cancel.html",
            title=_("Cancel order %(number)s?", number=view.order.number),
            path="",
            noindex=True,
            count=known_count(request),
            url=f"/orders/{token}",
            refund=format_money(view.order.total, view.order.currency) if view.order.total else "",
        )
        return html(content, headers=SECRET)

    @post("/orders/{token:str}/cancel", status_code=200)
    async def cancel(
        self, request: ShopRequest, token: FromPath[str], checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """Give an open order up; a paid one is cancelled only from the page that says what that means."""
        typed = await read_form(request)
        room = checkout_room
        order = (await _find(room, token)).order
        if typed.get("paid") == "yes" and order.state not in OPEN_STATES:
            return await _call_off(request, room, token)
        notice: list[Cookie] = []
        if order.state in OPEN_STATES and not is_unclear(order):
            try:
                with answer_within(FOR_A_PAGE):
                    state = await give_up(
                        room.database, room.gateway, room.settings, order.id, later("by the shopper")
                    )
            except PaymentProblem:
                text = _(
                    "The order could not be cancelled just now, since the payment service does not answer."
                )
                back = [{"label": _("Back to the order"), "url": f"/orders/{token}"}]
                raise Refused(
                    503, _("Please try again in a moment"), text, {"retry-after": "10"}, back
                ) from None
            notice = [leave_notice(request, "given-up")] if state == "cancelled" else []
        return redirect(request, f"/orders/{token}", cookies=notice)

    @post("/orders/{token:str}/reorder", status_code=200)
    async def reorder(
        self, request: ShopRequest, token: FromPath[str], checkout_room: NamedDependency[CheckoutRoom]
    ) -> Response[Any]:
        """Have the asker's cart hold at least what the order held, as far as it can still be had; once more changes
        nothing."""
        await read_form(request)
        room = checkout_room
        order = (await _find(room, token)).order
        key, new = cookies.cart_key(request), cookies.new_token()
        async with room.database.reads() as session:
            lines = await lines_of(session, order.id)
            known = key is not None and await is_known(session, key)
        if not known:
            await try_to_begin(room.limits, request)
        async with room.database.stroke() as stroke:
            wanted = [(line.variant_id, line.quantity) for line in lines]
            filled = await fill_cart(stroke, key, cookies.hashed(new), wanted, held_for_cart)
            if order.promotion_id is not None and filled.put:
                mine = cookies.hashed(new) if filled.new_cart else key
                await put_code_back(stroke, mine, order.promotion_id)
        set_cookies = [leave_notice(request, filled.notice)]
        if filled.new_cart:
            set_cookies.append(cookies.cart_cookie(room.settings, new))
        if filled.put:
            set_cookies.append(cookies.count_cookie(request, filled.count))
        return redirect(request, "/cart", cookies=set_cookies)


async def _call_off(request: ShopRequest, room: CheckoutRoom, token: str) -> Response[Any]:
    try:
        async with room.database.writes() as session:
            order = await lock_order(session, Order.token == token)
            if order is None:
                raise not_found()
            new = await call_off(session, room.settings, order)
    except CannotCallOff as refused:
        raise _not_cancelled(token, str(refused)) from None
    notice = [leave_notice(request, "called-off")] if new else []
    return redirect(request, f"/orders/{token}", cookies=notice)


def _not_cancelled(token: str, reason: str) -> Refused:
    ways = [
        {"label": _("Back to the order"), "url": f"/orders/{token}"},
        {"label": _("Write to us"), "url": "/pages/contact"},
    ]
    return Refused(409, _("This order cannot be cancelled here"), reason, links=ways)


async def _find(room: CheckoutRoom, token: str) -> OrderView:
    async with room.database.reads() as session:
        view = await order_view(session, Order.token == token)
    if view is None:
        raise not_found()
    return view


class LookAgain:
    """Asks Stripe about an order whose page is open, at most every 5 seconds per order, so that a shopper who is
    back sees the payment even when no webhook arrives."""

    def __init__(self, room: CheckoutRoom) -> None:
        self._room = room
        self._looked: OrderedDict[int, float] = OrderedDict()

    async def __call__(self, view: OrderView) -> bool:
        """True when something changed, so that the page is to be read again."""
        order, attempt = view.order, view.attempt
        if order.state not in {PENDING, AWAITING} or attempt is None or attempt.session_id is None:
            return False
        last = self._looked.pop(order.id, None)
        started = time.monotonic()
        self._looked[order.id] = started if last is None or started - last >= LOOK_EVERY else last
        while len(self._looked) > MOST_LOOKED_AT:
            self._looked.popitem(last=False)
        if last is None or started - last < LOOK_EVERY or self._room.gateway.breaker.tripped:
            return False  # the first look is the return page's or the webhook's
        try:
            with answer_within(FOR_A_LOOK):
                facts = await self._room.gateway.session(attempt.session_id)
        except PaymentProblem:
            return False
        if facts.status == "open":
            return False
        async with self._room.database.writes() as session:
            settled = await settle(session, self._room.settings, facts)
        return settled.outcome != "unchanged"
