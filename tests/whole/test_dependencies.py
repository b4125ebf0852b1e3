"""The code imports exactly the distributions that setup.cfg declares."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from tests import ROOT

SHOP = ("cli", "desk", "manager", "records", "sandbox", "serving", "shop", "storefront", "web")
TESTS = ("tests", "e2e", "bench")
OSCAR = ROOT / "bench" / "oscar"
"""The shop of the comparison: its project has an environment and a lock of its own."""
OURS = {path.stem for path in ROOT.glob("*.py")} | {*SHOP, *TESTS, "tooling"}


def test_the_shop_imports_only_what_it_declares() -> None:
    assert sorted(imported(shop_modules()) - declared("install_requires")) == []


def test_the_tests_import_only_what_is_declared() -> None:
    modules = {path for room in TESTS for path in (ROOT / room).rglob("*.py")}
    allowed = declared("install_requires") | declared("dev")
    assert sorted(imported(modules - project()) - allowed) == []


def test_the_project_of_the_comparison_imports_only_what_its_own_lock_names() -> None:
    names = {name for path in project() for name in imports_of(path)}
    foreign = names - OURS - sys.stdlib_module_names
    assert "django" in foreign
    wanted = {"django-oscar" if name == "oscar" else name for name in foreign}
    assert wanted <= locked(OSCAR / "requirements.txt")


def test_nothing_of_the_comparison_is_in_the_locks_of_the_shop() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        assert not [name for name in locked(lock) if name.startswith("django")], lock.name


def project() -> set[Path]:
    return set((OSCAR / "project").rglob("*.py"))


def locked(path: Path) -> set[str]:
    """Return the distributions that a lock names."""
    lines = path.read_text().splitlines()
    return {plain(line.partition("==")[0]) for line in lines if "==" in line}


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


@cache
def imports_of(path: Path) -> set[str]:
    """Return the top-level names that a module imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names
