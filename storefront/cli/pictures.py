"""storefront pictures add."""

import re
from pathlib import Path

import click

from storefront.cli.start import fail, with_database
from storefront.cli.words import many
from storefront.database import Database
from storefront.settings import Settings, need_folder

LONGEST_ALT = 200
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@click.group()
def pictures() -> None:
    """Pictures of products."""


@pictures.command()
@click.argument("product")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--alt", required=True, help="What it shows, in a sentence, for those who cannot see it.")
@click.option("--first", is_flag=True, help="Put it before the others: cards show the first one.")
def add(product: str, file: Path, alt: str, first: bool) -> None:
    """Add the JPEG, PNG or WebP picture FILE to PRODUCT, a slug or a SKU."""
    from storefront.catalogue.illustrate import add_picture, find_product
    from storefront.catalogue.photo import NoPhoto, keep_photo

    words = " ".join(alt.split())
    if not words or len(words) > LONGEST_ALT or not words.isprintable():
        fail(f"--alt: say what the picture shows, in at most {LONGEST_ALT} characters")

    async def work(found: Settings, database: Database) -> int:
        async with database.reads() as session:
            slug = (await find_product(session, product)).slug
        need_folder("MEDIA_DIR", found.media_dir)
        kept = keep_photo(file, slug if SLUG.fullmatch(slug) else "picture", found.media_dir)
        async with database.writes() as session:
            return await add_picture(session, product, kept, words, first=first)

    try:
        count = with_database(work)
    except LookupError as error:
        fail(str(error))
    except NoPhoto as error:
        fail(f"{file.name}: {error}")
    else:
        click.echo(f"{product} has {many(count, 'picture')}")
