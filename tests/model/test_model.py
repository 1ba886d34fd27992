"""Stories that nobody thought of, with fixed seeds; `make soak` tells new ones for as long as asked."""

import pytest

from tests.model.machine import story_in
from tests.model.telling import a_world, tell

STORIES = {"sqlite": 18, "postgresql": 12}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_story_ends_well(kind: str) -> None:
    with a_world(kind) as world:
        story = story_in(world)
        tell(story, stories=STORIES[kind])
    assert story.violations == []
    assert story.steps > 10 * STORIES[kind]
