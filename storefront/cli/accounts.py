"""storefront create-admin | sign-out: who may look after the shop, and ending sign-ins."""

import sys

import click
from sqlalchemy import true

from storefront.cli.start import fail, with_database
from storefront.database import Database
from storefront.settings import Settings

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

    try:
        address = email_address(email)
    except ValueError as error:
        fail(f"EMAIL: {error}")
        return
    if bool(rights) != (role == "staff"):
        fail("--role staff goes with at least one --right, and no other role with any")

    async def work(settings: Settings, database: Database) -> str:
        from storefront.accounts.change import create_account, set_role
        from storefront.accounts.hashing import Hashing

        async with database.writes() as session:
            if await set_role(session, address, role, list(rights)):
                return "changed"
        hashed = await Hashing().hash(_password(settings, address))
        async with database.writes() as session:
            await create_account(session, address, hashed, verified=False, role=role, rights=sorted(rights))
        return "created"

    done = with_database(work)
    click.echo(f"{address} {done}: {role}{' with ' + ', '.join(sorted(rights)) if rights else ''}")


@click.command("sign-out")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="Every sign-in of the shop.")
def sign_out(email: str | None, everybody: bool) -> None:
    """End every sign-in of EMAIL, or of everybody."""
    if bool(email) == everybody:
        fail("name an EMAIL, or say --everybody")

    async def work(settings: Settings, database: Database) -> bool:
        from storefront.accounts import change, links, sessions

        async with database.writes() as session:
            if email is None:
                await sessions.end(session, true())
                return True
            found = await links.account_of(session, email)
            if found is None:
                return False
            account = await change.locked(session, settings, found.id)
            await change.sign_out_everywhere(session, settings, account)
            return True

    if not with_database(work):
        fail(f"there is no account {email}")
    click.echo(f"{email or 'everybody'} signed out")


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
