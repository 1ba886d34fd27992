"""How often somebody may try. Generous to many people behind one address, mean to one who guesses.

A try that turns out well is given back, so that these count mistakes where it says so. docs/security.md explains them.
"""

from storefront.web.limits import Limits, Rule, network_of
from storefront.web.request import ShopRequest

QUARTER, HOUR = 15 * 60, 60 * 60

# Mistakes in a quarter of an hour: of one network at one account, of everybody at one account, of one network.
SIGN_IN_HERE = Rule("sign-in-here", 10, QUARTER)
SIGN_IN_ACCOUNT = Rule("sign-in-account", 50, QUARTER)
SIGN_IN_NETWORK = Rule("sign-in-network", 300, QUARTER)
# Mistakes of somebody who is signed in, or half way in: the password asked for once more, the code.
PASSWORD = Rule("password", 10, QUARTER)
CODE = Rule("code", 10, QUARTER)
# Messages to one address, and asked for by one network.
MAIL_ADDRESS = Rule("mail-address", 5, HOUR)
MAIL_NETWORK = Rule("mail-network", 300, HOUR)


async def try_to_sign_in(limits: Limits, request: ShopRequest, email_key: str) -> list[tuple[Rule, str]]:
    """Count a try to sign in. Raises Refused 429. Gives what forgive() is to take back if it was right."""
    network = network_of(request)
    counted = [
        (SIGN_IN_HERE, f"{email_key} {network}"),
        (SIGN_IN_ACCOUNT, email_key),
        (SIGN_IN_NETWORK, network),
    ]
    await limits.meet(request, *counted)
    return counted


async def forgive(limits: Limits, counted: list[tuple[Rule, str]]) -> None:
    for rule, key in counted:
        await limits.give_back(rule, key)


async def try_to_send(limits: Limits, request: ShopRequest, email_key: str) -> None:
    """Count a message that somebody asks to have sent to an address, known or not. Raises Refused 429."""
    await limits.meet(request, (MAIL_ADDRESS, email_key), (MAIL_NETWORK, network_of(request)))
