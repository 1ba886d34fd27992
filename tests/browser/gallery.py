"""The workshop's gallery as states like those of the shop itself."""

from storefront.workshop.states import STATES
from tests.browser.scene import Reach, at
from tests.browser.states import STATES as SHOP

# What the shop's own states do not show already, under the same name.
ONLY_HERE = [f"gallery-{state.name}" for state in STATES if state.name not in SHOP]
GALLERY: dict[str, Reach] = {f"gallery-{state.name}": at(f"/_gallery/{state.name}") for state in STATES}
