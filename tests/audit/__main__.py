"""What others' tools say of the shop: python -m tests.audit [--only lighthouse|markup|styles] [--write FILE].

Needs npm and Java beside Chromium; nothing of them is needed to run or to change the shop.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import httpx

from tests.audit.lighthouse import SCORES, TIMES, Verdict, judge
from tests.audit.markup import markup, styles
from tests.audit.tools import needed
from tests.bench.report import AUDITS
from tests.browser.chromium import NAMES
from tests.shop import Running, running_shop

PAGES = {
    "home": "/",
    "listing": "/products",
    "product": "/products/lavender-soap",
    "cart": "/cart",
    "checkout": "/checkout",
}
MORE = {
    "german": "/de",
    "collections": "/collections",
    "results": "/search?q=soap",
    "contact": "/pages/contact",
    "sign-in": "/account/sign-in",
    "pricing": "/pricing",
    "lookup": "/orders/lookup",
    "missing": "/no-such-page",
}
WORDS = """\
`make audit`: Lighthouse 12.8.2 as on a phone with a slow line (medians of three; for cart and checkout, which are not
for search engines, without the question whether these may come in), the Nu HTML checker over {pages} pages, stylelint
over the styles. The goals: performance at least 95, the rest 100; the largest paint within 1.8 s, 100 ms of blocking,
no shift. For comparison, Shopify's Dawn sends 28.9 kB of compressed CSS in 20 files and 13.8 kB of JavaScript in 10
with its home page, 33.2 kB and 19.4 kB with a product."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["lighthouse", "markup", "styles"])
    parser.add_argument("--write", metavar="FILE", help="put the table into that page, after its own")
    asked = parser.parse_args()
    needed()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with running_shop(folder, f"sqlite+aiosqlite:///{folder}/shop.db", {"LIVE_RELOAD": "false"}) as shop:
            cookies = _cart(shop)
            verdicts = _lighthouse(shop, cookies, folder) if asked.only in {None, "lighthouse"} else []
            wrong = markup(_pages(shop, cookies), folder) if asked.only in {None, "markup"} else []
        wrong += styles(folder) if asked.only in {None, "styles"} else []
    for line in wrong:
        print(line)
    print(_table(verdicts))
    if asked.write:
        _write(Path(asked.write), verdicts, wrong)
    missed = [f"{one.name}: {what}" for one in verdicts for what in one.missed]
    sys.exit("\n".join(missed) or (f"{len(wrong)} mistakes in pages or styles" if wrong else 0))


def _cart(shop: Running) -> str:
    """The Cookie header of somebody with one thing in the cart."""
    with httpx.Client(base_url=shop.url, trust_env=False) as client:
        page = client.get(PAGES["product"]).text
        found = re.search(r'name="variant_id" value="(\d+)"', page)
        assert found, "nothing to buy"
        added = client.post(
            "/cart/items", data={"variant_id": found[1], "quantity": "1"}, headers={"origin": shop.url}
        )
        assert added.status_code == 303, added.text
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def _pages(shop: Running, cookies: str) -> dict[str, str]:
    with httpx.Client(base_url=shop.url, trust_env=False, headers={"cookie": cookies}) as client:
        return {name: client.get(path, follow_redirects=True).text for name, path in (PAGES | MORE).items()}


def _lighthouse(shop: Running, cookies: str, folder: Path) -> list[Verdict]:
    chromium = next((path for name in NAMES if (path := shutil.which(name))), "")
    if not chromium:
        sys.exit("There is no Chromium here: apt-get install chromium fonts-liberation")
    verdicts = []
    for name, path in PAGES.items():
        verdicts.append(
            judge(name, shop.url + path, cookies if name in {"cart", "checkout"} else "", chromium, folder)
        )
        print(name, verdicts[-1].scores, *verdicts[-1].problems, sep="\n  ")
    return verdicts


def _table(verdicts: list[Verdict]) -> str:
    heads = ["page", *SCORES, "LCP ms", "TBT ms", "CLS", "kB in all"]
    rows = [
        [
            one.name,
            *(str(one.scores[name]) for name in SCORES),
            *(
                f"{one.times[name]:.0f}" if name != "cumulative-layout-shift" else f"{one.times[name]:.3g}"
                for name in TIMES
            ),
            f"{one.weight / 1000:.0f}",
        ]
        for one in verdicts
    ]
    return "\n".join(
        f"| {' | '.join(row)} |" for row in [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    )


def _write(file: Path, verdicts: list[Verdict], wrong: list[str]) -> None:
    before = file.read_text().partition(AUDITS)[0].rstrip()
    said = f"The Nu checker and stylelint: {len(wrong) or 'no'} mistakes."
    words = WORDS.format(pages=len(PAGES | MORE))
    file.write_text("\n\n".join([before, AUDITS, words, _table(verdicts), said]) + "\n")


if __name__ == "__main__":
    main()
