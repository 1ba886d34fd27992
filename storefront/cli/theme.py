"""storefront theme …: checking templates, copying one into a theme, and what changed since."""

from pathlib import Path

import click

from storefront.cli.start import fail, settings
from storefront.cli.words import many

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True)


@click.group()
def theme() -> None:
    """Look after a theme: a folder with templates/ and static/ that lies over the shop's own."""


@theme.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--own", is_flag=True, help="The shop's own templates, whatever THEME says.")
def check(folder: Path | None, own: bool) -> None:
    """Look for mistakes in the theme FOLDER, else in THEME, else in the shop's own templates and styles."""
    from storefront.workshop.check.look import check as look

    found = settings()
    place = "" if own else str(folder) if folder else found.theme
    problems = look(found.model_copy(update={"theme": place, "live_reload": False}))
    for problem in problems:
        click.echo(str(problem))
    if problems:
        fail(many(len(problems), "problem"))
    click.echo("no problems")


@theme.command()
@click.argument("path")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), help="The theme's folder; THEME otherwise."
)
def eject(path: str, into: Path | None) -> None:
    """Copy the shop's own PATH, such as cart/_line.html or css/tokens.css, into the theme."""
    from storefront.workshop.eject import NotEjected
    from storefront.workshop.eject import eject as copy

    folder = _folder(into)
    try:
        click.echo(str(_short(folder / copy(folder, path))))
    except (LookupError, NotEjected) as error:
        fail(str(error.args[0]))


@theme.command()
@click.argument("path", required=False)
@click.option("--into", type=FOLDER, help="The theme's folder; THEME otherwise.")
@click.option(
    "--taken",
    is_flag=True,
    help="You have taken PATH's changes over: compare with today's original from now on.",
)
def diff(path: str | None, into: Path | None, taken: bool) -> None:
    """Show which originals of the theme's files changed since they were ejected, and how."""
    from storefront.workshop.eject import changes, find, keep

    folder = _folder(into)
    try:
        wanted = find(path) if path else None
    except LookupError as error:
        fail(str(error.args[0]))
    if taken:
        if wanted is None or not (folder / wanted).is_file():
            fail("name a file of the theme that lies over the shop's own")
        keep(folder, wanted)
        click.echo(f"{wanted}: compared with today's original from now on")
        return
    found = [one for one in changes(folder) if wanted in {None, one.path}]
    for one in found:
        click.echo(f"{one.path}: {one.text}")
        for line in one.lines:
            click.echo(line)
    if not found:
        click.echo("nothing has changed")


def _folder(given: Path | None) -> Path:
    theme = given.resolve() if given else settings().theme
    if not theme:
        fail("say which theme: set THEME, or give --into FOLDER")
    return Path(theme)


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
