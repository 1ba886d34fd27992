"""Products, prices and coupons (docs.stripe.com/api/products, /prices, /coupons)."""

from __future__ import annotations

from typing import Any

from storefront.sandbox import lists
from storefront.sandbox.amounts import known_currency, possible_amount
from storefront.sandbox.books import Books, Obj
from storefront.sandbox.errors import refuse
from storefront.sandbox.events import emit
from storefront.sandbox.shapes import catalogue as shape


def create_product(books: Books, params: dict[str, Any]) -> Obj:
    """A product, with its default price when default_price_data is given."""
    if books.get("product", params.get("id", "")):
        raise refuse(f"Product already exists: {params['id']}", param="id", code="resource_already_exists")
    product = books.add(shape.product(params, created=books.now))
    if "default_price_data" in params:
        price = _store_price(books, params["default_price_data"], product["id"], "default_price_data")
        product["default_price"] = price["id"]
        books.save(product)
        emit(books, "product.created", product)
        emit(books, "price.created", price)
    else:
        emit(books, "product.created", product)
    return product


def update_product(books: Books, product_id: str, params: dict[str, Any]) -> Obj:
    """Changes what was given; empty values unset."""
    product = books.need("product", product_id, "id", status=404)
    if "default_price" in params:
        books.need("price", params["default_price"], "default_price")
    return _change(books, product, params, {"updated": books.now})


def delete_product(books: Books, product_id: str) -> Obj:
    """Only a product without prices can be deleted."""
    product = books.need("product", product_id, "id", status=404)
    if books.find("price", product=product_id):
        raise refuse("This product cannot be deleted because it has one or more user-created prices.")
    books.remove(product_id)
    emit(books, "product.deleted", product)
    return {"id": product_id, "object": "product", "deleted": True}


def list_products(books: Books, params: dict[str, Any]) -> Obj:
    """Newest first; filters: active, ids, shippable, type, url."""
    tests = lists.equal(params, "active", "shippable", "type", "url")
    if "ids" in params:
        tests.append((f"id IN ({', '.join('?' * len(params['ids']))})", params["ids"]))
    return lists.page(books, "product", params, "/v1/products", tests)


def create_price(books: Books, params: dict[str, Any]) -> Obj:
    """A price of a product that exists (`product`) or is made with it (`product_data`)."""
    if ("product" in params) == ("product_data" in params):
        raise refuse(
            "You must specify either `product` or `product_data` when creating a price.", param="product"
        )
    if "product" in params:
        product_id = books.need("product", params["product"], "product")["id"]
    else:
        product_id = create_product(books, params["product_data"])["id"]
    price = _store_price(books, params, product_id, "")
    emit(books, "price.created", price)
    return price


def update_price(books: Books, price_id: str, params: dict[str, Any]) -> Obj:
    """Changes active, lookup_key, metadata, nickname and tax_behavior; a price's amount never changes."""
    price = books.need("price", price_id, "price", status=404)
    params = {name: value for name, value in params.items() if name != "transfer_lookup_key"}
    return _change(books, price, params, {})


def list_prices(books: Books, params: dict[str, Any]) -> Obj:
    """Newest first; filters: active, currency, lookup_keys, product, type."""
    tests = lists.equal(params, "active", "currency", "product", "type")
    if "lookup_keys" in params:
        marks = ", ".join("?" * len(params["lookup_keys"]))
        tests.append((f"json_extract(body, '$.lookup_key') IN ({marks})", params["lookup_keys"]))
    return lists.page(books, "price", params, "/v1/prices", tests)


def inline_price(books: Books, data: dict[str, Any], name: str) -> tuple[Obj, Obj]:
    """The price and product of a line given by price_data. A product made this way is not active."""
    if ("product" in data) == ("product_data" in data):
        raise refuse(
            f"You must specify either `product` or `product_data` in {name}.", param=f"{name}[product]"
        )
    if "product" in data:
        product = books.need("product", data["product"], f"{name}[product]")
    else:
        product = books.add(shape.product(data["product_data"], created=books.now, active=False))
    return _store_price(books, data, product["id"], name, active=False), product


