"""Coming to have an account."""

import asyncio
from urllib.parse import urlsplit

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from storefront.accounts.common import too_common
from storefront.accounts.forms import LONGEST, SHORTEST
from tests.accounts.people import (
    NEW,
    PASSWORD,
    account,
    is_signed_in,
    link_in,
    mailed,
    messages,
    new_email,
    new_person,
    set_cookies,
    sign_in,
)
from tests.shop import HTMX, Running, Shopper, shopper_at
from tests.web.page import Answer


async def ask(shopper: Shopper, email: str, to: str = "") -> Answer:
    page = await shopper.get("/account/register" + (f"?next={to}" if to else ""))
    return await shopper.submit(page, "/account/register", email=email)


async def choose(shopper: Shopper, path: str, password: str = PASSWORD) -> Answer:
    return await shopper.submit(await shopper.get(path), path, new_password=password)


@pytest.mark.parametrize(
    "password",
    ["darkness", "ncc1701d", "fktrcfylh", "FKTRCFYLH", "Darkness1", "qweasdzxc", "aardvark!", "xyzxyzxy"],
)
def test_what_stands_in_lists_of_leaked_passwords_is_refused(password: str) -> None:
    assert too_common(password)


@pytest.mark.parametrize(
    "password",
    ["bob77@example.org", "Bob77@Example.org!", "hearthandfield", "Hearth & Field", "ｐａｓｓｗｏｒｄ"],
)
def test_what_the_account_and_the_shop_are_called_is_refused_whole(password: str) -> None:
    assert too_common(password, "bob77@example.org", "Hearth & Field")


@pytest.mark.parametrize(
    "password",
    ["Hearth&Field1", "Hearth & Field1", "1 Hearth & Field!", "anna.smith@example.org1", "Anna+Smith1"],
)
def test_marks_inside_do_not_hide_what_it_is_made_of(password: str) -> None:
    assert too_common(password, "anna.smith@example.org", "Hearth & Field")


def test_the_commonest_of_every_list_are_refused() -> None:
    long_enough = [word for word in FREQUENCY_LISTS["passwords"] if SHORTEST <= len(word) <= LONGEST]
    assert len(long_enough) >= 3000
    assert all(too_common(word.swapcase()) for word in long_enough[:3000])
    assert not any(too_common(word) for word in (PASSWORD, NEW, "seven other lamps", "darkness aardvark"))


async def test_somebody_gets_an_account_by_mail_and_is_signed_in(shop: Running, either: Shopper) -> None:
    email = new_email()
    asked = await ask(either, email)
    assert asked.location == "/account/check-mail"
    assert "sent you a message" in (await either.follow(asked)).words
    assert await account(shop, email) is None, "without the mail there is no account"
    path = await mailed(shop, email, "account-register")
    done = await choose(either, path)
    assert done.location == "/account"
    page = await either.follow(done)
    assert email in page.words
    assert "Welcome" in page.element("notice").text
    found = await account(shop, email)
    assert found is not None
    assert found.verified_at is not None
    assert found.role == "shopper"


async def test_after_registering_one_goes_on_where_one_was(shop: Running, shopper: Shopper) -> None:
    email = new_email()
    await ask(shopper, email, "/checkout")
    async with shopper_at(shop.url) as telephone:
        done = await choose(telephone, await mailed(shop, email, "account-register"))
    assert done.location == "/checkout"


async def test_a_form_is_asked_for_with_the_tokens_that_helpers_need(shop: Running, shopper: Shopper) -> None:
    email = new_email()
    page = await shopper.get("/account/register")
    assert page.element("email").attrs["autocomplete"] == "email"
    await ask(shopper, email)
    page = await shopper.get(await mailed(shop, email, "account-register"))
    field = page.element("new_password")
    assert (field.attrs["type"], field.attrs["autocomplete"]) == ("password", "new-password")
    assert "onpaste" not in page.text
    assert page.root.all("input", autocomplete="username")[0].attrs["value"] == email


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter your e-mail address."),
        ("anna", "Enter an e-mail address like"),
        ("anna@", "Enter an e-mail address like"),
        ("anna@ex ample.org", "Enter an e-mail address like"),
        ("ännä@example.org", "Enter an e-mail address like"),
        ("a@" + "b" * 300 + ".org", "Shorten the e-mail address"),
    ],
)
async def test_an_address_that_cannot_be_is_said_at_its_field(
    shop: Running, either: Shopper, typed: str, said: str
) -> None:
    answer = await ask(either, typed)
    assert answer.status == 422
    assert said in answer.element("field-email").text
    assert answer.element("email").attrs["value"] == typed
    assert answer.element("email").attrs["aria-invalid"] == "true"
    summary = answer.root.all(class_name="errors")[0]
    assert summary.all("a")[0].attrs["href"] == "#email"
    assert said in summary.text
    assert answer.root.all("title")[0].text.startswith("Error: ")
    assert ("<html" in answer.text) is not either.htmx


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "Choose a password."),
        ("seven77", "at least 8 characters"),
        ("x" * 129, "at most 128 characters"),
        ("password1", "harder to guess"),
        ("12345678", "harder to guess"),
        ("Qwertyuiop", "harder to guess"),
    ],
)
async def test_a_password_that_is_refused_is_said_and_never_sent_back(
    shop: Running, either: Shopper, password: str, said: str
) -> None:
    email = new_email()
    await ask(either, email)
    path = await mailed(shop, email, "account-register")
    answer = await choose(either, path, password)
    assert answer.status == 422
    assert said in answer.element("field-new_password").text
    assert answer.element("new_password").attrs["value"] == ""
    assert await account(shop, email) is None
    assert (await choose(either, path)).location == "/account", "the link is still good"


