"""Stories in which the model found something wrong, shortened; each must end well for ever."""

from collections.abc import Iterator

import pytest

from tests.model.machine import Story, story_in
from tests.model.telling import a_world
from tests.model.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with a_world(request.param) as made:
        yield made


@pytest.fixture
def state(world: World) -> Iterator[Story]:
    """The story, as Hypothesis's scripts call it; it ends with the test."""
    story = story_in(world)()
    yield story
    story.teardown()


def test_an_event_waits_while_stripe_is_away(state: Story) -> None:
    """It was answered with 500: the row that should keep it had no time of arrival yet."""
    state.begin(move="buy", n=0, m=0)
    state.on_the_page(move="pay_delayed", n=0, m=0)
    state.trouble(move="stripe_down", which=0, n=1, m=0)
    state.news(move="deliver_rest", which=0, n=0, m=0)


def test_who_orders_something_else_is_not_led_to_pay_an_order_whose_debit_failed(state: Story) -> None:
    """Nobody had told the shop of the failure: it heard of it when it wanted to close the old order's page."""
    state.begin(move="buy", n=5, m=1)
    state.on_the_page(move="pay_delayed", n=0, m=7)
    state.wait(seconds=2678400)
    state.cart(move="order_changed", which=0, n=5, m=5)
