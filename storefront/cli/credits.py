"""storefront credits show | adjust: the ledger of an account."""

import secrets

import click
from sqlalchemy.ext.asyncio import AsyncSession

from storefront.cli.start import fail, with_database
from storefront.cli.words import Whole
from storefront.database import Database
from storefront.settings import Settings


@click.group()
def credits() -> None:
    """Look at the credits of an account, and put them right."""


@credits.command()
@click.argument("account")
@click.option("--most", type=Whole(1, 100_000), default=50, show_default=True)
def show(account: str, most: int) -> None:
    """The balance of ACCOUNT (its number or e-mail address), what it owes, and its newest entries."""
    from storefront.credits.queries import balance_of, entries_of

    async def work(_found: Settings, database: Database) -> None:
        async with database.reads() as session:
            account_id = await _account(session, account)
            balance, owed = await balance_of(session, account_id)
            entries = await entries_of(session, account_id, most=most)
        for one in entries:
            owing = f"  owed {one.owing:+,}" if one.owing else ""
            click.echo(f"{one.at:%Y-%m-%d %H:%M}  {one.amount:+10,}  {one.balance:10,}  {one.reason}{owing}")
        click.echo(f"account {account_id}: {balance:,} credits{f', {owed:,} owed' if owed else ''}")

    with_database(work)


@credits.command(context_settings={"ignore_unknown_options": True})
@click.argument("account")
@click.argument("amount", type=Whole())
@click.option("--reason", required=True, help="Stands in the ledger, where its owner reads it.")
@click.option("--owed", is_flag=True, help="Change what is owed instead: -60 when that was paid or forgiven.")
@click.option("--key", default="", help="Whatever names this adjustment: under the same key it is made once.")
def adjust(account: str, amount: int, reason: str, owed: bool, key: str) -> None:
    """Give ACCOUNT (its number or e-mail address) AMOUNT credits, or take them with a negative AMOUNT."""
    from storefront.credits import ledger

    key = key or secrets.token_hex(8)
    if not reason.strip():
        fail("say why with --reason")

    async def work(_found: Settings, database: Database) -> None:
        async with database.writes() as session:
            account_id = await _account(session, account)
            write = ledger.adjust_owed if owed else ledger.adjust
            entry = await write(session, account_id, amount, reason.strip()[:200], key)
        left = f", {entry.owed:,} owed" if entry.owed else ""
        click.echo(f"account {account_id}: {entry.balance:,} credits{left}")

    try:
        with_database(work)
    except (ledger.NotEnoughCredits, ledger.NotOwed, ledger.KeyUsed, ValueError) as error:
        fail(f"{error}; nothing was changed")


async def _account(session: AsyncSession, text: str) -> int:
    """The number of the account that is meant; ends with one line when there is none."""
    from sqlalchemy import select

    from storefront.accounts.models import Account

    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    which = Account.id == number if number else Account.email_key == text.strip().lower()
    found: int | None = await session.scalar(select(Account.id).where(which))
    return found if found is not None else fail(f"there is no account {text}")