async def test_what_the_account_is_called_is_no_password(shop: Running, shopper: Shopper) -> None:
    email = f"berta.lindqvist.{new_email()}"
    await ask(shopper, email)
    path = await mailed(shop, email, "account-register")
    for password in ("bertalindqvist1", "Lindqvist99", "hearthfield"):
        assert (await choose(shopper, path, password)).status == 422, password


@pytest.mark.parametrize(
    "password",
    ["brolly " + "x" * 64, "brolly " + "ü" * 121, NEW, "öäüß €漢字 emoji 🦊", "        8 spaces"],
    ids=["long", "longest", "spaces", "letters", "spaces first"],
)
async def test_a_long_or_odd_password_is_taken_exactly_as_it_is(
    shop: Running, shopper: Shopper, password: str
) -> None:
    email = new_email()
    await ask(shopper, email)
    assert (await choose(shopper, await mailed(shop, email, "account-register"), password)).status == 303
    async with shopper_at(shop.url) as other:
        assert (await sign_in(other, email, password.strip() + "!")).status == 422
        if password != password.strip():
            assert (await sign_in(other, email, password.strip())).status == 422
        assert (await sign_in(other, email, password)).status == 303


@pytest.mark.parametrize("change", [str, str.upper, str.title], ids=["same", "upper", "title"])
async def test_whoever_has_an_account_gets_a_message_instead(
    shop: Running, either: Shopper, change: type[str]
) -> None:
    person = await new_person(shop)
    known = await ask(either, change(person.email))
    fresh = await ask(either, new_email())
    assert (known.status, known.location, known.text) == (fresh.status, fresh.location, fresh.text)
    assert set_cookies(known) == set_cookies(fresh) == {}
    left = await messages(shop, person.email)
    assert [(one.template, one.recipient) for one in left] == [("account-exists", person.email)]
    path = await mailed(shop, person.email, "account-exists")
    assert path.startswith("/account/reset/")
    async with shopper_at(shop.url) as owner:
        assert (await sign_in(owner, person.email)).status == 303, "nothing was changed"


async def test_one_address_registered_many_times_at_once_is_one_account(shop: Running) -> None:
    email = new_email()
    async with shopper_at(shop.url) as shopper:
        spelled = [email, email.upper(), email.title(), email.swapcase()]
        await asyncio.gather(*(ask(shopper, one) for one in spelled))
    paths = [urlsplit(link_in(shop, one)).path for one in await messages(shop, email)]
    assert len(paths) == len(spelled)

    async def finish(path: str, password: str) -> Answer:
        async with shopper_at(shop.url) as browser:
            return await choose(browser, path, password)

    answers = await asyncio.gather(*(finish(path, f"{PASSWORD} {n}") for n, path in enumerate(paths)))
    assert sorted(one.location for one in answers) == ["/account", *["/account/sign-in"] * (len(paths) - 1)]
    winner = next(n for n, one in enumerate(answers) if one.location == "/account")
    for n in range(len(paths)):
        async with shopper_at(shop.url) as browser:
            answer = await sign_in(browser, email, f"{PASSWORD} {n}")
            assert answer.status == (303 if n == winner else 422)


async def test_a_link_works_once(shop: Running, shopper: Shopper) -> None:
    email = new_email()
    await ask(shopper, email)
    path = await mailed(shop, email, "account-register")
    for _ in range(3):
        assert (await shopper.get(path)).status == 200, "a mail program may look at it first"
    assert (await choose(shopper, path)).status == 303
    async with shopper_at(shop.url) as other:
        again = await other.get(path)
        assert again.status == 404
        assert "does not work any more" in again.words
        assert again.root.all("a", href="/account/register")
        sent = await other.post(path, {"new_password": PASSWORD})
        assert sent.status == 404
        assert not await is_signed_in(other)


async def test_a_made_up_link_is_unknown(shop: Running, either: Shopper) -> None:
    for path in ("register", "reset", "address"):
        for token in ("x", "x" * 43, "x" * 500, "%00", "' or 1=1 --"):
            assert (await either.get(f"/account/{path}/{token}")).status in {400, 404}
            assert (await either.post(f"/account/{path}/{token}", {"new_password": PASSWORD})).status in {
                400,
                404,
            }


async def test_a_link_is_for_its_purpose_only(shop: Running, shopper: Shopper) -> None:
    email = new_email()
    await ask(shopper, email)
    token = (await mailed(shop, email, "account-register")).rpartition("/")[2]
    for purpose in ("reset", "address"):
        assert (await shopper.get(f"/account/{purpose}/{token}")).status == 404


async def test_whoever_is_signed_in_needs_not_register(shop: Running, shopper: Shopper) -> None:
    person = await new_person(shop)
    await sign_in(shopper, person.email)
    answer = await shopper.get("/account/register?next=/cart")
    assert (answer.status, answer.location) == (303, "/cart")
    fragment = await shopper.get("/account/sign-in?next=/cart", **HTMX)
    assert fragment.location == "/cart"
