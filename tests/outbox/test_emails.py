"""Every e-mail, rendered with what the contract of its room gives it."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.settings import ROOT
from tests.outbox.letters import ORDER, URL, html_of, text_of
from tests.outbox.samples import ABOUT_ACCOUNTS, LINK, MORE, WITHDRAWALS, samples

ABOUT_ORDERS = sorted(set(MORE) - {"owner-event"})
TO_SHOPPERS = sorted(set(ABOUT_ORDERS) - {"order-paid-owner", "order-called-off-owner", "owner-attention"})
DOWNLOAD: dict[str, Any] = {
    "shipping": "",
    "shipping_title": "",
    "address_lines": [],
    "note": "",
    "next_text": "We send Apron sewing pattern (PDF) to your e-mail address within one working day.",
    "mailed": "Apron sewing pattern (PDF)",
    "posted": False,
}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'


class Page(HTMLParser):
    """The tags and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def compose(mailer: Mailer, message: Message, template: str, **changed: Any) -> tuple[str, str, str]:
    message.template, message.data = template, ORDER | MORE[template] | changed
    mail = mailer.compose(message)
    return mail["Subject"], text_of(mail), html_of(mail)


def test_every_email_is_known_here_and_complete() -> None:
    folder = ROOT / "templates" / "emails"
    names = {path.name.removesuffix(".subject.txt") for path in folder.glob("*.subject.txt")}
    assert names == set(samples())
    for name in names:
        assert (folder / f"{name}.txt").is_file()
        assert (folder / f"{name}.html").is_file()


@pytest.mark.parametrize("template", ABOUT_ORDERS)
@pytest.mark.parametrize("given", [{}, DOWNLOAD], ids=["delivered", "download"])
def test_each_says_which_order_and_where_it_is(
    mailer: Mailer, message: Message, template: str, given: dict[str, Any]
) -> None:
    subject, text, html = compose(mailer, message, template, **given)
    assert "SF-7Q4K2M" in subject
    assert subject == " ".join(subject.split())
    for body in (text, html):
        assert "SF-7Q4K2M" in body
        assert URL in body
        assert "Hearth &" in body
        assert "None" not in body
    assert URL in Page(html).links
    assert "&amp;" not in text
    assert "\n\n\n" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("template", ABOUT_ACCOUNTS)
def test_each_about_an_account_has_its_link_in_both_forms(
    mailer: Mailer, message: Message, template: str
) -> None:
    given = {
        "shop_name": "Hearth & Field",
        "shop_email": "owner@shop.example",
        "language": "en",
        "name": "Anna",
    }
    message.template, message.data = template, given | ABOUT_ACCOUNTS[template]
    mail = mailer.compose(message)
    text, html = text_of(mail), html_of(mail)
    assert LINK in text
    assert LINK in Page(html).links
    assert mail["Subject"].strip()
    for body in (text, html):
        assert "Hearth &" in body
        assert "None" not in body


@pytest.mark.parametrize(
    "what",
    ["password", "address", "address-asked", "second-on", "second-off", "second-lost", "codes", "deleted"],
)
def test_each_notice_says_what_was_done(mailer: Mailer, message: Message, what: str) -> None:
    given = {
        "shop_name": "Hearth & Field",
        "shop_email": "owner@shop.example",
        "language": "en",
        "name": "Anna",
    }
    message.template, message.data = "account-notice", given | {"what": what, "reset_url": LINK}
    mail = mailer.compose(message)
    said = re.split(r"\n\n", text_of(mail))[1]
    assert len(said) > 20
    assert "Something about" not in said
    assert (LINK in text_of(mail)) == (what != "deleted")


@pytest.mark.parametrize("template", MORE)
def test_what_people_typed_is_never_markup(mailer: Mailer, message: Message, template: str) -> None:
    changed: dict[str, Any] = {name: HOSTILE for name in MORE[template]}
    for name in ("name", "note", "number", "shipping_title", "total"):
        changed[name] = HOSTILE
    changed["lines"] = [ORDER["lines"][0] | {"title": HOSTILE, "variant_title": HOSTILE}]
    changed["address_lines"] = [HOSTILE]
    _, text, html = compose(mailer, message, template, **changed)
    page = Page(html)
    assert not {"script", "img", "iframe"} & page.tags
    assert "onerror" not in page.attributes
    assert "{{ 7 * 7 }}" in text
    assert "<script>" in text


