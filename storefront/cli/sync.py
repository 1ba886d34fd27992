"""storefront stripe sync: the catalogue from Stripe."""

from collections import Counter
from typing import TYPE_CHECKING

import click

from storefront.cli.start import fail, with_shop

if TYPE_CHECKING:
    from storefront.app import Shop
    from storefront.catalogue.apply import Outcome
    from storefront.payments.errors import PaymentProblem

KINDS = ("created", "changed", "archived", "refused", "unchanged")


@click.command()
@click.option("--product", "product_id", help="Only this product, by its id in Stripe (prod_…).")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option(
    "--archive-all", is_flag=True, help="Go on when nothing of what is on sale here is there any more."
)
def sync(product_id: str | None, dry_run: bool, archive_all: bool) -> None:
    """Bring products and prices from Stripe into the shop; nothing is ever written to Stripe.

    Slugs, pictures, collections, order and stock stay the shop's own. Rows that cannot be sold here are refused, each
    with its reason, and the rest goes on.
    """
    from storefront.payments.errors import PaymentProblem
    from storefront.payments.rows import ID
    from storefront.payments.sync import AnotherCatalogue

    if product_id is not None and not ID.fullmatch(product_id):
        fail("--product needs the id of a product in Stripe (prod_…); nothing was changed")

    async def work(shop: "Shop") -> Counter[str]:
        if shop.sandbox is not None:
            click.echo("STRIPE_SECRET_KEY is not set: reading the built-in sandbox")
        elif not shop.settings.stripe_secret_key.get_secret_value():
            fail("STRIPE_SECRET_KEY is not set, so Stripe cannot be read; nothing was changed")
        return await (
            _one(shop, product_id, dry_run, archive_all) if product_id else _all(shop, dry_run, archive_all)
        )

    try:
        tally = with_shop(work)
    except AnotherCatalogue:
        fail(
            "nothing of what is on sale here from Stripe is there, so STRIPE_SECRET_KEY is missing or another "
            "account's; nothing was changed (--archive-all takes it all off sale)"
        )
    except PaymentProblem as problem:
        fail(f"{_why(problem)}; nothing was changed")
    counts = ", ".join(f"{tally[kind]:,} {kind}" for kind in KINDS if tally[kind]) or "nothing there"
    click.echo(f"{counts}{' (dry run: nothing was changed)' if dry_run else ''}")


async def _one(shop: "Shop", product_id: str, dry_run: bool, archive_all: bool) -> Counter[str]:
    from storefront.payments.sync import sync_product

    outcomes = await sync_product(
        shop.database, shop.gateway, shop.settings, product_id, dry_run=dry_run, archive_all=archive_all
    )
    if not outcomes:
        fail(f"Stripe has no active product {product_id}, and none is for sale here")
    for one in outcomes:
        click.echo(_line(one))
    return Counter(one.what for one in outcomes)


async def _all(shop: "Shop", dry_run: bool, archive_all: bool) -> Counter[str]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from storefront.payments.sync import sync_catalogue

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("reading")

        def on_progress(what: str, done: int, total: int | None) -> None:
            progress.update(task, description=what, completed=done, total=total)

        def on_outcome(one: "Outcome") -> None:
            progress.console.print(_line(one), markup=False, highlight=False, soft_wrap=True)

        return await sync_catalogue(
            shop.database,
            shop.gateway,
            shop.settings,
            on_outcome=on_outcome,
            on_progress=on_progress,
            dry_run=dry_run,
            archive_all=archive_all,
        )


def _line(one: "Outcome") -> str:
    return f"{one.what:9} {one.id}  {one.text}"


def _why(problem: "PaymentProblem") -> str:
    from storefront.payments.errors import (
        InvalidRequest,
        Misconfigured,
        RateLimited,
        StoredFailure,
        Unreachable,
    )

    if isinstance(problem, Misconfigured):
        return "Stripe refused STRIPE_SECRET_KEY"
    if isinstance(problem, RateLimited):
        return "Stripe asks for fewer requests; try again in a minute"
    if isinstance(problem, Unreachable):
        return f"Stripe cannot be reached ({problem})"
    if isinstance(problem, StoredFailure):
        return f"Stripe has a problem of its own ({problem}); try again in a minute"
    if isinstance(problem, InvalidRequest):
        return f"Stripe refused what it was asked ({problem})"
    return f"Stripe did not answer as it should ({problem})"
