"""storefront migrate | seed | delivery | stock | worker."""

import asyncio
from pathlib import Path

import click

from storefront.cli.start import fail, is_behind, settings, with_database
from storefront.cli.words import Whole, many
from storefront.database import Database
from storefront.settings import Settings


@click.command()
def migrate() -> None:
    """Bring the database to the newest migration. May be run again and again, also by several processes."""
    from storefront.database import migrate as run_migrations

    found = settings()

    async def behind() -> bool:
        database = Database(found.database)
        try:
            return await is_behind(database)
        finally:
            await database.close()

    if asyncio.run(behind()):
        run_migrations(found.database, "head")
        click.echo("migrated")
    else:
        click.echo("up to date")


@click.command()
@click.option("--products", type=Whole(1), help="Make a big synthetic catalogue of this many products.")
def seed(products: int | None) -> None:
    """Load the demo catalogue into an empty database, or a big one for load tests."""
    if products is None:
        from storefront.seed.demo import load_demo

        loaded = with_database(lambda found, database: load_demo(database, found.currency))
        click.echo("demo catalogue loaded" if loaded else "there are products already; nothing was changed")
        return
    from rich.progress import Progress

    from storefront.seed.big import load_big

    with Progress() as progress:
        task = progress.add_task("products", total=products)

        async def load(found: Settings, database: Database) -> None:
            await load_big(
                database, found.currency, products, lambda done: progress.update(task, completed=done)
            )

        with_database(load)
    click.echo(many(products, "product"))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def delivery(file: Path | None) -> None:
    """Show the delivery rates, or replace them by those of a TOML FILE (see storefront/seed/delivery.toml)."""
    from storefront.cart.delivery import read_rates
    from storefront.money import format_money
    from storefront.seed.demo import replace_rates

    async def work(found: Settings, database: Database) -> None:
        if file is not None:
            try:
                await replace_rates(database, file, found.currency)
            except (ValueError, KeyError, TypeError) as error:
                fail(f"{file.name} is no table of rates: {error}")
        async with database.reads() as session:
            rates = await read_rates(session)
        for rate in rates:
            free = f", free from {format_money(rate.free_from, found.currency)}" if rate.free_from else ""
            where = " ".join(rate.countries)
            click.echo(
                f"{rate.code:10} {format_money(rate.amount, found.currency)}{free}  {rate.title}  [{where}]"
            )

    with_database(work)


# Else -5 would be taken for an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("sku")
@click.argument("quantity", type=Whole(0, 10_000_000), required=False)
def stock(sku: str, quantity: int | None) -> None:
    """Show what is on hand and held of SKU, or set what is on hand to QUANTITY."""
    import secrets

    from storefront.catalogue.stock import HeldBack, set_on_hand, stock_of

    async def work(_found: Settings, database: Database) -> tuple[int, int]:
        if quantity is None:
            async with database.reads() as session:
                return await stock_of(session, sku)
        async with database.writes() as session:
            return await set_on_hand(session, sku, quantity, f"counted:{secrets.token_hex(8)}")

    try:
        on_hand, held = with_database(work)
    except LookupError:
        fail(f"there is no SKU {sku}")
    except HeldBack as error:
        fail(str(error))
    else:
        click.echo(f"{sku} on hand {on_hand} held {held}")


@click.command()
def worker() -> None:
    """Run the worker loop by itself, for servers that are started with WORKER=separate."""
    from storefront.process import run_worker

    async def nothing(_found: Settings, _database: Database) -> None:
        """To be here, the database must answer and be migrated."""

    with_database(nothing)
    asyncio.run(run_worker(settings()))