@pytest.mark.parametrize("template", TO_SHOPPERS)
def test_a_name_that_looks_like_an_address_is_not_sent_to_strangers(
    mailer: Mailer, message: Message, template: str
) -> None:
    for name in ("Win at www.evil.example", "https://evil", "a@evil"):
        _, text, html = compose(mailer, message, template, name=name, address_lines=[], note="")
        assert text.startswith("Hello,\n")
        assert "evil" not in text + html


def test_a_confirmation_says_what_where_and_what_next(mailer: Mailer, message: Message) -> None:
    _, text, html = compose(mailer, message, "order-paid")
    for words in (
        "2 × Lavender soap: $18.00\n1 × Linen apron, Indigo: $48.00\n",
        "Subtotal: $66.00\nStandard delivery: $4.90\nTotal: $70.90\n",
        "Goes to:\nAnna Example\nOranienstraße 1\n10999 BERLIN\nGERMANY\n",
        "Note:\nPlease ring twice.\n",
        "Next we pack your things. You get a message when they leave.\n",
        "https://shop.example/pages/returns",
        "write to owner@shop.example",
    ):
        assert words in text
    assert "https://shop.example/pages/returns" in Page(html).links
    assert "mailto:owner@shop.example" in Page(html).links
    assert "$70.90" in html


def test_a_download_has_no_delivery_in_it(mailer: Mailer, message: Message) -> None:
    _, text, html = compose(mailer, message, "order-paid", **DOWNLOAD)
    for body in (text, html):
        assert "We send Apron sewing pattern (PDF) to your e-mail address" in " ".join(body.split())
        assert "Goes to" not in body
        assert "Subtotal" not in body
        assert "we pack" not in body


def test_what_goes_by_e_mail_is_sent_and_has_not_left(mailer: Mailer, message: Message) -> None:
    subject, *bodies = compose(mailer, message, "order-shipped", **DOWNLOAD | {"tracking": ""})
    assert subject == "Order SF-7Q4K2M is sent"
    for body in bodies:
        assert "Apron sewing pattern (PDF)" in body
        assert "went to this e-mail address" in " ".join(body.split())
        assert not re.search("on its way|has left|racking|parcel", body)
    link = "https://shop.example/files/1"
    _, text, html = compose(mailer, message, "order-shipped", **DOWNLOAD | {"tracking": link})
    assert f"Link:\n{link}\n" in text
    assert link in Page(html).links


def test_what_goes_both_ways_says_both(mailer: Mailer, message: Message) -> None:
    mixed = {"mailed": "Apron sewing pattern (PDF)"}
    subject, text, html = compose(mailer, message, "order-shipped", **mixed)
    assert subject == "Order SF-7Q4K2M is on its way"
    for body in (text, html):
        assert "has left us" in body
        assert "went to this e-mail address" in " ".join(body.split())


def test_the_owner_learns_what_to_send_by_e_mail(mailer: Mailer, message: Message) -> None:
    for body in compose(mailer, message, "order-paid-owner", **DOWNLOAD)[1:]:
        words = " ".join(re.sub("<[^>]+>", "", body).split())
        assert "Send this by e-mail to anna@example.org within one working day: Apron sewing pattern" in words
        assert "storefront orders ship SF-7Q4K2M" in words
        assert "on its way" not in words
    for body in compose(mailer, message, "order-paid-owner", **DOWNLOAD | {"mailed": ""})[1:]:
        assert "Nothing has to be sent" in body
        assert "orders ship" not in body


def test_credits_are_a_link_away(mailer: Mailer, message: Message) -> None:
    credits_url = "https://shop.example/account/credits"
    _, text, html = compose(mailer, message, "order-paid", credits_url=credits_url)
    assert f"Your credits:\n{credits_url}\n" in text
    assert credits_url in Page(html).links


