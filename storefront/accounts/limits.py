"""How often somebody may try. Generous to many people behind one address, mean to one who guesses.

A try that turns out well is given back, so that these count mistakes where it says so. docs/security.md explains them.
"""

from storefront.language import ngettext
from storefront.web.limits import Limits, Rule, TooOften, mailbox_of, network_of
from storefront.web.request import ShopRequest

QUARTER, HOUR = 15 * 60, 60 * 60

# Mistakes in a quarter of an hour: of one network at one account, of a whole site's networks at one account (a customer
# may have thousands of /64s), of everybody at one account, of one network.
SIGN_IN_HERE = Rule("sign-in-here", 10, QUARTER)
SIGN_IN_SITE = Rule("sign-in-site", 20, QUARTER)
SITE = 48
SIGN_IN_ACCOUNT = Rule("sign-in-account", 50, QUARTER)
SIGN_IN_NETWORK = Rule("sign-in-network", 300, QUARTER)
# Mistakes of somebody who is signed in, or half way in: the password asked for once more, the code.
PASSWORD = Rule("password", 10, QUARTER)
CODE = Rule("code", 10, QUARTER)
# Messages to one mailbox, and asked for by one network.
MAIL_ADDRESS = Rule("mail-address", 5, HOUR)
MAIL_NETWORK = Rule("mail-network", 300, HOUR)


async def try_to_sign_in(limits: Limits, request: ShopRequest, email_key: str) -> list[tuple[Rule, str]]:
    """Count a try to sign in. Raises TooOften. Gives what forgive() is to take back if it was right."""
    counted = [*_at_account(request, email_key), (SIGN_IN_NETWORK, network_of(request))]
    await limits.meet(request, *counted)
    return counted


def helped_by_reset(refusal: TooOften) -> bool:
    """Whether a new password by mail lets in at once: it wipes out the mistakes at the account, not the network's."""
    return SIGN_IN_NETWORK.name not in refusal.rules


def why_wait(refusal: TooOften) -> str:
    """The sentence for a sign-in that was refused. It is the same for an address that nobody has an account with."""
    if not helped_by_reset(refusal):
        return ngettext(
            "Passwords from your network were wrong too often. Please wait %(n)s minute and try again.",
            "Passwords from your network were wrong too often. Please wait %(n)s minutes and try again.",
            refusal.minutes,
        )
    return ngettext(
        "The password for this e-mail address was wrong too often, so none is looked at for now, not even the right "
        "one. Please wait %(n)s minute and try again. With a new password by mail you need not wait:",
        "The password for this e-mail address was wrong too often, so none is looked at for now, not even the right "
        "one. Please wait %(n)s minutes and try again. With a new password by mail you need not wait:",
        refusal.minutes,
    )


async def let_try_again(limits: Limits, request: ShopRequest, email_key: str) -> None:
    """Forget the mistakes at an account whose owner has just proved to be one: others may have made them."""
    for rule, key in _at_account(request, email_key):
        await limits.forget(rule, key)


def _at_account(request: ShopRequest, email_key: str) -> list[tuple[Rule, str]]:
    return [
        (SIGN_IN_HERE, f"{email_key} {network_of(request)}"),
        (SIGN_IN_SITE, f"{email_key} {network_of(request, bits=SITE)}"),
        (SIGN_IN_ACCOUNT, email_key),
    ]


async def forgive(limits: Limits, counted: list[tuple[Rule, str]]) -> None:
    for rule, key in counted:
        await limits.give_back(rule, key)


async def try_to_send(limits: Limits, request: ShopRequest, email: str) -> None:
    """Count a message that somebody asks to have sent to an address, known or not. Raises Refused 429."""
    await limits.meet(request, (MAIL_ADDRESS, mailbox_of(email)), (MAIL_NETWORK, network_of(request)))
