"""What the papers say stands in the code, and the other way round."""

import configparser
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import SecretStr

from storefront.cli import commands
from storefront.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
CONTRACT = (ROOT / "docs/contract.md").read_text("utf-8")
SECURITY = (ROOT / "docs/security.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text("utf-8")
PAPERS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# A file of the shop or of its tests as a paper names it, with a function, class or constant of it behind `::`.
NAMED = re.compile(r"`((?:tests|storefront|static|requirements)/[\w./-]+)(?:::(\w+))?`")
WINDOWS = {60: "1 minute", 600: "10 minutes", 900: "15 minutes", 3600: "1 hour"}
FENCED = re.compile(r"^```.*?^```", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
# Built from parts, or this file would hold what it looks for.
FORBIDDEN = {
    "a path of one machine": re.compile(
        rb"(?<![\w.])/(?:work|root|home)" + rb"/\w|/Us" + rb"ers/\w|[A-Z]:\\Us" + rb"ers"
    ),
    "a live key": re.compile(rb"\b[srp]k_li" + rb"ve_[0-9A-Za-z]{8,}"),
    "a key in full length": re.compile(
        rb"\b[sr]k_te" + rb"st_[0-9A-Za-z]{24,}|\bwhs" + rb"ec_[0-9A-Za-z+/]{32}\b"
    ),
}
# An example of a path may stand where it is one.
EXAMPLE_PATHS = ("/ho" + "me/me",)


def default_of(name: str) -> str:
    """A setting's default as it would stand in a .env file."""
    field = next(field for field in Settings.model_fields.values() if field.alias == name)
    value: Any = field.default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value == () else str(value)


NAMES = [str(field.alias) for field in Settings.model_fields.values()]
ATTRIBUTES = {str(field.alias): name for name, field in Settings.model_fields.items()}


def readme_row(name: str) -> str:
    rows = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1, f"README.md has {len(rows)} rows for {name}"
    return rows[0]


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_stands_in_the_papers_with_its_default(name: str) -> None:
    default = default_of(name)
    lines = re.findall(rf"^{name}=(.*)$", EXAMPLE, re.M)
    assert [line.strip('"') for line in lines] == [default], ".env.example"
    shown = readme_row(name).split("|")[2].strip()
    assert shown == (f"`{default}`" if default else "empty"), "README.md"


def test_the_papers_name_no_setting_that_is_none() -> None:
    assert set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.M)) == set(NAMES)
    table = README[README.index("\n## Settings") : README.index("\n## Layout")]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.M)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_says_which_settings_nothing_reads_yet(name: str) -> None:
    outside = [file for file in (ROOT / "storefront").rglob("*.py") if file.name != "settings.py"]
    inside = (ROOT / "storefront/settings.py").read_text()
    # A property such as `webhook_secrets` reads for the others; checking a value does not.
    readers = {ATTRIBUTES[name], *re.findall(rf"def (\w+)\(self\)[^@]*self\.{ATTRIBUTES[name]}\b", inside)}
    readers -= {"_production", "_refuse_what_production_must_not_run_with"}
    read = any(
        re.search(rf"ettings\.(?:{'|'.join(readers)})\b|found\.(?:{'|'.join(readers)})\b", file.read_text())
        for file in outside
        if file.name != "checks.py"
    )
    assert read != ("Not read yet" in readme_row(name))


def every_command(group: click.Group, path: str = "storefront") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


@pytest.mark.parametrize("command", list(every_command(commands)))
def test_each_command_stands_in_the_readme(command: str) -> None:
    assert re.search(rf"^\| `{command}[ `]", README, re.M)


