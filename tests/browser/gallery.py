"""The workshop's gallery as states like those of the shop itself."""

from storefront.workshop.states import STATES
from tests.browser.scene import Reach, at

GALLERY: dict[str, Reach] = {f"gallery-{state.name}": at(f"/_gallery/{state.name}") for state in STATES}
