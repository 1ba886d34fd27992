"""POST /webhooks/stripe: Stripe only."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import structlog
from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException

from storefront.database import Database
from storefront.payments.gateway import Gateway
from storefront.payments.inbox import receive
from storefront.payments.signature import BadSignature, NoEvent, verified_event
from storefront.settings import Settings
from storefront.web.answers import PRIVATE
from storefront.web.limits import Limit, network_of
from storefront.web.request import ShopRequest

log = structlog.get_logger()

MOST_BYTES = 1_000_000
REFUSED_A_MINUTE = 300


@dataclass(frozen=True)
class PaymentsRoom:
    """What the webhook works with; `secrets` may sign, the first or any other."""

    settings: Settings
    database: Database
    gateway: Gateway
    secrets: tuple[str, ...]
    refused: Limit


class WebhookController(Controller):
    @post("/webhooks/stripe", status_code=200, opt={"any_origin": True}, request_max_body_size=MOST_BYTES)
    async def stripe(
        self, request: ShopRequest, payments_room: NamedDependency[PaymentsRoom]
    ) -> Response[str]:
        """400 for what Stripe did not sign, 500 when it cannot be stored, else 200 once it is stored."""
        room = payments_room
        client = request.client.host if request.client else ""
        if not _allowed(room.settings, client):
            return _plain(403, "not from here")
        try:
            body = await request.body()
        except HTTPException as error:
            # Too large, too slow, or broken off: no page either.
            return _plain(error.status_code, error.detail, error.headers)
        try:
            event = verified_event(body, request.headers.get("stripe-signature"), room.secrets)
        except BadSignature as error:
            # Only what was refused counts and is turned away: Stripe may share an address with whoever does this.
            network = network_of(request)
            wait = room.refused.wait(network)
            if wait:
                return _plain(429, "too many refused deliveries", {"retry-after": str(wait)})
            room.refused.count(network)
            log.warning("webhook refused", why=str(error))
            return _plain(400, str(error) if isinstance(error, NoEvent) else "the signature does not fit")
        try:
            state = await receive(room.database, room.gateway, room.settings, event)
        except Exception as error:
            log.error("webhook not stored", event_id=event["id"], type=event["type"], exc_info=error)
            return _plain(500, "it could not be stored; please send it again")
        return _plain(200, state)


def _allowed(settings: Settings, client: str) -> bool:
    if not settings.webhook_allowed_ips:
        return True
    try:
        address = ip_address(client)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in settings.webhook_allowed_ips)


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response[str]:
    return Response(text, status_code=status, media_type="text/plain", headers={**PRIVATE, **(headers or {})})
