"""The account's balance (docs.stripe.com/api/balance): the sum of its balance transactions."""

from __future__ import annotations

from storefront.sandbox.books import Books, Obj


def retrieve(books: Books) -> Obj:
    """Everything is still pending: the sandbox pays nothing out."""
    rows = books.db.execute(
        "SELECT json_extract(body, '$.currency'), SUM(json_extract(body, '$.net')) FROM objects"
        " WHERE kind = 'balance_transaction' GROUP BY 1 ORDER BY 1"
    ).fetchall() or [("usd", 0)]
    none = [{"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency, _ in rows]
    pending = [{"amount": net, "currency": currency, "source_types": {"card": net}} for currency, net in rows]
    return {"object": "balance", "available": none, "livemode": False, "pending": pending}
