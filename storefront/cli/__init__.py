"""The storefront command. Every command ends with 0, or with one line on standard error."""

import click

from storefront.cli.accounts import create_admin, sign_out, two_step_off
from storefront.cli.credits import credits
from storefront.cli.messages import messages
from storefront.cli.orders import orders
from storefront.cli.pictures import pictures
from storefront.cli.promotions import promotions_group
from storefront.cli.shop import delivery, migrate, seed, stock, worker
from storefront.cli.start import fail
from storefront.cli.stripe import check, stripe
from storefront.cli.theme import theme
from storefront.database import Busy
from storefront.settings import WrongSettings


@click.group()
def commands() -> None:
    """Run and look after the shop."""


for command in (
    migrate,
    seed,
    delivery,
    stock,
    orders,
    pictures,
    promotions_group,
    messages,
    stripe,
    worker,
    check,
    create_admin,
    sign_out,
    two_step_off,
    credits,
    theme,
):
    commands.add_command(command)


def main() -> None:
    """Run one command as its name and options on the command line say."""
    try:
        commands.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        fail(f"say what to do; {error.ctx.command_path if error.ctx else 'storefront'} --help lists it")
    except click.ClickException as error:
        fail(" ".join(error.format_message().split()))
    except click.Abort:
        fail("stopped")
    except Busy:
        fail("the database is busy with something else for too long; please try again")
    except (OSError, WrongSettings) as error:
        fail(str(error))
