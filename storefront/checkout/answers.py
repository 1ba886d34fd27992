"""What the checkout answers when no order comes of it: the form, with what went wrong and everything typed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import Response

from storefront.accounts.answers import with_next
from storefront.accounts.guards import SIGN_IN
from storefront.accounts.views import short_address
from storefront.cart import cookies
from storefront.cart.queries import Line
from storefront.checkout import views
from storefront.checkout.forms import UNREADABLE
from storefront.checkout.place import (
    CartChanged,
    CartEmpty,
    CreditsChanged,
    NotPayableAmount,
    TotalChanged,
)
from storefront.checkout.room import Basket, CheckoutRoom, keep_draft, read_basket
from storefront.database import now
from storefront.language import gettext as _
from storefront.language import ngettext
from storefront.money import format_money
from storefront.orders.queries import bought_from_cart, order_with_a_page
from storefront.payments.errors import PaymentProblem
from storefront.web.answers import NOTICE_COOKIE, SECRET, html, leave_notice, no_notice, redirect
from storefront.web.request import ShopRequest

# As long as a press on "Pay" may still mean the order that has emptied the cart.
JUST_BOUGHT = timedelta(hours=1)


async def show_refusal(
    request: ShopRequest, room: CheckoutRoom, basket: Basket, values: dict[str, str], refusal: Exception
) -> Response[Any]:
    """409: what the shopper saw is not so any more. The form again, with every input and the new total."""
    if isinstance(refusal, CartChanged):
        basket = replace(basket, cart=refusal.cart)
    elif isinstance(refusal, TotalChanged | CreditsChanged | CartEmpty):
        basket = await read_basket(request, room)
    if isinstance(refusal, CartEmpty) or not basket.cart.lines:
        return await nothing_to_order(request, room, basket)
    await keep_draft(room, basket, values)
    currency = room.settings.currency
    if isinstance(refusal, TotalChanged):
        shown, total = format_money(refusal.shown, currency), format_money(refusal.total, currency)
        text = _(
            "The total has changed from %(shown)s to %(total)s. Please check it and order again.",
            shown=shown,
            total=total,
        )
        if refusal.shown == UNREADABLE:
            text = _("The total is %(total)s. Please check it and order again.", total=total)
    elif isinstance(refusal, CreditsChanged):
        now_it_is = ngettext("%(n)s credit", "%(n)s credits", refusal.credits)
        text = _("Your cart now brings %(credits)s. Please check it and order again.", credits=now_it_is)
        if refusal.shown != UNREADABLE:
            text = _(
                "Your cart now brings %(credits)s; you were shown %(shown)s. Please check it and order again.",
                credits=now_it_is,
                shown=ngettext("%(n)s credit", "%(n)s credits", refusal.shown),
            )
    elif isinstance(refusal, NotPayableAmount):
        text = _("%(total)s cannot be paid by card. Please change your cart.", total=refusal.total)
    else:
        short = [line for line in basket.cart.lines if line.short]
        text = " ".join([*map(_lack, short), _("Please change your cart; nothing was ordered.")])
    return show_form(request, room, basket, values, 409, message={"text": text, "kind": "error"})


async def nothing_to_order(request: ShopRequest, room: CheckoutRoom, basket: Basket) -> Response[Any]:
    """To the order that has just emptied the cart, for a second press or another tab; else to the cart, which is
    empty."""
    async with room.database.reads() as session:
        token = await bought_from_cart(session, basket.cart.id, now() - JUST_BOUGHT)
    if token is not None:
        return redirect(request, f"/orders/{token}")
    return redirect(request, "/cart", cookies=[leave_notice(request, "empty")])


def _lack(line: Line) -> str:
    if not line.on_sale:
        return _("%(name)s: no longer available.", name=line.name)
    if line.gone:
        return _("%(name)s: sold out.", name=line.name)
    return _("%(name)s: only %(left)s left.", name=line.name, left=line.left)


async def sign_in_first(
    request: ShopRequest, room: CheckoutRoom, basket: Basket, values: dict[str, str]
) -> Response[Any]:
    """Credits go to an account: on to signing in or registering, and back here with everything that was typed."""
    await keep_draft(room, basket, values)
    why = leave_notice(request, "credits-need-account")
    return redirect(request, with_next(SIGN_IN, "/checkout"), cookies=[why])


def show_form(
    request: ShopRequest,
    room: CheckoutRoom,
    basket: Basket,
    values: dict[str, str],
    status: int = 200,
    *,
    errors: dict[str, str] | None = None,
    message: dict[str, Any] | None = None,
    unavailable: bool = False,
    earlier: dict[str, str] | None = None,
    retarget: bool = False,
) -> Response[Any]:
    context = views.checkout_context(
        room.templates,
        room.settings.currency,
        basket.cart,
        basket.rates,
        values,
        errors=errors,
        message=message,
        unavailable=unavailable,
        earlier=earlier,
        needs_account=basket.cart.holds_credits and request.account_id is None,
        summary=not retarget,
    )
    set_cookies = [cookies.count_cookie(request, basket.cart.count)]
    headers = dict(SECRET)
    if status == 503:
        headers["retry-after"] = "10"
    if request.wants_fragment:
        if retarget or status == 503:
            headers["hx-retarget"] = "#checkout-form"
        answer = "checkout/answer.html" if retarget else "checkout/refused.html"
        content = room.templates.render(answer, checkout=context)
    else:
        content = room.templates.page(
            "checkout/checkout.html",
            title=_("Checkout"),
            description=_("Where your order goes, how it gets there, and what it costs in all."),
            path="/checkout",
            noindex=True,
            error=bool(errors) or message is not None,
            count=basket.cart.count,
            notice=room.templates.notice(request),
            checkout=context,
            account=_account(basket),
        )
        if NOTICE_COOKIE in request.cookies:
            set_cookies.append(no_notice(request))
    return html(content, status, headers=headers, cookies=set_cookies)


def _account(basket: Basket) -> dict[str, Any] | None:
    """Who is signed in, and the addresses to choose from where there are several."""
    if not basket.email:
        return None
    kept = basket.kept if len(basket.kept) > 1 and basket.cart.needs_delivery else []
    return {
        "email": basket.email,
        "addresses": [{"id": one.id, "text": short_address(one.fields)} for one in kept],
    }


async def show_unavailable(
    request: ShopRequest,
    room: CheckoutRoom,
    basket: Basket,
    values: dict[str, str],
    problem: PaymentProblem | None = None,
) -> Response[Any]:
    """503. When the cart's order has a page already it may have been paid there, which only Stripe could say."""
    async with room.database.reads() as session:
        earlier = await order_with_a_page(session, basket.cart.id)
    text, way = _((problem or PaymentProblem()).sentence), None
    if earlier is not None:
        text = _(
            "Payment is unavailable at the moment, and we could not find out whether your order %(number)s was paid. "
            "Your cart is kept. If you have paid, please do not pay again; look at the order in a moment.",
            number=earlier.number,
        )
        way = {
            "text": _("See order %(number)s", number=earlier.number),
            "url": f"/orders/{earlier.token}",
        }
    message = {"text": text, "kind": "error"}
    return show_form(request, room, basket, values, 503, message=message, unavailable=True, earlier=way)
