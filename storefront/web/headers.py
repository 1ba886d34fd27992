"""The headers that every answer carries unless it brings its own."""

from functools import lru_cache
from urllib.parse import urlsplit

from storefront.settings import LOOPBACK_NAMES, Settings

STRIPE_CHECKOUT = "https://checkout.stripe.com"
OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


class SecurityHeaders:
    """Content-Security-Policy and its company. `form-action` names where Stripe's page is, since browsers apply it
    to the redirect that follows a form post."""

    def __init__(self, settings: Settings) -> None:
        self.sandbox = settings.uses_sandbox
        self.pay_origin = ""
        if settings.stripe_api_base:
            parts = urlsplit(settings.stripe_api_base)
            self.pay_origin = f"{parts.scheme}://{parts.netloc}"
        self.https = settings.base_url.startswith("https://")
        self.for_host = lru_cache(maxsize=64)(self._for_host)

    def _for_host(self, scheme: str, host: str) -> tuple[tuple[bytes, bytes], ...]:
        origins = ["'self'", STRIPE_CHECKOUT]
        if self.pay_origin:
            origins.append(self.pay_origin)
        if self.sandbox:
            origins.extend(other_loopback_origin(scheme, host))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action {' '.join(origins)}"
        )
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "strict-origin-when-cross-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            # By it static/js/shop.js tells the shop's answers from a proxy's, which have no place in a page.
            "x-shop": "1",
        }
        if self.https:
            headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        return tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items())


def other_loopback_origin(scheme: str, host: str) -> list[str]:
    """The other loopback name of the same server, where the sandbox's pages are; nothing for other hosts."""
    name, colon, port = host.partition(":")
    if name not in LOOPBACK_NAMES or name not in OTHER_NAME or not (port.isdigit() or not port):
        return []
    return [f"{scheme}://{OTHER_NAME[name]}{colon}{port}"]
