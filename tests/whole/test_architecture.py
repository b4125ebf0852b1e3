"""The shape of the whole: which way imports run, and who knows what."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests import ROOT
from tests.whole.test_dependencies import imports_of

OURS = {
    "app",
    "cli",
    "manager",
    "models",
    "records",
    "sandbox",
    "serve",
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
    "sandbox": set(),
    "cli": {"models", "shop"},
    "serve": {"shop"},
    "app": {"cli", "manager", "models", "shop", "storefront", "web"},
}
"""Which of our rooms each room may enter, besides itself."""


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


@pytest.mark.parametrize("room", ["manager", "storefront", "web"])
def test_views_leave_the_tables_to_the_shop(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {node.func.attr}"
        for path in modules_of(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in QUERIES
    ]
    assert not wrong
