"""storefront messages …: what was written to people, and sending again what could not be sent."""

import click

from storefront.cli.start import fail, with_database
from storefront.cli.words import Whole, many
from storefront.database import Database
from storefront.settings import Settings


@click.group()
def messages() -> None:
    """What was written to shoppers and owners."""


@messages.command("list")
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@click.option("--most", type=Whole(1, 10_000), default=50, show_default=True)
def list_messages(failed: bool, most: int) -> None:
    """The newest messages, without what stands in them."""
    from storefront.outbox.again import newest_messages

    async def work(_settings: Settings, database: Database) -> None:
        async with database.reads() as session:
            rows = await newest_messages(session, given_up=failed, most=most)
        for row in rows:
            state = "sent" if row.sent_at else "given up" if row.given_up_at else "waiting"
            error = f"  {row.error} (tries: {row.tries})" if row.error else ""
            at = f"{row.created_at:%Y-%m-%d %H:%M:%S}"
            click.echo(f"{row.id}  {at}  {state:8}  {row.template}  {row.recipient or '(forgotten)'}{error}")
        if not rows:
            click.echo("no messages")

    with_database(work)


@messages.command()
@click.argument("ids", type=Whole(1), nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every message that was given up.")
def again(ids: tuple[int, ...], every: bool) -> None:
    """Try messages again that were given up; the worker sends them."""
    from storefront.outbox.again import send_again

    if bool(ids) == every:
        fail("name messages by their numbers (storefront messages list --failed), or say --all")

    async def work(_settings: Settings, database: Database) -> int:
        async with database.writes() as session:
            return await send_again(session, None if every else list(ids))

    done = with_database(work)
    if done < len(set(ids)):
        left = len(set(ids)) - done
        fail(
            f"{left} of them cannot be: not given up, empty by now, or unknown; "
            f"{many(done, 'message')} will be tried again"
        )
    click.echo(f"{many(done, 'message')} will be tried again")