def test_a_full_refund_says_that_nothing_more_is_sent(mailer: Mailer, message: Message) -> None:
    for body in compose(mailer, message, "refunded", refund="$70.90", refunded_total="$70.90")[1:]:
        assert "Nothing more is sent for this order." in body
    for body in compose(mailer, message, "refunded")[1:]:
        assert "Nothing more" not in body


def test_the_owner_learns_how_to_say_that_it_is_on_its_way(mailer: Mailer, message: Message) -> None:
    subject, text, html = compose(mailer, message, "order-paid-owner")
    assert subject == "New order SF-7Q4K2M: $70.90"
    for body in (text, html):
        assert "storefront orders ship SF-7Q4K2M" in body
        assert "anna@example.org" in body
        assert "Please ring twice." in body
        assert "Hello" not in body


def test_tracking_is_a_link_only_when_it_is_one(mailer: Mailer, message: Message) -> None:
    found = {
        tracking: compose(mailer, message, "order-shipped", tracking=tracking)
        for tracking in ("", "00340434161094", "https://track.example/1", "javascript:alert(1)")
    }
    assert "racking" not in found[""][1] + found[""][2]
    assert "Tracking number:\n00340434161094\n" in found["00340434161094"][1]
    assert "https://track.example/1" in Page(found["https://track.example/1"][2]).links
    assert not [link for link in Page(found["javascript:alert(1)"][2]).links if "javascript" in link]


def test_earlier_refunds_are_counted_in(mailer: Mailer, message: Message) -> None:
    _, text, _ = compose(mailer, message, "refunded")
    assert "With earlier refunds that makes $20.00 of $70.90." in text
    _, text, _ = compose(mailer, message, "refunded", refunded_total="$10.00")
    assert "earlier" not in text


def test_a_reason_becomes_a_sentence(mailer: Mailer, message: Message) -> None:
    for reason in ("the amounts differ", "The amounts differ."):
        _, text, html = compose(mailer, message, "owner-attention", reason=reason)
        assert "\nThe amounts differ.\n" in text
        assert ">The amounts differ.<" in html


def test_the_owner_learns_of_an_event_that_failed(mailer: Mailer, message: Message) -> None:
    subject, text, html = compose(mailer, message, "owner-event")
    assert subject == "A message from Stripe could not be handled"
    assert "Stripe's event failed.\n\nWhat to do: storefront stripe replay evt_1\n" in text
    assert "storefront stripe replay evt_1" in html


def test_an_order_without_an_end_is_waited_for_without_one(mailer: Mailer, message: Message) -> None:
    _, text, _ = compose(mailer, message, "finish-order", until="")
    assert "We keep your things for you.\n" in text
    _, text, _ = compose(mailer, message, "finish-order")
    assert "until 14:35 UTC.\n" in text


@pytest.mark.parametrize("template", WITHDRAWALS)
def test_a_withdrawal_is_confirmed_with_what_it_says_and_when(
    mailer: Mailer, message: Message, template: str
) -> None:
    message.template, message.data = template, samples()[template]
    mail = mailer.compose(message)
    for body in (text_of(mail), html_of(mail)):
        for words in ("21 November 2026, 07:15:30 UTC", "Anna Example", "SF-7Q4K2M", "2 × Lavender soap"):
            assert words in body
    message.data = samples()[template] | {"things": "", "order_number": "", "url": ""}
    assert "everything in it" in text_of(mailer.compose(message))


def test_every_message_is_made_for_mail_programs(mailer: Mailer, message: Message) -> None:
    """No script, nothing from elsewhere; a first line for lists of messages; dark where the reader's program is."""
    for template, data in samples().items():
        message.template, message.data = template, data
        html = html_of(mailer.compose(message))
        page = Page(html)
        assert not {"script", "img", "link", "iframe", "form", "svg"} & page.tags, template
        assert "src" not in page.attributes, template
        assert not re.search(r"url\(|@import|class=\"[^\"]*\{", html), template
        preview = re.search(r'<div style="display: none[^>]*>([^<]*)</div>', html)
        assert preview is not None, template
        assert preview[1].strip(), template
        assert "prefers-color-scheme: dark" in html
        assert len(html) < 100_000, "longer ones are cut by Gmail"
