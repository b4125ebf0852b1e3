"""Metrics and alarms: correct, and cheap enough to be queried often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from peewee import SqliteDatabase

import models
from models import Account, Job, JobStatus, SeatStatus
from shop.delivery import seat_jobs
from shop.errors import PartyUnavailable
from shop.jobs import queue
from shop.licences import seats
from shop.operations import monitoring, worker
from tests.support import groups, work
from tests.support.parties import Bank, Provider
from tests.support.work import Work

Plans = list[tuple[str, str]]


@pytest.fixture
def plans(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Plans:
    """The query plans of the SELECT statements that the test runs."""
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
    """Return the steps of a statement's query plan."""
    if isinstance(models.database.obj, SqliteDatabase):
        return [row[3] for row in execute(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()]
    # The planner scans a table of a few rows, whatever indexes it has.
    execute("SET enable_seqscan = off")
    rows = execute(f"EXPLAIN {sql}", params).fetchall()
    execute("RESET enable_seqscan")
    return [row[0] for row in rows]


def reads_the_whole_table(step: str) -> bool:
    """Return whether a step of a plan reads a table; an index of few of its rows is none."""
    scans = step.startswith("SCAN") and step not in ("SCAN CONSTANT ROW", "SCAN counted")
    few = "COVERING INDEX" in step or "vat_check_misfit" in step
    return "Seq Scan" in step or (scans and not few)


@pytest.fixture
def failing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A kind of job that fails at once, without any effect that a customer sees."""
    noted = Work()
    noted.act = work.fail
    monkeypatch.setitem(
        queue._handlers, work.KIND, queue.Handler(noted.run, 1, timedelta(0), None, 0)
    )
    return noted


def run_cli(app: Flask, *arguments: str) -> str:
    return app.test_cli_runner().invoke(args=["jobs", *arguments]).output


def test_a_failed_job_raises_an_alarm_until_it_succeeds(
    app: Flask, failing: Work, drain: Callable[[], int]
) -> None:
    assert run_cli(app, "list") == "No failed jobs.\n"
    work.enqueue_job("one")
    work.enqueue_job("two")
    drain()
    assert monitoring.alarms()["failed_jobs"] == 2
    listed = run_cli(app, "list").splitlines()
    assert [line.split("  ")[-2:] for line in listed] == [
        ["two", "ValueError: out of paper"], ["one", "ValueError: out of paper"],
    ]  # fmt: skip
    failing.act = lambda: None
    assert run_cli(app, "retry", listed[0].split()[0]) == "1 job(s) queued again.\n"
    drain()
    assert monitoring.alarms()["failed_jobs"] == 1
    assert run_cli(app, "retry") == "1 job(s) queued again.\n"
    drain()
    assert monitoring.alarms()["failed_jobs"] == 0
    assert len(failing.done) == 4


def test_a_failed_job_is_forgotten_when_asked_to_and_after_a_year(
    app: Flask, failing: Work, drain: Callable[[], int], clock: time_machine.Traveller
) -> None:
    work.enqueue_job("one")
    work.enqueue_job("two")
    drain()
    number = run_cli(app, "list").split()[0]
    assert run_cli(app, "forget", number) == "1 job(s) forgotten.\n"
    assert run_cli(app, "forget", number) == f"Error: There is no failed job {number}.\n"
    assert work.the_job().key == "one"
    clock.shift(timedelta(days=364))
    worker.delete_expired()
    assert monitoring.alarms()["failed_jobs"] == 1
    clock.shift(timedelta(days=2))
    worker.delete_expired()
    assert monitoring.alarms()["failed_jobs"] == 0
    assert not Job.select().exists()


def test_a_failure_shown_to_the_customer_is_not_a_failed_job_for_operators(
    app: Flask, alice: Account, bank: Bank, provider: Provider, clock: time_machine.Traveller,
    drain: Callable[[], int], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def away(*_: object) -> None:
        raise PartyUnavailable("nobody answers")

    seat = groups.seat_of(groups.installed(alice, bank))
    with monkeypatch.context() as patch:
        patch.setattr(provider, "create_user", away)
        seats.configure(seat, seat.version, groups.CAMILLE, by="alice")
        for _ in range(seat_jobs.ATTEMPTS):
            drain()
            clock.shift(timedelta(hours=2))
    failed = Job.get(Job.status == JobStatus.FAILED)
    assert groups.fresh(seat).status == SeatStatus.ERROR
    assert monitoring.alarms()["failed_jobs"] == 0
    assert run_cli(app, "retry", str(failed.id)) == f"Error: There is no failed job {failed.id}.\n"


def test_the_figures_are_counted_without_reading_tables_through(
    plans: Plans, client: FlaskClient
) -> None:
    assert client.get("/metrics").status_code == 200
    assert [sql for sql, _ in plans if '"letter"' in sql]
    assert not [plan for plan in plans if reads_the_whole_table(plan[1])]
