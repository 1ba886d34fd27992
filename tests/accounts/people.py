"""People with accounts, and what was mailed to them."""

import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from storefront.accounts.change import create_account
from storefront.accounts.hashing import _hasher
from storefront.accounts.models import Account
from storefront.outbox.models import Message
from tests.shop import Running, Shopper, shopper_at
from tests.web.page import Answer

PASSWORD = "seven quiet lamps at noon"
HASH = _hasher.hash(PASSWORD)
NEW = " blue herons, never late "


@dataclass(frozen=True)
class Person:
    """An account as it is known to its owner."""

    id: int
    email: str


def new_email() -> str:
    return f"p{uuid.uuid4().hex[:12]}@example.org"


async def new_person(shop: Running, *, verified: bool = True, email: str = "", **more: Any) -> Person:
    """An account that needs no mail to come to be; `more` are create_account's."""
    address = email or new_email()
    async with shop.database() as database, database.writes() as session:
        account = await create_account(session, address, HASH, verified=verified, **more)
        return Person(account.id, address)


async def sign_in(shopper: Shopper, email: str, password: str = PASSWORD, to: str = "") -> Answer:
    """Fill the sign-in form and send it."""
    page = await shopper.get(f"/account/sign-in?next={to}" if to else "/account/sign-in")
    assert page.status == 200, page
    return await shopper.submit(page, "/account/sign-in", email=email, password=password)


@asynccontextmanager
async def signed_in(shop: Running, person: Person | None = None) -> AsyncIterator[Shopper]:
    """A browser in which somebody is signed in: `person`, or somebody new."""
    somebody = person or await new_person(shop)
    async with shopper_at(shop.url) as shopper:
        answer = await sign_in(shopper, somebody.email)
        assert (answer.status, answer.location) == (303, "/account"), answer
        yield shopper


async def messages(shop: Running, email: str) -> list[Message]:
    """What was left for an address, the newest last."""
    async with shop.database() as database, database.reads() as session:
        query = select(Message).where(func.lower(Message.recipient) == email.lower()).order_by(Message.id)
        return list(await session.scalars(query))


async def mailed(shop: Running, email: str, template: str) -> str:
    """The path of the link in the newest message of this kind."""
    found = [one for one in await messages(shop, email) if one.template == template]
    assert found, f"no {template} for {email}"
    parts = urlsplit(link_in(shop, found[-1]))
    assert f"{parts.scheme}://{parts.netloc}" == shop.url
    return parts.path


def link_in(shop: Running, message: Message) -> str:
    """The link of a message: from its row while it waits, and once it is sent from the mail."""
    if message.data:
        return str(message.data["url"])
    file = shop.outbox / f"{message.message_id.partition('@')[0]}.eml"
    text = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
    assert isinstance(text, EmailMessage)
    link = re.search(r"\S+/account/(?:register|reset|address)/\S+", text.get_content())
    assert link is not None
    return link[0]


async def told(shop: Running, email: str) -> list[str]:
    """What an account's owner was told of changes."""
    found = await messages(shop, email)
    return [str(one.data["what"]) for one in found if one.template == "account-notice"]


async def account(shop: Running, email: str) -> Account | None:
    async with shop.database() as database, database.reads() as session:
        query = select(Account).where(Account.email_key == email.lower())
        return (await session.scalars(query)).one_or_none()


def noted(shop: Running, person: Person) -> list[str]:
    """What the log says of somebody's access, the newest last."""
    lines = [json.loads(line) for line in shop.log.read_text().splitlines() if line.startswith("{")]
    mine = [one for one in lines if one["event"] == "access" and one["account"] == person.id]
    assert all(one["id"] and one["route"] and one["timestamp"] for one in mine)
    return [str(one["what"]) for one in mine]


def set_cookies(answer: Answer) -> dict[str, str]:
    """The cookies that an answer sets, by name, with their attributes in small letters."""
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


async def is_signed_in(shopper: Shopper) -> bool:
    return (await shopper.get("/account")).status == 200
