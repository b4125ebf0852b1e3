"""The architecture: the direction of imports, and what each package may know."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

import models
from tests import ROOT
from tests.whole.test_dependencies import imports_of

OURS = {
    "app",
    "asgi",
    "cli",
    "desk",
    "manager",
    "models",
    "records",
    "sandbox",
    "serve",
    "serving",
    "shop",
    "storefront",
    "web",
}
HTTP = {"flask", "flask_babel", "flask_login", "flask_wtf", "werkzeug", "wtforms"}

MAY_IMPORT = {
    "records": set(),
    "models": {"records"},
    "shop": {"records"},
    "web": {"models", "shop"},
    "storefront": {"models", "shop", "web"},
    "manager": {"models", "shop", "web"},
    "desk": {"models", "shop", "web"},
    "sandbox": set(),
    "cli": {"models", "shop"},
    "serving": set(),
    "serve": {"serving", "shop"},
    "asgi": {"app", "serving", "shop", "web"},
    "app": {"cli", "desk", "manager", "models", "shop", "storefront", "web"},
}
"""The packages of ours that each package may import, besides itself."""


def modules_of(room: str) -> list[Path]:
    single = ROOT / f"{room}.py"
    return [single] if single.exists() else sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_run_one_way(room: str) -> None:
    modules = modules_of(room)
    assert modules, f"there is no {room}"
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules
        for name in imports_of(path)
        if name in OURS - allowed
    ]
    assert not wrong


@pytest.mark.parametrize("room", ["records", "models", "shop"])
def test_the_shop_does_not_speak_http(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules_of(room)
        for name in imports_of(path)
        if name in HTTP
    ]
    assert not wrong


QUERIES = {"select", "where", "get_or_none", "get_by_id"}


@pytest.mark.parametrize("room", ["desk", "manager", "storefront", "web"])
def test_views_leave_the_tables_to_the_shop(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {node.func.attr}"
        for path in modules_of(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in QUERIES
    ]
    assert not wrong


# --- ARCHITECTURE.md ---------------------------------------------------------------------------

TOUR = (ROOT / "ARCHITECTURE.md").read_text()


def test_the_tour_shows_the_floors_that_the_contract_keeps() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    layers = setup["importlinter:contract:floors"]["layers"].strip().splitlines()
    drawn = TOUR.split("## The floors of `shop/`")[1].split("```")[1].strip().splitlines()
    assert [set(re.findall(r"\w+", line[:30])) for line in drawn] == [
        set(re.findall(r"\w+", line)) for line in layers
    ]


def test_the_glossary_names_tables_and_labels_that_exist() -> None:
    rows = [line.strip("|").split("|") for line in TOUR.split("## Glossary")[1].splitlines()]
    terms = [[cell.strip() for cell in row] for row in rows if len(row) == 4][2:]
    assert len(terms) > 30
    tables = {table._meta.table_name for table in models.all_tables()}
    assert {name for term in terms for name in re.findall(r"`(\w+)`", term[1])} <= tables
    with (ROOT / "translations/fr/LC_MESSAGES/messages.po").open("rb") as file:
        french = {text.replace("\u00a0", " ") for text in map(_singular, read_po(file)) if text}
    labels = {label for term in terms for label in term[3].split(", ") if label}
    assert labels - french == set()


def _singular(message: Any) -> str:
    return message.string if isinstance(message.string, str) else ""
