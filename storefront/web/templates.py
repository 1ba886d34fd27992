"""Jinja: one environment, strict about names, with the holes that public pages leave for each visitor."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jinja2 import StrictUndefined, TemplateNotFound
from markupsafe import Markup

from storefront import language
from storefront.language import later
from storefront.settings import Settings
from storefront.web.answers import left_notice
from storefront.web.assets import Assets
from storefront.web.edge import LIVE
from storefront.web.environment import Pages
from storefront.web.pictures import Pictures
from storefront.web.request import ShopRequest
from storefront.web.saved import Saved, look
from storefront.web.speech import in_languages
from storefront.web.theme import folders, loader
from storefront.web.words import counted, said

# A marker can never come from the catalogue: control characters do not pass the shop's forms or its seeds.
HOLE_MARK = "\x02hole:%s\x03"
LOOK_EVERY = 0.5
MOST_BADGES = 1000
NOTICES = {
    "cancelled": ("info", later("You have not paid, and nothing was charged. Your cart is as you left it.")),
    "given-up": ("info", later("The order is cancelled. Nothing was charged.")),
    "called-off": ("success", later("The order is cancelled. Your money goes back the way you paid it.")),
    "confirmed-again": ("success", later("The confirmation is on its way to you again.")),
    "put-back": (
        "success",
        later("The things from that order are in your cart, as many as you had ordered."),
    ),
    "put-back-already": ("info", later("The things from that order are in your cart already.")),
    "put-back-some": ("info", later("What can still be had of that order is in your cart again.")),
    "shared-put-back": ("success", later("What was shared with you is in your cart.")),
    "shared-put-back-already": ("info", later("What was shared with you is in your cart already.")),
    "shared-some": ("info", later("What can be had of what was shared with you is in your cart.")),
    "shared-gone": ("error", later("Nothing of what was shared with you can be had any more.")),
    "gone": ("error", later("Nothing of that order can be had any more.")),
    "mended": ("info", later("Your cart holds what can be had of it. Please check the total.")),
    "empty": ("info", later("Your cart is empty, so there is nothing to check out.")),
    "credits-need-account": (
        "info",
        later(
            "Credits are kept in an account. Sign in or create one; your cart and what you typed are kept."
        ),
    ),
    "registered": ("success", later("Welcome. Your account is ready.")),
    "account-exists": ("info", later("There is an account under this address already. Please sign in.")),
    "carts-joined": ("info", later("Your cart now also holds what was in your account’s cart.")),
    "carts-joined-short": (
        "info",
        later("Your cart now also holds what was in your account’s cart, as far as it can still be had."),
    ),
    "signed-out": ("info", later("You are signed out.")),
    "signed-out-everywhere": ("info", later("You are signed out everywhere.")),
    "session-ended": ("success", later("That device is signed out.")),
    "password-changed": ("success", later("Your password is changed. Please sign in with the new one.")),
    "password-changed-here": (
        "success",
        later("Your password is changed. Everywhere else you are signed out."),
    ),
    "address-confirmed": ("success", later("Your e-mail address is confirmed.")),
    "orders-claimed": ("success", later("Your earlier orders are in the list now.")),
    "address-kept": ("success", later("The address is kept.")),
    "address-removed": ("success", later("The address is removed.")),
    "second-off": ("info", later("The second step is off.")),
    "account-deleted": ("info", later("Your account is deleted.")),
}


class NavEntry(NamedTuple):
    """A place in the navigation. `current` says that it is the open page."""

    title: str
    url: str
    current: bool = False


class Templates:
    """The environment and what every page is given. `navigation` is a function, since it follows the catalogue."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._assets = assets
        self.asset, self.styles, self.static_folders = assets.url, assets.styles, assets.folders
        self.pictures = Pictures(settings)
        self.navigation: Callable[[], tuple[NavEntry, ...]] = tuple
        self.environment = Pages(
            loader=loader(settings.theme),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # see `stamp`
            cache_size=-1,
        )
        self.environment.globals.update(
            _=said,
            ngettext=counted,
            asset=assets.url,
            styles=assets.styles,
            live_script=self.live_script,
            at=language.at,
            spoken=language.spoken,
            hole=lambda name: Markup(HOLE_MARK % name),  # noqa: S704 - a constant of ours
            shop={
                "name": settings.shop_name,
                "email": settings.shop_email,
                "currency": settings.currency,
                "withdrawal": settings.withdrawal_days > 0,
                "development": not settings.production,
            },
        )
        self.shop_name = settings.shop_name
        self.live = not settings.production
        self._reloads = self.live and settings.live_reload
        self._folders = [*folders(settings.theme, "templates"), *assets.folders]
        self._looked = 0.0
        self._saved = Saved()
        self._badges: dict[tuple[str, int, int], str] = {}

    def stamp(self) -> int:
        """A number that changes when a template or a static file is saved, upon which templates are read anew; always
        0 in production."""
        return self.saved().stamp if self.live else 0

    def saved(self, every: float = LOOK_EVERY) -> Saved:
        """What the folders hold, looked at anew when the last look is older than `every` seconds."""
        if time.monotonic() - self._looked > every:
            found = look(self._folders)
            if found != self._saved:
                self.environment.forget()
                self._assets.look_again()
            self._looked, self._saved = time.monotonic(), found
        return self._saved

    def live_script(self) -> str:
        """The address of the script that reloads an open page when something was saved; "" where nothing does."""
        return f"{LIVE}.js?page={self.saved().pages}" if self._reloads else ""

    def in_language(self, template: str) -> str:
        """The template of that name in a folder of the spoken language, such as pages/de/terms.html, where there is
        one; else the name as it is."""
        folder, _, name = template.rpartition("/")
        own = f"{folder}/{language.spoken().code}/{name}"
        loader = self.environment.loader
        assert loader is not None
        with suppress(TemplateNotFound):
            loader.get_source(self.environment, own)
            return own
        return template

    def render(self, template: str, **context: Any) -> str:
        """A fragment: the template with its names and nothing else."""
        self.stamp()
        return self.environment.get_template(template).render(context)

    def badge(self, count: int) -> str:
        """The badge, which stands on every page."""
        key = (language.spoken().code, count, self.stamp())
        badge = self._badges.get(key)
        if badge is None:
            if len(self._badges) >= MOST_BADGES:
                self._badges.clear()
            badge = self._badges[key] = self.render("components/badge.html", count=count)
        return badge

    def page(
        self,
        template: str,
        *,
        title: str,
        path: str,
        description: str = "",
        canonical: str = "",
        noindex: bool = False,
        json_ld: str = "",
        image: str = "",
        error: bool | dict[str, Any] = False,
        count: int | None = None,
        notice: dict[str, Any] | None = None,
        holes: bool = False,
        here: str = "",
        **context: Any,
    ) -> str:
        """A whole page. With `holes` the marks stay in, to be filled per visitor; else they are filled now with
        the badge's `count` (None: unknown) and the `notice`. `path`, `canonical` (the whole address) and `here` (the
        path with what of the query counts, where a change of language leads) are those of the default language.
        `image` is a whole address, for links to the page."""
        names: dict[str, Any] = dict(context)
        if isinstance(error, dict):
            names["error"] = error
        base = canonical.removesuffix(urlsplit(canonical).path)
        in_all = in_languages(canonical.removeprefix(base), base) if canonical else []
        names["page"] = {
            "title": title if title == self.shop_name else f"{title} – {self.shop_name}",
            "heading": title,
            "description": description,
            "canonical": next((str(one["url"]) for one in in_all if one["current"]), ""),
            "alternates": in_all,
            "languages": in_languages("/" if error or not path else here or path),
            "noindex": noindex,
            "image": image,
            "json_ld": Markup(json_ld.replace("<", "\\u003c")) if json_ld else "",  # noqa: S704 - escaped here
            "nav": tuple(one._replace(current=True) if one.url == path else one for one in self.navigation()),
            "path": path,
            "error": error is True,
        }
        text = self.render(template, **names)
        return text if holes else fill(text, self.hole_values(count, notice))

    def notice(self, request: ShopRequest) -> dict[str, Any] | None:
        """The sentence that an earlier answer left for this page, if it is one that the shop says."""
        left = left_notice(request)
        if left is None or left[0] not in NOTICES:
            return None
        kind, text = NOTICES[left[0]]
        return {"kind": kind, "text": language.gettext(text), "undo": None}

    def hole_values(self, count: int | None, notice: dict[str, Any] | None) -> dict[str, str]:
        """What goes into the holes of a page for one visitor."""
        return {
            "badge": self.badge(count or 0),
            "notice": self.render("components/notice.html", notice=notice) if notice else "",
            "offer": "",
        }


def fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(HOLE_MARK % name, value)
    return text
