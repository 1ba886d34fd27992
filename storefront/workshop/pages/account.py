"""The account's pages and the back office."""

from collections.abc import Callable
from typing import Any

from storefront.accounts import views
from storefront.accounts.answers import form_context
from storefront.accounts.credits import entry_rows
from storefront.credits.queries import Entry
from storefront.workshop.pages.kinds import Make, Pages
from storefront.workshop.samples import orders

DETAILS = {
    "email": "anna@example.org",
    "verified": True,
    "claimable": 0,
    "addresses": 2,
    "credits": "120",
    "sessions": 2,
    "second_factor": True,
    "recovery_codes": 8,
    "staff": False,
}
NEW = {
    "verified": False,
    "orders": [],
    "claimable": 2,
    "addresses": 0,
    "sessions": 1,
    "second_factor": False,
}
KEPT = [
    {"id": n, "lines": ["Anna Larsson", street, "Portland, OR 97201"], "first": n == 1}
    for n, street in enumerate(("12 Mill Lane", "3 Harbour Street"), 1)
]
SEEN = {"since": "1 March 2026", "seen": "2 March 2026, 14:05 UTC"}
SESSIONS = [
    SEEN | {"id": 1, "device": "Firefox on Linux", "here": True},
    SEEN | {"id": 2, "device": "Safari on iPhone", "here": False},
]
SETUP = {"secret": "JBSW Y3DP EHPK 3PXP", "url": "otpauth://totp/sample?secret=JBSWY3DPEHPK3PXP"}
WITHDRAWN = [
    {"number": number, "url": url, "received": "2026-03-02 14:05", "things": "", "name": "Anna Larsson"}
    | {"email": "anna@example.org"}
    for number, url in (("SF-7Q4K2M", "/orders/sample"), ("SF-0000", ""))
]
CODES = [f"{n:04d}-ab{n:02d}-cd{n:02d}" for n in range(1, 11)]


def account(
    template: str, title: str, names: Callable[[], dict[str, Any]], *, signed_in: bool = True
) -> Make:
    """`names` are made when the page is, in its language."""
    path = "/account" if signed_in else "/account/sign-in"
    return lambda templates, _: templates.page(
        template, title=title, path=path, signed_in=signed_in, **names()
    )


def sign_in(error: str = "", message: str = "", way_out: dict[str, str] | None = None) -> Make:
    def names() -> dict[str, Any]:
        fields = [views.email_field("anna@example.org", error), views.password_field()]
        form = form_context("/account/sign-in", "Sign in", fields, message=message, way_out=way_out)
        links = [{"label": "Forgot your password?", "url": "/account/reset"}]
        return {"form": form, "lead": "", "links": links}

    return account("accounts/form.html", "Sign in", names, signed_in=False)


def order_rows() -> list[dict[str, str]]:
    numbers = {"paid": "SF-7Q4K2M", "pending": "SF-3M9X1A", "cancelled": "SF-8B2C4D"}
    return views.order_rows([orders.order(state, number=number) for state, number in numbers.items()])


def overview(**more: Any) -> Make:
    names = lambda: {"account": {"orders": order_rows()} | DETAILS | more}  # noqa: E731
    return account("accounts/overview.html", "Your account", names)


def listed(*, some: bool) -> Make:
    def names() -> dict[str, Any]:
        older = "/account/orders?before=1" if some else ""
        return {"orders": order_rows() if some else [], "older": older, "claimable": int(some)}

    return account("accounts/orders.html", "Your orders", names)


def credits() -> dict[str, Any]:
    entries = [
        Entry(2, orders.PLACED, -30, 120, 0, 0, "A workshop", "", ""),
        Entry(1, orders.PLACED, 150, 150, 0, 0, "Order SF-7Q4K2M", "SF-7Q4K2M", "sample"),
    ]
    return {"balance": "120", "owed": "", "entries": entry_rows(entries), "older": ""}


def set_up() -> dict[str, Any]:
    field = views.code_field("", "The six digits that the app shows.")
    return {"form": form_context("/account/two-step/set-up", "Turn it on", [field]), "setup": SETUP}


def back_office() -> dict[str, Any]:
    rows = [
        row | {"name": "Anna Larsson", "attention": "" if n else "disputed"}
        for n, row in enumerate(order_rows())
    ]
    return {"waiting": rows[:1], "newest": rows, "withdrawals": WITHDRAWN}


PAGES: Pages = (
    ("account-overview", "Account", overview()),
    ("account-unconfirmed", "Account: nothing yet", overview(**NEW)),
    ("account-sign-in", "Sign in", sign_in()),
    ("account-mistaken", "Sign in: mistaken", sign_in(message="Address and password do not fit.")),
    (
        "account-too-often",
        "Sign in: too often mistaken",
        sign_in(
            message="Please wait 12 minutes and try again. With a new password by mail you need not wait:",
            way_out={"label": "Set a new password", "url": "/account/reset"},
        ),
    ),
    ("account-mistakes", "Sign in: a field is wrong", sign_in("Enter your e-mail address.")),
    (
        "account-check-mail",
        "A message is on its way",
        account("accounts/check-mail.html", "Look into your mail", dict, signed_in=False),
    ),
    ("account-orders", "Orders", listed(some=True)),
    ("account-orders-none", "Orders: none", listed(some=False)),
    (
        "account-addresses",
        "Addresses",
        account("accounts/addresses.html", "Your addresses", lambda: {"addresses": KEPT}),
    ),
    (
        "account-addresses-none",
        "Addresses: none",
        account("accounts/addresses.html", "Your addresses", lambda: {"addresses": []}),
    ),
    (
        "account-sessions",
        "Where somebody is signed in",
        account("accounts/sessions.html", "Where you are signed in", lambda: {"sessions": SESSIONS}),
    ),
    (
        "account-set-up",
        "Second step: set up",
        account("accounts/set-up.html", "Set up the second step", set_up),
    ),
    (
        "account-codes",
        "Second step: recovery codes",
        account("accounts/codes.html", "Your recovery codes", lambda: {"codes": CODES}),
    ),
    ("account-credits", "Credits", account("accounts/credits.html", "Your credits", credits)),
    ("account-back-office", "Back office", account("backoffice/orders.html", "Orders", back_office)),
)
