"""An outage in the log: one line per fault and minute, with a count."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import peewee
import pytest
import structlog
from flask import Flask

import models
from shop.jobs import priorities, queue
from shop.operations import worker
from shop.settings import Settings
from tests.support.client import browser
from web import logs, repeated_faults

pytestmark = pytest.mark.one_database

Read = Callable[[], list[dict[str, Any]]]


class Minutes:
    """Stands for the timers: `pass_` lets a minute pass."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        assert seconds == 60
        self.waiting.append(act)

    def pass_(self) -> None:
        due, self.waiting = self.waiting, []
        for act in due:
            act()


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Minutes:
    """Minutes that pass when the test says so; use it before making a shop."""
    passing = Minutes()
    monkeypatch.setattr(repeated_faults, "_in_the_background", passing.later)
    return passing


@pytest.fixture
def shop(minutes: Minutes, production: Flask) -> Flask:
    """A shop in production, whose log is JSON."""
    return production


@pytest.fixture
def log_lines(shop: Flask, capsys: pytest.CaptureFixture[str]) -> Read:
    """Return the function that returns the log's lines since it was last called."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line]

    return read


@pytest.fixture
def outage(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every statement fail, as when the database is away."""

    def fail(*_: object, **__: object) -> None:
        raise peewee.OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(models.database.obj, "execute_sql", fail)
        yield


def faults_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] != "request"]


def test_requests_in_an_outage_are_one_line_a_minute(
    shop: Flask, outage: None, minutes: Minutes, log_lines: Read
) -> None:
    client = browser(shop)
    client.expects_faults, client.reads_pages = True, False
    statuses = [client.get(path).status_code for path in ("/fr/order", "/en/order", "/fr/") * 10]
    assert set(statuses) == {503}
    lines = log_lines()
    (first,) = faults_of(lines)
    assert first["event"] == "database_unavailable"
    assert "Traceback" in first["exception"]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == 30
    assert {line["fault"] for line in requests} == {first["fault"]}
    minutes.pass_()
    (counted,) = log_lines()
    assert (counted["event"], counted["repeated"]) == ("database_unavailable", 29)
    assert counted["fault"] == first["fault"]
    assert "OperationalError: connection refused" in counted["reason"]
    assert "exception" not in counted
    client.get("/fr/order")
    assert not faults_of(log_lines())
    minutes.pass_()
    assert [line["repeated"] for line in log_lines()] == [1]


def test_a_fault_that_was_away_for_a_minute_has_its_traceback_again(
    shop: Flask, outage: None, minutes: Minutes, log_lines: Read
) -> None:
    client = browser(shop)
    client.expects_faults, client.reads_pages = True, False
    client.get("/fr/order")
    log_lines()
    minutes.pass_()
    assert not log_lines()
    client.get("/fr/order")
    assert [bool(line.get("exception")) for line in faults_of(log_lines())] == [True]


def test_a_worker_in_an_outage_is_one_line_a_minute(
    outage: None, minutes: Minutes, log_lines: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if one of its threads were idle.
    monkeypatch.setattr(worker.Crew, "call", lambda self: priorities.due_jobs(1))

    class Stopping(threading.Event):
        left = 20

        def is_set(self) -> bool:
            self.left -= 1
            return self.left < 0

        def wait(self, timeout: float | None = None) -> bool:
            return False

    stopping = Stopping()
    worker._watch_until(stopping, worker.Crew(0, stopping))
    (first,) = log_lines()
    assert first["event"] == "worker_tick_failed"
    assert "Traceback" in first["exception"]
    minutes.pass_()
    assert [line["repeated"] for line in log_lines()] == [19]


def test_the_messages_of_libraries_in_an_outage_are_counted_too(
    shop: Flask, minutes: Minutes, log_lines: Read
) -> None:
    def read() -> None:
        raise peewee.OperationalError("connection refused")

    for _ in range(50):
        try:
            read()
        except peewee.OperationalError:
            logging.getLogger("httpx").exception("Error reading.")
    (first,) = log_lines()
    assert (first["event"], first["logger"]) == ("library_message", "httpx")
    assert "Traceback" in first["exception"]
    minutes.pass_()
    assert [line["repeated"] for line in log_lines()] == [49]


def test_failing_jobs_are_counted_by_kind_and_cause(
    shop: Flask, minutes: Minutes, log_lines: Read
) -> None:
    handler = queue._handlers["send_letter"]
    for number in range(10):
        job = models.Job(
            kind="send_letter", key=f"send_letter:{number}", attempts=1, payload={"letter": number}
        )
        queue._failed(job, handler, ConnectionRefusedError(f"number {number}"))
    queue._failed(job, handler, TimeoutError("slow"))
    assert [line["event"] for line in log_lines()] == ["job_failed", "job_failed"]
    minutes.pass_()
    assert [(line["kind"], line["repeated"]) for line in log_lines()] == [("send_letter", 9)]


def test_different_faults_have_a_line_each(minutes: Minutes, log_lines: Read) -> None:
    log = structlog.get_logger()

    def fail(error: Exception) -> None:
        try:
            raise error
        except Exception:
            log.exception("request_failed")

    for error in (KeyError("a"), ValueError("b"), KeyError("c")):
        fail(error)
    assert len(log_lines()) == 2
    try:
        raise KeyError("elsewhere")
    except KeyError:
        log.exception("request_failed")
    assert len(log_lines()) == 1


def test_single_events_are_never_dropped(log_lines: Read) -> None:
    for _ in range(5):
        structlog.get_logger().error("letter_not_sent", letter=1)
    assert len(log_lines()) == 5


def test_a_refused_recipient_is_not_named(log_lines: Read) -> None:
    reason = "{'alice@example.com': (450, b'<alice@example.com>: busy')}"
    structlog.get_logger().warning("job_failed", kind="send_letter", reason=reason)
    try:
        raise ValueError("Alice <alice@example.com> is unknown")
    except ValueError:
        structlog.get_logger().exception("request_failed")
    first, second = log_lines()
    assert first["reason"] == "{'<address>': (450, b'<<address>>: busy')}"
    assert "alice@" not in json.dumps(second)
    assert "Alice <<address>> is unknown" in second["exception"]


def test_counts_are_written_when_the_process_ends(minutes: Minutes) -> None:
    written: list[Any] = []
    faults = repeated_faults.RepeatedFaults(written.append)
    faults(None, "", {"event": "not_ready", "reason": "x"})
    for _ in range(3):
        with pytest.raises(structlog.DropEvent):
            faults(None, "", {"event": "not_ready", "reason": "x"})
    faults.flush()
    assert [(line["event"], line["repeated"]) for line in written] == [("not_ready", 3)]


def test_a_log_that_is_set_up_anew_has_no_lines_of_the_one_before(
    shop: Flask, minutes: Minutes, settings: Settings, log_lines: Read
) -> None:
    for _ in range(2):
        structlog.get_logger().warning("not_ready", reason="x")
    assert len(log_lines()) == 1
    logs.set_up(settings)
    minutes.pass_()
    assert not log_lines()


def test_control_without_the_rule_each_fault_is_a_line(
    shop: Flask, outage: None, monkeypatch: pytest.MonkeyPatch,
    log_lines: Read,
) -> None:  # fmt: skip
    monkeypatch.setattr(repeated_faults, "_key", lambda event: None)
    client = browser(shop)
    client.expects_faults, client.reads_pages = True, False
    for _ in range(5):
        client.get("/fr/order")
    assert len(faults_of(log_lines())) == 5
    assert logs.EMAIL_ADDRESS.search("a@b")
