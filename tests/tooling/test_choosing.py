"""PostgreSQL runs every statement, though not every test that runs it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT
from tests.support import choosing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT 1 FROM t WHERE (a = %s) LIMIT 12", "SELECT 7 FROM t WHERE (a = %s) LIMIT 3"),
        ("UPDATE t SET a = 'it''s'", "UPDATE t SET a = ''"),
        ("INSERT INTO t VALUES (%s, %s)", "INSERT INTO t VALUES (%s, %s), (%s, %s)"),
        ("SELECT a WHERE a IN (%s)", "SELECT a WHERE a IN (%s, %s, %s)"),
        (f'SAVEPOINT "s{"0" * 32}"', f'SAVEPOINT "s{"f" * 32}"'),
    ],
)
def test_values_do_not_make_another_statement(one: str, other: str) -> None:
    assert choosing.shape(one) == choosing.shape(other)


def test_columns_conditions_and_failures_do() -> None:
    statements = ["SELECT a", "SELECT b", "SELECT a WHERE b = %s", "SELECT a fails: IntegrityError"]
    assert len({choosing.shape(each) for each in statements}) == len(statements)


def test_few_seconds_of_tests_run_every_statement() -> None:
    runs = {"kept": {"a"}, "slow": {"a", "b", "c"}, "quick": {"b"}, "other": {"c"}, "no": {"a"}}
    seconds = dict.fromkeys(runs, 0.1) | {"slow": 9.0}
    assert choosing.least(runs, seconds, {"kept"}) == {"kept", "quick", "other"}


def test_a_test_without_statements_is_not_chosen_but_for_its_folder() -> None:
    runs: dict[str, set[str]] = {"kept": set(), "empty": set()}
    assert choosing.least(runs, dict.fromkeys(runs, 0.1), {"kept"}) == {"kept"}


def test_every_test_left_out_exists() -> None:
    missing = []
    for name in choosing.left_out():
        file, *_, test = name.split("::")
        if not (ROOT / file).is_file() or test not in _functions(ROOT / file):
            missing.append(name)
    assert not missing, f"run make choose-postgresql: {missing}"


def test_no_test_of_races_kills_or_migrations_is_left_out() -> None:
    assert not [name for name in choosing.left_out() if name.split("/")[1] in choosing.KEPT]


@cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