def create_coupon(books: Books, params: dict[str, Any]) -> Obj:
    """Either amount_off with its currency, or percent_off."""
    if ("amount_off" in params) == ("percent_off" in params):
        raise refuse("You must provide one of percent_off or amount_off when creating a coupon.")
    if "amount_off" in params:
        if "currency" not in params:
            raise refuse(
                "Must provide currency when passing amount_off", param="currency", code="parameter_missing"
            )
        known_currency(params["currency"], "currency")
        if params["amount_off"] < 1:
            raise refuse("Invalid positive integer", param="amount_off", code="parameter_invalid_integer")
    elif not 0 < params["percent_off"] <= 100:
        raise refuse("percent_off must be greater than 0 and at most 100.", param="percent_off")
    if books.get("coupon", params.get("id", "")):
        raise refuse("Coupon already exists.", param="id", code="resource_already_exists")
    coupon = books.add(shape.coupon(params, created=books.now))
    emit(books, "coupon.created", coupon)
    return coupon


def usable_coupon(books: Books, coupon_id: str, currency: str, param: str) -> Obj:
    """A coupon that can still be redeemed and is in this currency."""
    coupon = books.need("coupon", coupon_id, param)
    over = coupon["redeem_by"] is not None and coupon["redeem_by"] <= books.now
    if over or not coupon["valid"]:
        raise refuse(
            f"Coupon {coupon_id} is expired and cannot be applied.", param=param, code="coupon_expired"
        )
    if coupon["amount_off"] is not None and coupon["currency"] != currency:
        raise refuse(
            f"The coupon is in {coupon['currency']}, the Checkout Session in {currency}.", param=param
        )
    return coupon


def redeem(books: Books, coupon_id: str) -> None:
    """Counts a redemption; a coupon that reached max_redemptions is no longer valid."""
    coupon = books.get("coupon", coupon_id)
    if coupon is not None:
        coupon["times_redeemed"] += 1
        most = coupon["max_redemptions"]
        coupon["valid"] = most is None or coupon["times_redeemed"] < most
        books.save(coupon)


def merged_metadata(old: dict[str, str], given: Any) -> dict[str, str]:
    """docs.stripe.com/metadata: keys are merged, an empty value removes a key, "" removes all."""
    if given == "":
        return {}
    return {key: value for key, value in (old | given).items() if value}


def _store_price(
    books: Books, params: dict[str, Any], product_id: str, name: str, *, active: bool = True
) -> Obj:
    inside = f"{name}[%s]" if name else "%s"
    currency = known_currency(params["currency"], inside % "currency")
    if ("unit_amount" in params) == ("unit_amount_decimal" in params):
        raise refuse(
            f"You must specify either `unit_amount` or `unit_amount_decimal`{f' in {name}' if name else ''}.",
            param=inside % "unit_amount",
        )
    price = shape.price(params, product_id, created=books.now, active=active)
    if price["unit_amount"] is not None:
        possible_amount(price["unit_amount"], currency, inside % "unit_amount")
    elif price["unit_amount_decimal"].startswith("-"):
        possible_amount(-1, currency, inside % "unit_amount_decimal")
    return books.add(price)


def _change(books: Books, obj: Obj, params: dict[str, Any], also: Obj) -> Obj:
    changed = {
        name: merged_metadata(obj["metadata"], value) if name == "metadata" else _unset(obj, name, value)
        for name, value in params.items()
        if name != "expand"
    }
    changed = {name: value for name, value in changed.items() if obj.get(name) != value}
    if changed:
        previous = {name: obj.get(name) for name in changed | also}
        obj |= changed | also
        books.save(obj)
        emit(books, f"{obj['object']}.updated", obj, previous)
    return obj


def _unset(obj: Obj, name: str, value: Any) -> Any:
    if value != "":
        return value
    return [] if isinstance(obj.get(name), list) else None
