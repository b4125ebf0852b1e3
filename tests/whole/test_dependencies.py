"""The code imports exactly the distributions that setup.cfg declares."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests import ROOT

SHOP = ("cli", "manager", "records", "sandbox", "serving", "shop", "storefront", "web")
TESTS = ("tests", "e2e", "bench")
OURS = {path.stem for path in ROOT.glob("*.py")} | {*SHOP, *TESTS, "tooling"}


def test_the_shop_imports_only_what_it_declares() -> None:
    assert sorted(imported(shop_modules()) - declared("install_requires")) == []


def test_the_tests_import_only_what_is_declared() -> None:
    modules = [path for room in TESTS for path in (ROOT / room).rglob("*.py")]
    allowed = declared("install_requires") | declared("dev")
    assert sorted(imported(modules) - allowed) == []


def shop_modules() -> list[Path]:
    alone = [path for path in ROOT.glob("*.py") if path.stem != "conftest"]
    return alone + [path for room in SHOP for path in (ROOT / room).rglob("*.py")]


def declared(option: str) -> set[str]:
    """Return the distributions that an option of setup.cfg declares."""
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    section = "options" if option == "install_requires" else "options.extras_require"
    return {plain(line) for line in configuration[section][option].split()}


def plain(requirement: str) -> str:
    """Return a distribution's normalized name, without extras."""
    return re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()


def imported(modules: Iterable[Path]) -> set[str]:
    """Return the distributions that modules import, without the standard library and our own."""
    known = packages_distributions()
    names = {name for path in modules for name in imports_of(path)}
    foreign = names - OURS - sys.stdlib_module_names
    return {plain(known.get(name, [f"{name} (not installed)"])[0]) for name in foreign}


def imports_of(path: Path) -> Iterator[str]:
    """Yield the top-level names that a module imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]
