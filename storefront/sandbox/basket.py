"""What is sold in a session: its lines, its discount, its shipping options."""

from __future__ import annotations

from typing import Any

from storefront.sandbox import catalogue
from storefront.sandbox.amounts import known_currency, line_amount, possible_amount
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse
from storefront.sandbox.shapes import sessions as shape


def line(books: Books, asked: dict[str, Any], name: str) -> Obj:
    """One of line_items, by price or by price_data; `name` is what errors call it."""
    if ("price" in asked) == ("price_data" in asked):
        raise refuse(f"You must specify exactly one of price and price_data in {name}.", param=name)
    quantity = asked.get("quantity", 0)
    if quantity < 1:
        raise refuse(
            "This value must be greater than or equal to 1.",
            param=f"{name}[quantity]",
            code="parameter_invalid_integer" if "quantity" in asked else "parameter_missing",
        )
    if "price" in asked:
        price = books.need("price", asked["price"], f"{name}[price]")
        product = books.need("product", price["product"], f"{name}[price]")
        if not price["active"] or not product["active"]:
            raise refuse(
                "The price specified is inactive. This field only accepts active prices.", param=name
            )
        if price["type"] == "recurring":
            raise refuse("You specified `payment` mode but passed a recurring price.", param=name)
    else:
        price, product = catalogue.inline_price(books, asked["price_data"], f"{name}[price_data]")
    subtotal = line_amount(price, quantity)
    shown = shape.line_item(price, description=product["name"], quantity=quantity, subtotal=subtotal)
    return shown | {"metadata": asked.get("metadata", {})}


def one_currency(lines: list[Obj], params: dict[str, Any]) -> str:
    """The currency that all lines share."""
    currencies = {line["currency"] for line in lines}
    if "currency" in params:
        currencies.add(known_currency(params["currency"], "currency"))
    if len(currencies) > 1:
        raise refuse("All line items must be in the same currency.", param="line_items")
    return str(currencies.pop())


def discount(books: Books, params: dict[str, Any], session: Obj) -> Obj | None:
    """The coupon that was asked for, noted on the session."""
    discounts = params.get("discounts", [])
    if len(discounts) > 1:
        raise refuse("You may only specify one discount.", param="discounts")
    for asked in discounts:
        if "promotion_code" in asked:
            code = asked["promotion_code"]
            raise refuse(f"No such promotion code: '{code}'", param="discounts", code="resource_missing")
        if "coupon" in asked:
            param = "discounts[0][coupon]"
            coupon = catalogue.usable_coupon(books, asked["coupon"], session["currency"], param)
            session["discounts"] = [{"coupon": coupon["id"], "promotion_code": None}]
            return coupon
    return None


def shipping(books: Books, params: dict[str, Any], session: Obj) -> int:
    """The cost of the first shipping option, in minor units; all of them are noted on the session."""
    for index, option in enumerate(params.get("shipping_options", [])):
        name = f"shipping_options[{index}]"
        if "shipping_rate" in option:
            rate = books.need("shipping_rate", option["shipping_rate"], f"{name}[shipping_rate]")
        else:
            rate = _new_rate(books, option.get("shipping_rate_data", {}), f"{name}[shipping_rate_data]")
        amount, currency = rate["fixed_amount"]["amount"], rate["fixed_amount"]["currency"]
        if currency != session["currency"]:
            raise refuse("Shipping rates must be in the currency of the Checkout Session.", param=name)
        session["shipping_options"].append({"shipping_amount": amount, "shipping_rate": rate["id"]})
    if not session["shipping_options"]:
        return 0
    _take_shipping(session, session["shipping_options"][0])
    return int(session["shipping_cost"]["amount_total"])


def choose_shipping(books: Books, session: Obj, rate_id: str) -> None:
    """The shopper takes another of the offered shipping options; the total follows."""
    for option in session["shipping_options"]:
        if option["shipping_rate"] == rate_id:
            _take_shipping(session, option)
            before, total = session["total_details"]["amount_shipping"], option["shipping_amount"]
            session["amount_total"] += total - before
            session["total_details"]["amount_shipping"] = total
            return
    raise refuse("This shipping option is not offered.", param="shipping_rate")


def _new_rate(books: Books, data: dict[str, Any], name: str) -> Obj:
    if "fixed_amount" not in data:
        missing = f"{name}[fixed_amount]"
        raise refuse(f"Missing required param: {missing}.", param=missing, code="parameter_missing")
    currency = known_currency(data["fixed_amount"]["currency"], f"{name}[fixed_amount][currency]")
    possible_amount(data["fixed_amount"]["amount"], currency, f"{name}[fixed_amount][amount]")
    return books.add(shape.shipping_rate(data, created=books.now))


def _take_shipping(session: Obj, option: Obj) -> None:
    amount = option["shipping_amount"]
    session["shipping_cost"] = {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount}
    session["shipping_cost"]["shipping_rate"] = option["shipping_rate"]
