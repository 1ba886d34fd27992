"""What somebody does with an order afterwards: find it, cancel it, withdraw from it."""

from typing import Any

from storefront.accounts import views
from storefront.accounts.answers import form_context
from storefront.web.fields import field_context
from storefront.workshop.pages.kinds import Make, Pages

FACTS = [("Order", "SF-7Q4K2M"), ("Name", "Anna Larsson"), ("Received", "2 March 2026, 14:05 UTC")]
THINGS = [
    {"name": "line_1", "label": "2 × Lavender soap", "checked": True},
    {"name": "line_2", "label": "1 × Speckled mug, Oat white", "checked": False},
]


def after(template: str, title: str, **names: Any) -> Make:
    return lambda templates, _: templates.page(f"orders/{template}.html", title=title, path="", **names)


def lookup(error: str = "") -> Make:
    def make(templates: Any, currency: str) -> str:
        fields = [field_context("number", "Order number", error=error), views.email_field()]
        form = form_context("/orders/find", "Find the order", fields)
        return after("lookup", "Find your order", form=form)(templates, currency)

    return make


def withdraw(templates: Any, currency: str) -> str:
    form = form_context("/orders/sample/withdraw", "Go on", [field_context("name", "Full name")])
    names = {"form": form, "things": THINGS, "things_error": "", "number": "SF-7Q4K2M"}
    return after("withdraw", "Withdraw", **names, email_masked="a…a@example.org")(templates, currency)


CHECKED = {"action": "/orders/sample/withdraw", "facts": FACTS, "keep": {"name": "Anna"}, "key": "sample"}
PAGES: Pages = (
    ("after-lookup", "Find an order", lookup()),
    ("after-lookup-mistake", "Find an order: mistake", lookup("Enter the order number.")),
    ("after-lookup-sent", "Find an order: asked", after("lookup-sent", "Look into your mail")),
    (
        "after-cancel",
        "Cancel an order",
        after("cancel", "Cancel the order", url="/orders/sample", refund="$46.90"),
    ),
    ("after-withdraw", "Withdraw", withdraw),
    ("after-withdraw-check", "Withdraw: second look", after("withdraw-check", "Withdraw", **CHECKED)),
    ("after-withdrawn", "Withdrawn", after("withdrawn", "You have withdrawn", facts=FACTS)),
)
