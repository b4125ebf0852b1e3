"""What the code imports is what setup.cfg names, so that a fresh machine has it."""

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
    """The distributions that setup.cfg names."""
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    section = "options" if option == "install_requires" else "options.extras_require"
    return {plain(line) for line in configuration[section][option].split()}


def plain(requirement: str) -> str:
    """A distribution's name without extras, spelt in the one normal way."""
    return re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()


def imported(modules: Iterable[Path]) -> set[str]:
    """The distributions, outside the standard library and our own rooms, that modules import."""
    known = packages_distributions()
    names = {name for path in modules for name in imports_of(path)}
    foreign = names - OURS - sys.stdlib_module_names
    return {plain(known.get(name, [f"{name} (not installed)"])[0]) for name in foreign}


def imports_of(path: Path) -> Iterator[str]:
    """The top-level names a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]