def test_the_readme_names_only_commands_and_options_that_exist() -> None:
    known = {command.split(" ", 1)[1]: command for command in every_command(commands)}
    for line in re.findall(r"^\| `storefront ([^`]+)`", README, re.M):
        words = line.split()
        name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
        assert name, f"storefront {line}"
        command: click.Command = commands
        for word in name.split():
            assert isinstance(command, click.Group)
            command = command.commands[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_make_targets_in_the_papers_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for paper in (README, *(file.read_text("utf-8") for file in PAPERS)):
        named = set(re.findall(r"`make ([a-z-]+)", paper)) | set(
            re.findall(r"^ {4}make ([a-z-]+)", paper, re.M)
        )
        assert named <= targets


def test_each_address_of_the_shop_stands_in_the_contract(settings: Settings, tmp_path: Path) -> None:
    from storefront.app import make_litestar, make_shop
    from storefront.web.assets import Assets

    database = SecretStr(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    elsewhere = settings.model_copy(update={"database_url": database})
    app = make_litestar(make_shop(elsewhere, Assets(elsewhere), []))
    for route in app.routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in sorted(getattr(route, "methods", set()) - {"OPTIONS", "HEAD"}):
            row = rf"^\| {method} [^|]*`{re.escape(path)}`"
            assert re.search(row, CONTRACT, re.M), f"docs/contract.md lacks {method} {path}"


def test_the_deployment_guide_lists_the_webhooks_that_are_handled() -> None:
    from storefront.payments.handlers import HANDLERS, OUR_VERSION

    guide = (ROOT / "docs/deploy.md").read_text("utf-8")
    listed = re.findall(r"^ {4}([a-z_]+(?:\.[a-z_]+)+)$", guide, re.M)
    assert sorted(listed) == sorted(HANDLERS)
    assert f"`{OUR_VERSION}`" in guide


def test_the_architecture_has_every_room_and_the_layers() -> None:
    for folder in (ROOT / "storefront").iterdir():
        if folder.suffix == ".py" or (folder / "__init__.py").exists():
            name = folder.name if folder.suffix else f"{folder.name}/"
            assert re.search(rf"^  {re.escape(name)} ", ARCHITECTURE, re.M) or name == "__init__.py", name
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    layers = [
        line.replace("storefront.", "").strip()
        for line in rules["importlinter:contract:layers"]["layers"].splitlines()
        if line.strip()
    ]
    assert "\n".join(f"    {layer}" for layer in layers) in ARCHITECTURE


def test_what_the_security_page_names_is_there() -> None:
    named = NAMED.findall(SECURITY)
    assert len(named) > 200
    assert all(name for file, name in named if file.startswith("tests/") and file.endswith(".py"))
    assert len(re.findall(r"(?:tests|storefront)/", SECURITY)) == len(
        [file for file, _ in named if file.startswith(("tests/", "storefront/"))]
    ), "each stands between backticks, so that it is looked at"
    for file, name in set(named):
        assert (ROOT / file).is_file(), file
        if name:
            defined = rf"^(?:(?:async )?def|class) {name}\b|^{name}\b.* = "
            assert re.search(defined, (ROOT / file).read_text("utf-8"), re.M), f"{file} has no {name}"


def test_every_limit_stands_in_the_security_page() -> None:
    from storefront.payments.controllers import REFUSED_A_MINUTE
    from storefront.web.limits import Rule

    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\d+) \| ([^|]+) \| [^|]+ \|$", SECURITY, re.M)
    limits = {"refused webhooks": f"{REFUSED_A_MINUTE} in {WINDOWS[60]}"}
    for file in (ROOT / "storefront").rglob("*.py"):
        if re.search(r"^\w+ = Rule\(", file.read_text("utf-8"), re.M):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found = [one for one in vars(importlib.import_module(module)).values() if isinstance(one, Rule)]
            limits |= {f"`{one.name}`": f"{one.most} in {WINDOWS[one.seconds]}" for one in found}
    assert {name: f"{most} in {window}" for name, most, window in rows} == limits


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_links_lead_somewhere(paper: Path) -> None:
    for target in LINK.findall(FENCED.sub("", paper.read_text("utf-8"))):
        assert (paper.parent / target).exists(), f"{paper.name} links to {target}"


def test_the_screenshot_is_small_enough_to_be_loaded() -> None:
    assert (ROOT / "docs/screenshot.png").stat().st_size <= 200_000


def test_nothing_that_is_tracked_holds_a_path_of_one_machine_or_a_live_key() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("NOT TESTED: this is no git checkout, so there is no list of tracked files")
    for name in filter(None, listed.stdout.decode().split("\0")):
        file = ROOT / name
        content = file.read_bytes() if file.is_file() else b""
        for what, pattern in FORBIDDEN.items():
            found = pattern.search(content)
            assert found is None, f"{name} holds {what}: {found[0]!r}" if found else ""


def test_the_hooks_run_the_tools_of_the_check() -> None:
    """All but the rules' own test, which looks at no code."""
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\ncheck:")[1].split("\n\n")[0]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    run = re.findall(r"entry: (\S+)/bin/(\S+ ?.*?)(?: --force-exclude)?\n", hooks)
    hooked = {f"{where}/bin/{what}" for where, what in run}
    tools = recipe.replace("$(BIN)", ".venv/bin").replace("$(SEMGREP)", ".venv-semgrep").splitlines()[1:]
    wanted = {line.strip().removesuffix(" .") for line in tools if "--test" not in line}
    assert hooked == wanted
