# What the rules beside this file must find, and what they must not. Read by `semgrep --test`, never run.
from whatever import *


async def transaction_open(database, gateway, room):
    async with database.writes() as session:
        # ruleid: no-transaction-open-across-stripe
        await gateway.session("cs_1")
    async with room.database.reads() as session:
        # ruleid: no-transaction-open-across-stripe
        found = await room.gateway.session("cs_1")
    # ok: no-transaction-open-across-stripe
    await gateway.session("cs_1")
    async with database.writes() as session:
        await settle(session, found)


def catalogue(self):
    # ruleid: stripes-catalogue-is-only-read
    self.client.v1.products.create_async(params={})
    # ruleid: stripes-catalogue-is-only-read
    client.v1.promotion_codes.create(params={})
    # ok: stripes-catalogue-is-only-read
    self.client.v1.prices.list_async(params={})


async def form(request):
    # ruleid: forms-are-read-by-our-own-reader
    fields = await request.form()
    # ok: forms-are-read-by-our-own-reader
    fields = await read_form(request)


def statements(name):
    # ruleid: no-words-in-sql
    text(f"SELECT * FROM products WHERE title = '{name}'")
    # ruleid: no-words-in-sql
    text("SELECT * FROM products WHERE title = '%s'" % name)
    # ok: no-words-in-sql
    text("SELECT * FROM products WHERE title = :title")


def secrets(key, body, given):
    # ruleid: secrets-are-compared-in-constant-time
    if hmac.new(key, body, "sha256").hexdigest() == given:
        pass
    # ok: secrets-are-compared-in-constant-time
    if hmac.compare_digest(hmac.new(key, body, "sha256").hexdigest(), given):
        pass


def cookies():
    # ruleid: cookies-say-who-may-send-them
    Cookie("cart", value="x", httponly=True)
    # ok: cookies-say-who-may-send-them
    Cookie("cart", value="x", httponly=True, samesite="lax")
    # ok: cookies-say-who-may-send-them
    Cookie("cart", value="", max_age=0)


def ledger(session, account):
    # ruleid: the-ledger-is-written-in-one-place
    session.add(CreditEntry(account_id=1, amount=5))
    # ruleid: the-ledger-is-written-in-one-place
    session.execute(update(CreditBalance).values(balance=5))
    # ok: the-ledger-is-written-in-one-place
    select(CreditEntry)


def stock(session, variant):
    # ruleid: stock-is-changed-in-one-place
    session.execute(update(Variant).where(Variant.id == 1).values(held=5))
    # ruleid: stock-is-changed-in-one-place
    variant.on_hand = 5
    # ok: stock-is-changed-in-one-place
    session.execute(update(Variant).where(Variant.id == 1).values(price=5))


def time():
    # ruleid: time-is-the-shops-clock
    datetime.now(UTC)
    # ok: time-is-the-shops-clock
    now()
