"""What the operator is told: true, and cheap enough to ask often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from peewee import SqliteDatabase

import models

Plans = list[tuple[str, str]]


@pytest.fixture
def plans(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Plans:
    """How the database finds the rows of each statement run meanwhile."""
    found: Plans = []
    opened = models.database.obj
    execute = opened.execute_sql

    def explained(sql: str, params: Any = None, **ways: Any) -> Any:
        if sql.startswith("SELECT"):
            found.extend((sql, step) for step in steps(execute, sql, params))
        return execute(sql, params, **ways)

    monkeypatch.setattr(opened, "execute_sql", explained)
    return found


def steps(execute: Callable[..., Any], sql: str, params: Any) -> list[str]:
    """The steps of a statement's plan."""
    if isinstance(models.database.obj, SqliteDatabase):
        return [row[3] for row in execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()]
    # A table of a few rows is read through however many indexes it has.
    execute("SET enable_seqscan = off")
    rows = execute(f"EXPLAIN {sql}", params).fetchall()
    execute("RESET enable_seqscan")
    return [row[0] for row in rows]


def reads_the_whole_table(step: str) -> bool:
    return "Seq Scan" in step or (step.startswith("SCAN") and "COVERING INDEX" not in step)


def test_the_figures_are_counted_without_reading_tables_through(
    plans: Plans, client: FlaskClient
) -> None:
    assert client.get("/metrics").status_code == 200
    assert [sql for sql, _ in plans if '"letter"' in sql]
    assert not [plan for plan in plans if reads_the_whole_table(plan[1])]
