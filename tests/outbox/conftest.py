from datetime import UTC, datetime
from typing import Any

import pytest

from storefront.outbox.mailer import Mailer
from storefront.outbox.models import Message
from storefront.settings import Settings
from storefront.web.assets import Assets
from storefront.web.templates import Templates
from tests.outbox.letters import ORDER


@pytest.fixture
def templates(settings: Settings) -> Templates:
    return Templates(settings, Assets(settings))


@pytest.fixture
def mailer(settings: Settings, templates: Templates) -> Mailer:
    """Keeps messages as files."""
    return Mailer(settings, templates)


@pytest.fixture
def message() -> Message:
    """A confirmation as it comes out of the database."""
    data: dict[str, Any] = dict(ORDER)
    return Message(
        id=1,
        key="order:1:order-paid",
        recipient="anna@example.org",
        template="order-paid",
        language="en",
        data=data,
        message_id="0a" * 16 + "@storefront",
        tries=1,
        created_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    )
