"""storefront create-admin | sign-out | two-step-off: who looks after the shop, ending sign-ins, a lost second step."""

import contextlib
import sys
from typing import Any

import click
from sqlalchemy import select, true
from sqlalchemy.exc import NoResultFound

from storefront.cli.start import fail, with_database
from storefront.database import Database
from storefront.settings import Settings
from storefront.web.logs import log_command

RIGHTS = ("orders", "catalogue", "refunds", "settings")


@click.command("create-admin")
@click.argument("email")
@click.option("--role", type=click.Choice(["owner", "staff", "shopper"]), default="owner", show_default=True)
@click.option(
    "--right", "rights", type=click.Choice(RIGHTS), multiple=True, help="For staff; may be repeated."
)
def create_admin(email: str, role: str, rights: tuple[str, ...]) -> None:
    """Give EMAIL an account with a role: owner, staff with rights, or shopper, which takes both away.

    The password of a new account is asked for, or read as one line from standard input. An account that is there
    already keeps its password.
    """
    from storefront.web.forms import email_address

    rights = tuple(sorted(set(rights)))
    try:
        address = email_address(email)
    except ValueError as error:
        fail(f"EMAIL: {error}")
    if bool(rights) != (role == "staff"):
        fail("--role staff goes with at least one --right, and no other role with any")

    async def work(settings: Settings, database: Database) -> tuple[int, str]:
        from storefront.accounts.change import LastOwner, create_account, set_role
        from storefront.accounts.hashing import Hashing

        try:
            async with database.writes() as session:
                known = await set_role(session, address, role, list(rights))
        except LastOwner:
            fail(f"{address} is the shop's only owner; make somebody else an owner first")
        if known is not None:
            return known, "changed"
        hashed = await Hashing().hash(_password(settings, address))
        more: dict[str, Any] = {"role": role, "rights": list(rights)}
        async with database.writes() as session:
            account = await create_account(session, address, hashed, verified=False, **more)
            return account.id, "created"

    account_id, done = with_database(work)
    named = ", ".join(rights)
    log_command("role given", account_id, role=role, rights=named)
    click.echo(f"{address} {done}: {role}{' with ' + named if named else ''}")


@click.command("sign-out")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="Every sign-in of the shop.")
def sign_out(email: str | None, everybody: bool) -> None:
    """End every sign-in of EMAIL, or of everybody, and shut their browsers out of the account's cart."""
    if bool(email) == everybody:
        fail("name an EMAIL, or say --everybody")

    async def work(settings: Settings, database: Database) -> int | None:
        from storefront.accounts import change, links

        if email is None:
            await _end_all(settings, database)
            return None
        async with database.writes() as session:
            found = await links.account_of(session, email)
            if found is None:
                fail(f"there is no account {email}")
            account = await change.locked(session, settings, found.id)
            await change.sign_out_everywhere(session, settings, account)
            return account.id

    account_id = with_database(work)
    log_command("every sign-in ended" if email else "everybody signed out", account_id)
    click.echo(f"{email or 'everybody'} signed out")


async def _end_all(settings: Settings, database: Database) -> None:
    from storefront.accounts import change, sessions
    from storefront.accounts.models import Account

    # The sign-ins first and at once; the carts one after another, so that nobody waits long for a lock.
    async with database.writes() as session:
        await sessions.end(session, true())
    async with database.reads() as session:
        everyone = list(await session.scalars(select(Account.id)))
    for account_id in everyone:
        with contextlib.suppress(NoResultFound):
            async with database.writes() as session:
                account = await change.locked(session, settings, account_id)
                await change.sign_out_everywhere(session, settings, account)


@click.command("two-step-off")
@click.argument("email")
def two_step_off(email: str) -> None:
    """Turn off the second step of EMAIL, who has lost the telephone and the recovery codes.

    Every sign-in of the account ends, and a message says so. Make sure first who is asking.
    """

    async def work(settings: Settings, database: Database) -> int:
        from storefront.accounts import change, links

        async with database.writes() as session:
            found = await links.account_of(session, email)
            if found is None or found.totp_secret is None:
                fail(f"there is no account {email} with a second step")
            account = await change.locked(session, settings, found.id)
            base = settings.base_url or "http://127.0.0.1:8000"
            await change.turn_off_lost_factor(session, settings, account, base)
            return account.id

    log_command("second factor off", with_database(work))
    click.echo(f"{email} signs in without a second step")


def _password(settings: Settings, email: str) -> str:
    from storefront.accounts.common import too_common
    from storefront.accounts.forms import LONGEST, SHORTEST

    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not SHORTEST <= len(password) <= LONGEST:
        fail(f"the password needs {SHORTEST} to {LONGEST} characters")
    if too_common(password, email, settings.shop_name):
        fail("the password would be guessed among the first; choose another")
    return password
