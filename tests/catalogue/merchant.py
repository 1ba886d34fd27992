"""A merchant at Stripe's Dashboard: products and prices in a sandbox, and the shop beside it that reads them."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from storefront.catalogue.apply import Outcome
from storefront.catalogue.models import Product, Variant
from storefront.database import Database
from storefront.payments.gateway import Gateway
from storefront.payments.sync import sync_catalogue
from storefront.sandbox import Sandbox, catalogue, faults
from storefront.settings import Settings

Obj = dict[str, Any]


async def nobody(_body: bytes, _headers: dict[str, str]) -> int:
    raise ConnectionError


@dataclass
class Merchant:
    """Steers one sandbox, and reads what came of it in the shop's database."""

    database: Database
    settings: Settings
    sandbox: Sandbox
    gateway: Gateway
    told: list[Outcome] = field(default_factory=list)

    async def product(self, name: str, amount: int | None = None, **more: Any) -> Obj:
        """A product, with a default price of `amount` US cents if given."""
        given = {"name": name, **more}
        if amount is not None:
            given["default_price_data"] = {"currency": "usd", "unit_amount": amount}
        return await self.sandbox.store.write(lambda books: catalogue.create_product(books, given))

    async def price(self, product: Obj, amount: int, currency: str = "usd", **more: Any) -> Obj:
        given = {"product": product["id"], "currency": currency, "unit_amount": amount, **more}
        return await self.sandbox.store.write(lambda books: catalogue.create_price(books, given))

    async def change(self, thing: Obj, **changes: Any) -> Obj:
        """Change a product or price as Stripe lets one."""
        update = catalogue.update_product if thing["object"] == "product" else catalogue.update_price
        return await self.sandbox.store.write(lambda books: update(books, thing["id"], changes))

    async def bend(self, thing: Obj, **changes: Any) -> None:
        """Make an object what the sandbox would not let one make, and Stripe would."""
        await self.sandbox.store.write(lambda books: books.save({**thing, **changes}))

    async def delete(self, product: Obj) -> None:
        await self.sandbox.store.write(lambda books: catalogue.delete_product(books, product["id"]))

    async def forget(self, product: Obj) -> None:
        """Stripe has never heard of it."""
        await self.sandbox.store.write(lambda books: books.remove(product["id"]))

    async def fault(self, match: str, kind: str, **more: Any) -> None:
        fields = {"match": match, "kind": kind, "when": "before", "times": None, **more}
        await self.sandbox.store.write(lambda books: faults.order(books, fields))

    async def sync(self, **options: Any) -> Counter[str]:
        """storefront stripe sync; `told` then holds what was said."""
        self.told = []
        found = await sync_catalogue(
            self.database, self.gateway, self.settings, on_outcome=self.told.append, **options
        )
        return Counter({what: number for what, number in found.items() if what != "unchanged"})

    def why(self, thing: Obj) -> str:
        """What was said of a product or price."""
        return next(one.text for one in self.told if one.id == thing["id"])

    async def here(self, product: Obj) -> tuple[Product, list[Variant]]:
        """The product in the shop with its variants, archived ones too."""
        async with self.database.reads() as session:
            found = (await session.scalars(select(Product).where(Product.stripe_id == product["id"]))).one()
            query = (
                select(Variant).where(Variant.product_id == found.id).order_by(Variant.position, Variant.id)
            )
            return found, list(await session.scalars(query))

    async def variant(self, product: Obj) -> Variant:
        """The one variant that is sold of it."""
        [variant] = [one for one in (await self.here(product))[1] if not one.archived]
        return variant


def merchant_at(database: Database, settings: Settings, folder: Path) -> Merchant:
    sandbox = Sandbox(folder / "stripe.db", nobody)
    return Merchant(database, settings, sandbox, Gateway(settings, sandbox.api))
