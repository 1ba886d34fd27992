"""Signed and hostile deliveries that others wrote down, with the answer that each must get."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from storefront.database import Database
from storefront.payments import signature
from storefront.payments.models import StripeEvent
from storefront.payments.signature import BadSignature, verified_event
from storefront.settings import Settings
from tests.conftest import missing
from tests.payments.stripe_objects import SHARED
from tests.stripe_double import SECRET, signed
from tests.web.inside import quick_settings, shop_inside


@pytest.fixture(scope="module")
def vectors() -> list[dict[str, Any]]:
    path = SHARED / "webhook-vectors.json"
    if not path.exists():
        missing("webhook-vectors.json", f"It belongs into {SHARED}.")
    return list(json.loads(path.read_text("utf-8"))["vectors"])


def test_every_vector_is_told_apart(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        body, header = base64.b64decode(vector["body_b64"]), vector["headers"].get("Stripe-Signature")
        try:
            event = verified_event(body, header, vector["secrets"], vector["at"])
        except BadSignature:
            answer = 400
        else:
            answer = 200
            assert event["id"].startswith("evt_")
        assert answer == vector["expect"], f"{vector['name']}: {vector['why']}"


async def test_the_endpoint_answers_every_vector_and_stores_the_good_ones_alone(
    vectors: list[dict[str, Any]],
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for secrets in {tuple(vector["secrets"]) for vector in vectors}:
        settings = Settings(
            _env_file=None,
            DATABASE_URL=database.url,
            OUTBOX_DIR=tmp_path,
            WORKER="separate",
            STRIPE_SECRET_KEY="sk_test_" + "vectors",
            STRIPE_API_BASE="http://127.0.0.1:9",
            STRIPE_CONNECTIVITY_CHECK="false",
            STRIPE_WEBHOOK_SECRET=",".join(secrets),
        )
        async with shop_inside(settings) as client:
            for vector in vectors:
                if tuple(vector["secrets"]) != secrets:
                    continue
                monkeypatch.setattr(signature, "time", SimpleNamespace(time=lambda at=vector["at"]: at))
                before = await _stored(database)
                headers = {name: value.encode() for name, value in vector["headers"].items()}
                body = base64.b64decode(vector["body_b64"])
                answer = await client.post("/webhooks/stripe", content=body, headers=headers)
                assert answer.status_code == vector["expect"], f"{vector['name']}: {vector['why']}"
                if vector["expect"] == 400:
                    assert await _stored(database) == before
    ids = {json.loads(base64.b64decode(v["body_b64"]))["id"] for v in vectors if v["expect"] == 200}
    assert await _stored(database) == len(ids)


async def _stored(database: Database) -> int:
    async with database.reads() as session:
        return int(await session.scalar(select(func.count()).select_from(StripeEvent)) or 0)


async def test_a_key_without_a_webhook_secret_lets_nothing_in(sqlite_template: Path, tmp_path: Path) -> None:
    async with shop_inside(quick_settings(sqlite_template, tmp_path)) as client:
        for secret in ("", "whsec_" + "double", "whsec_" + "sandbox"):
            body, header = signed(b'{"id": "evt_1"}', secret)
            answer = await client.post("/webhooks/stripe", content=body, headers={"stripe-signature": header})
            assert answer.status_code == 400


async def test_who_sends_too_much_rubbish_is_told_to_wait(sqlite_template: Path, tmp_path: Path) -> None:
    settings = quick_settings(sqlite_template, tmp_path, STRIPE_WEBHOOK_SECRET=SECRET)
    async with shop_inside(settings) as client:
        answers = [await client.post("/webhooks/stripe", content=b"{}") for _ in range(700)]
    statuses = [one.status_code for one in answers]
    assert statuses[:300] == [400] * 300
    # When the minute ends among the last ones, those are heard again.
    refused = answers[statuses.index(429)]
    assert 0 < int(refused.headers["retry-after"]) <= 60
